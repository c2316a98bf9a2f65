import Glibc
import JSON

/// Runs the rules, each in a process of its own.
public struct ConformanceRunner: Sendable {
    /// One rule in one role.
    public struct Finding: Sendable {
        /// The rule.
        public var rule: ConformanceRule
        /// The role it was tested in.
        public var role: String
        /// How it ended.
        public var verdict: ConformanceVerdict
        /// How long the test took, in seconds.
        public var seconds: Double
    }

    private let configuration: ConformanceConfiguration
    private let inProcess: Bool

    /// A runner for a plugin as it is configured.
    ///
    /// - Parameters:
    ///   - configuration: The plugin, and what to test it with.
    ///   - inProcess: Runs the rules in this process, for a debugger; a crash then ends everything.
    public init(configuration: ConformanceConfiguration, inProcess: Bool) {
        self.configuration = configuration
        self.inProcess = inProcess
    }

    /// The rules that a name picks: all for nil, one for its number ("MLP-S03" or "S03"), a group for its letter.
    public static func rules(only name: String?) throws -> [ConformanceRule] {
        guard let name else { return ConformanceRule.all }
        let wanted = name.uppercased()
        let picked = ConformanceRule.all.filter {
            $0.id == wanted || $0.id == "MLP-" + wanted || $0.id.dropFirst(4).prefix(1) == wanted
        }
        guard !picked.isEmpty else {
            throw ConfigError(
                "there is no rule \(name); rules are " + ConformanceRule.all.map(\.id).joined(separator: ", "),
                key: "--only"
            )
        }
        return picked
    }

    /// Runs rules in every role of theirs, and tells of each finding as it comes.
    public func run(_ rules: [ConformanceRule], found: (Finding) -> Void) -> [Finding] {
        var findings: [Finding] = []
        for rule in rules {
            for role in rule.roles {
                let started = monotonicNanoseconds()
                let verdict = inProcess ? test(rule, role: role) : testApart(rule, role: role)
                let finding = Finding(
                    rule: rule,
                    role: role,
                    verdict: verdict,
                    seconds: Double(monotonicNanoseconds() - started) / 1e9
                )
                found(finding)
                findings.append(finding)
            }
        }
        return findings
    }

    /// Tests a rule in this process.
    public func test(_ rule: ConformanceRule, role: String) -> ConformanceVerdict {
        do {
            return try rule.check(ConformanceProbe(configuration: configuration, role: role))
        } catch let skip as ConformanceProbe.Skip {
            return .skip(skip.reason)
        } catch let fault as PluginFault where fault.kind == .hang {
            return .hang("\(fault.call): \(fault.reason)")
        } catch let fault as PluginFault {
            return .fail("\(fault.call): \(fault.reason)")
        } catch {
            return .fail("\(error)")
        }
    }

    private func testApart(_ rule: ConformanceRule, role: String) -> ConformanceVerdict {
        var ends: [Int32] = [-1, -1]
        // Only the spawned child's copy is inherited: the numbers below are marked before anything is started.
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            return .skip("no pipe: \(String(cString: strerror(errno)))")
        }
        defer { close(ends[0]) }
        let child: ChildProcess
        do {
            // What the plugin prints belongs nowhere near the report.
            child = try ChildProcess(
                executable: executablePath(),
                arguments: [executablePath(), "conformance-rule", rule.id, role] + configuration.words,
                descriptors: [(ends[1], ConformanceRunner.verdictDescriptor), (STDERR_FILENO, STDOUT_FILENO)]
            )
        } catch {
            close(ends[1])
            return .skip("\(error)")
        }
        close(ends[1])
        // Starting a process takes its time however short the calls are to be.
        // A model that takes long to prepare is given that time over again for every rule.
        let preparing = max(0, configuration.limits.work - 120) * 3
        let limit = rule.timeLimit * configuration.patience + preparing + 1
        let answer = read(ends[0], within: limit)
        if answer == nil { child.kill() }
        let end = child.wait(within: 5)
        guard let answer else { return .hang("no verdict within \(Int(limit)) s") }
        if let verdict = ConformanceRunner.verdict(in: answer) { return verdict }
        if end == nil { child.kill() }
        return .crash("the process ended without a verdict: \(end.map { "\($0)" } ?? "it closed the pipe")")
    }

    /// Where a child writes its verdict.
    public static let verdictDescriptor: Int32 = 3

    /// Reads until the pipe is closed; nil if that takes too long.
    private func read(_ descriptor: Int32, within seconds: Double) -> [UInt8]? {
        let deadline = monotonicNanoseconds() &+ UInt64(seconds * 1e9)
        var bytes: [UInt8] = []
        while true {
            let now = monotonicNanoseconds()
            guard now < deadline else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Int32(min(1000, (deadline - now) / 1_000_000 + 1))) > 0 else { continue }
            let got = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer -> Int in
                let got = Glibc.read(descriptor, buffer.baseAddress, 4096)
                if got > 0 { bytes.append(contentsOf: UnsafeRawBufferPointer(buffer)[..<got]) }
                return got
            }
            // A child of the plugin's may hold the pipe open; a whole verdict is the end.
            if got <= 0 || bytes.last == UInt8(ascii: "\n") { return bytes }
        }
    }

    /// A verdict as the child writes it: one line of JSON.
    public static func line(for verdict: ConformanceVerdict) -> String {
        JSON.object(
            JSONObject([("verdict", .string(verdict.word)), ("reason", .string(verdict.reason))])
        ).text() + "\n"
    }

    private static func verdict(in line: [UInt8]) -> ConformanceVerdict? {
        guard let json = try? JSON(parsing: String(decoding: line, as: UTF8.self), source: "verdict"),
            case .string(let word)? = json["verdict"], case .string(let reason)? = json["reason"]
        else { return nil }
        return ConformanceVerdict(word: word, reason: reason)
    }
}
