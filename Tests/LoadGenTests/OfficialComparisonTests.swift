@testable import Core
import CPluginAPI
import FoundationEssentials
import Synchronization
import Testing

/// Both engines on the same system: what it saw, and the logs entry by entry.
///
/// Not run where the official library is not built (`make official-loadgen`).
@Suite(.serialized) struct OfficialComparisonTests {
    /// What one engine did.
    private struct Outcome {
        var seen: [UInt64]
        var events: [NotedLibrary.Event]
        var result: RunResult
        var folder: String
    }

    /// A test and how it is judged.
    private struct Case: Sendable {
        var name: String
        var settings: TestSettings
        var audit: String?
        var isAsynchronous = false
        var delayMicroseconds: UInt32 = 0
        /// Time, not the settings, says how many queries there are or what the verdict is.
        var isTimed = false
    }

    private static let library: (engine: OfficialLoadGen?, reason: String) = {
        do {
            return (try OfficialLoadGen(path: builtLibrary()), "")
        } catch {
            return (nil, "\(error)")
        }
    }()

    /// Where the build script of this checkout leaves it, unless the environment names another.
    private static func builtLibrary() -> String? {
        if ProcessInfo.processInfo.environment[OfficialLoadGen.environmentVariable] != nil { return nil }
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return "\(root)/.build/official/\(OfficialLoadGen.libraryName)"
    }

    private func settings(_ scenario: Scenario, _ mode: TestMode, tokens: Bool = false) -> TestSettings {
        var settings = shortSettings(scenario, queries: 200)
        settings.mode = mode
        settings.qslRngSeed = MLPerfRound.v61.qslRngSeed
        settings.sampleIndexRngSeed = MLPerfRound.v61.sampleIndexRngSeed
        settings.scheduleRngSeed = MLPerfRound.v61.scheduleRngSeed
        settings.serverTargetQps = 10_000
        settings.useTokenLatencies = tokens
        settings.serverTtftLatency = 1_000_000_000
        settings.serverTpotLatency = 1_000_000_000
        return settings
    }

    private var cases: [Case] {
        var list: [Case] = []
        for scenario in Scenario.allCases {
            for mode in [TestMode.performanceOnly, .accuracyOnly, .submissionRun] {
                for tokens in mode == .submissionRun ? [scenario == .server] : [false, true] {
                    let name = "\(scenario.rawValue)-\(mode.rawValue)" + (tokens ? "-tokens" : "")
                    list.append(Case(name: name, settings: settings(scenario, mode, tokens: tokens)))
                }
            }
            func variant(_ name: String, isTimed: Bool = false, _ change: (inout TestSettings) -> Void) {
                var changed = settings(scenario, .performanceOnly)
                change(&changed)
                list.append(Case(name: "\(scenario.rawValue)-\(name)", settings: changed, isTimed: isTimed))
            }
            variant("unique") { $0.performanceIssueUnique = true }
            variant("same") {
                $0.performanceIssueSame = true
                $0.performanceIssueSameIndex = 7
            }
            variant("sampled-accuracy") { $0.accuracyLogSamplingTarget = 50 }
            variant("override") { $0.performanceSampleCountOverride = 17 }
            if scenario == .server || scenario == .offline {
                variant("inferred") {
                    $0.inferTokenLatencies = true
                    $0.tokenLatencyScalingFactor = 3
                }
            }
            if scenario == .server {
                variant("test05") {
                    $0.test05 = true
                    $0.test05QslRngSeed = 1
                    $0.test05SampleIndexRngSeed = 2
                    $0.test05ScheduleRngSeed = 3
                }
            }
            if scenario != .multiStream { variant("equal-issue") { $0.sampleConcatenatePermutation = true } }
            if scenario != .offline { variant("max-queries") { $0.maxQueryCount = 50 } }
            variant("by-time", isTimed: true) {
                $0.minDurationMs = 30
                $0.minQueryCount = 10
                $0.singleStreamExpectedLatencyNs = 100_000
                $0.multiStreamExpectedLatencyNs = 100_000
            }
            list.append(
                Case(
                    name: "\(scenario.rawValue)-audit",
                    settings: settings(scenario, .performanceOnly),
                    audit: "*.*.accuracy_log_sampling_target = 20\n*.*.min_query_count = 77\n"
                )
            )
            var asynchronous = Case(
                name: "\(scenario.rawValue)-asynchronous",
                settings: settings(scenario, .accuracyOnly)
            )
            asynchronous.isAsynchronous = true
            list.append(asynchronous)
        }
        return list
    }

    @Test func bothEnginesDoTheSame() throws {
        guard let engine = Self.library.engine else {
            Golden.notRun("official", Self.library.reason)
            return
        }
        for test in cases {
            try Golden.run("official/\(test.name)") { try compare(test, engine) }
        }
        var search = settings(.server, .findPeakPerformance)
        // A system that needs a millisecond for each query.
        search.serverTargetLatencyNs = 20_000_000
        search.serverTargetQps = 300
        search.minQueryCount = 60
        search.serverFindPeakQpsDecimalsOfPrecision = 0
        try Golden.run("official/Server-FindPeakPerformance") {
            try compareSearch(Case(name: "peak", settings: search, delayMicroseconds: 1000), engine)
        }
        // Ours says so as a reason of the result too.
        try Golden.run("official/Offline-FindPeakPerformance") {
            try runBoth(Case(name: "no-peak", settings: settings(.offline, .findPeakPerformance)), engine) {
                ours,
                theirs in
                let errors = try [ours, theirs].map { outcome in
                    try LogLine.read("\(outcome.folder)/mlperf_log_detail.txt").filter {
                        $0.key == "error_invalid_config"
                    }
                }
                #expect(errors[0].map(\.value) == errors[1].map(\.value) && errors[0].count == 1)
                #expect(!ours.result.isValid && !theirs.result.isValid)
            }
        }
    }

    /// Configuration files read by the library's own code and by ours.
    @Test func bothEnginesReadTheSameSettings() throws {
        guard let engine = Self.library.engine else {
            Golden.notRun("official/configuration", Self.library.reason)
            return
        }
        let path = temporaryFolder("official") + ".conf"
        let conf = """
            # a comment
            *.*.min_duration = 1234
            llama2-70b.Server.target_qps = 12.5
            *.Offline.target_qps = 0x10
            *.SingleStream.target_latency = 7
            *.Server.coalesce_queries = 1
            *.*.mode = 1
            *.*.qsl_rng_seed = 5

            """
        try Data(conf.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Golden.run("official/configuration") {
            for model in SettingsReader.knownModels + ["*", "no-such-model"] {
                for scenario in Scenario.allCases {
                    for file in [nil, path] {
                        let theirs = try engine.settings(model: model, scenario: scenario, userConf: file)
                        var ours = TestSettings()
                        ours.scenario = scenario
                        var reader = SettingsReader(round: .v61)
                        if let file {
                            _ = reader.apply(path: file, origin: .user, model: model, scenario: scenario, to: &ours)
                        } else {
                            reader.applyBuiltInRules(model: model, scenario: scenario, to: &ours)
                        }
                        #expect(GoldenSettings.differences(ours, theirs) == [], "\(model) \(scenario)")
                    }
                }
            }
        }
    }

    @Test func aBadConfFileIsNamedWithItsLine() throws {
        guard let engine = Self.library.engine else {
            Golden.notRun("official/bad-configuration", Self.library.reason)
            return
        }
        let path = temporaryFolder("official-bad") + ".conf"
        try Data("*.*.min_duration = 1\n*.*.min_query_count = many\n".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: LoadGenError.self) {
            _ = try engine.settings(model: "*", scenario: .server, userConf: path)
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("line=2"))
        #expect(throws: LoadGenError.self) {
            _ = try engine.settings(model: "*", scenario: .server, userConf: path + ".absent")
        }
    }

    // MARK: - Running

    private func run(_ test: Case, _ engine: OfficialLoadGen?) throws -> Outcome {
        let folder = temporaryFolder("\(engine == nil ? "podium" : "official")-\(test.name)")
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let library = NotedLibrary(total: 100, performance: 60)
        let relay = Relay()
        let system = try GoldenSystem(
            ledger: relay,
            delayMicroseconds: test.delayMicroseconds,
            tokens: test.settings.useTokenLatencies,
            scenario: test.settings.scenario,
            isAsynchronous: test.isAsynchronous
        )
        defer { system.stop() }
        var options = LoadGenRun.Options()
        if let audit = test.audit {
            let path = folder + "/audit.config"
            try Data(audit.utf8).write(to: URL(fileURLWithPath: path))
            options.auditConfiguration = path
        }
        let run: any TestRun
        if let engine {
            run = OfficialRun(
                engine: engine,
                settings: test.settings,
                qsl: library,
                sut: system,
                output: folder,
                options: options
            )
        } else {
            run = LoadGenRun(settings: test.settings, qsl: library, sut: system, output: folder, options: options)
        }
        relay.target.withLock { $0 = run.responses }
        let result = try run.run()
        return Outcome(seen: system.seen, events: library.events, result: result, folder: folder)
    }

    private func runBoth(_ test: Case, _ engine: OfficialLoadGen, _ body: (Outcome, Outcome) throws -> Void) throws {
        let ours = try run(test, nil)
        defer { try? FileManager.default.removeItem(atPath: ours.folder) }
        let theirs = try run(test, engine)
        defer { try? FileManager.default.removeItem(atPath: theirs.folder) }
        #expect(theirs.result.misuse == SampleMisuse() && theirs.result.outstanding.count == 0, "\(test.name)")
        try body(ours, theirs)
    }

    // MARK: - Comparing

    private func compare(_ test: Case, _ engine: OfficialLoadGen) throws {
        try runBoth(test, engine) { ours, theirs in
            #expect(ours.events == theirs.events, "\(test.name)")
            let common = test.isTimed ? min(ours.seen.count, theirs.seen.count) : Int.max
            #expect(Array(ours.seen.prefix(common)) == Array(theirs.seen.prefix(common)), "\(test.name)")
            if !test.isTimed {
                #expect(ours.result.issuedSamples == theirs.result.issuedSamples, "\(test.name)")
                #expect(ours.result.completedSamples == theirs.result.completedSamples, "\(test.name)")
            }
            if !test.isTimed, test.settings.scenario != .server {
                #expect(ours.result.isValid == theirs.result.isValid, "\(test.name): \(theirs.result.reasons)")
            }
            try compareDetail(test, ours.folder, theirs.folder)
            try compareSummary(test, ours.folder, theirs.folder)
            if !test.isTimed { try compareAccuracy(test, ours.folder, theirs.folder) }
        }
    }

    /// Entries that only one side can have, or that tell of the machine: docs/loadgen.md lists them.
    private func isComparable(_ line: LogLine) -> Bool {
        let words = ["Logging allocation detected", "PerfClock and system_clock", TestSettings.exactPrefix]
        return !words.contains { line.value.contains($0) }
    }

    /// Values of the moment, the machine or the library's build.
    private func isVolatile(_ key: String, _ test: Case) -> Bool {
        if ["loadgen_", "power_", "logger_"].contains(where: key.hasPrefix) { return true }
        if ["test_datetime", "get_sut_name_duration_ns"].contains(key) { return true }
        let isJudgement = ["result_validity", "result_query_count", "num_errors"].contains(key)
        if isJudgement || key == "result_min_queries_met" || key == "result_min_duration_met" {
            return test.isTimed || (test.settings.scenario == .server && key == "result_validity")
        }
        return key.hasPrefix("result_") || key.hasPrefix("early_stopping_latency")
    }

    private func compareDetail(_ test: Case, _ ourFolder: String, _ theirFolder: String) throws {
        // In Server, and in runs that end by time, the moment may add a reason or an early end.
        let mayVary = test.isTimed || test.settings.scenario == .server
        func lines(_ folder: String) throws -> [LogLine] {
            try LogLine.read("\(folder)/mlperf_log_detail.txt").filter { line in
                isComparable(line)
                    && !(mayVary && ["result_invalid_reason"].contains(line.key))
                    && !(test.isTimed && ["error_runtime", "generic_message"].contains(line.key))
            }
        }
        let ours = try lines(ourFolder)
        let theirs = try lines(theirFolder)
        #expect(ours.map(\.key) == theirs.map(\.key), "\(test.name)")
        for (line, expected) in zip(ours, theirs) {
            #expect(
                line.isError == expected.isError && line.isWarning == expected.isWarning,
                "\(test.name) \(line.key)"
            )
            #expect(line.form == expected.form, "\(test.name) \(line.key)")
            if isVolatile(line.key, test) { continue }
            guard line.key.hasPrefix("early_stopping") else {
                #expect(line.value == expected.value, "\(test.name) \(line.key)")
                continue
            }
            if !mayVary { #expect(masked(line.value) == masked(expected.value), "\(test.name) \(line.key)") }
        }
    }

    private func compareSummary(_ test: Case, _ ourFolder: String, _ theirFolder: String) throws {
        func lines(_ folder: String) throws -> [String] {
            let all = try text("\(folder)/mlperf_log_summary.txt").split(
                separator: "\n",
                omittingEmptySubsequences: false
            ).map { masked(String($0)) }
            // Logging allocations of theirs are warnings.
            let judged = all.filter { !$0.contains("warning") }
            guard test.isTimed || test.settings.scenario == .server else { return judged }
            let head = judged.prefix { $0 != "Recommendations:" && !$0.contains("Early Stopping Result") }
            let tail = judged.drop { $0 != "Additional Stats" }.filter {
                !$0.contains("errors encountered") && !$0.contains("ERROR")
            }
            return (head + tail).map {
                $0.replacing("INVALID", with: "VALID").replacing(": NO", with: ": Yes")
            }
        }
        let ours = try lines(ourFolder)
        let theirs = try lines(theirFolder)
        #expect(ours == theirs, "\(test.name)")
    }

    /// Entries come in the order of completion; the answers are the same.
    private func compareAccuracy(_ test: Case, _ ourFolder: String, _ theirFolder: String) throws {
        func entries(_ folder: String) throws -> [String] {
            try text("\(folder)/mlperf_log_accuracy.json").split(separator: "\n").map {
                $0.hasSuffix(",") ? String($0.dropLast()) : String($0)
            }.sorted()
        }
        let ours = try entries(ourFolder)
        let theirs = try entries(theirFolder)
        #expect(ours == theirs, "\(test.name)")
        if test.settings.mode != .performanceOnly { #expect(ours.count > 2, "\(test.name)") }
    }

    /// Where a search goes is a matter of speed; its steps and words are not, unless the machine is so busy that a search ends at
    /// once: then both try again.
    private func compareSearch(_ test: Case, _ engine: OfficialLoadGen, tries: Int = 3) throws {
        try runBoth(test, engine) { ours, theirs in
            func steps(_ folder: String) throws -> [String] {
                var seen: [String] = []
                for line in try LogLine.read("\(folder)/mlperf_log_detail.txt")
                where isComparable(line) && line.key != "result_invalid_reason" {
                    let isText = line.key == "generic_message" || line.key == "error_runtime"
                    let step = line.key + (isText ? masked(line.value) : "")
                    if !seen.contains(step) { seen.append(step) }
                }
                return seen
            }
            let (left, right) = (try steps(ours.folder), try steps(theirs.folder))
            if left != right, tries > 1 { return try compareSearch(test, engine, tries: tries - 1) }
            #expect(left == right)
            #expect(theirs.result.official?.metrics.isEmpty == false)
        }
    }

    /// A text with its numbers blanked out.
    private func masked(_ line: String) -> String {
        var text = ""
        for character in line {
            if character.isNumber || (text.hasSuffix("#") && (character == "." || character == "e" || character == "+"))
            {
                if !text.hasSuffix("#") { text.append("#") }
            } else {
                text.append(character)
            }
        }
        return text
    }

    /// Lets a system be made before the run that it answers to.
    private final class Relay: ResponseSink {
        let target = Mutex<(any ResponseSink)?>(nil)

        func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
            target.withLock { $0 }?.firstToken(results, count) ?? mlp_status(MLP_INVALID_STATE)
        }

        func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
            target.withLock { $0 }?.complete(results, count) ?? mlp_status(MLP_INVALID_STATE)
        }
    }
}
