@testable import Core
import FoundationEssentials
import JSON
import Testing

/// Whole runs beside those of the official LoadGen: what the system saw, and the three logs field by field.
@Suite(.serialized) struct RunTests {
    @Test func everyRecordedRunIsRepeated() throws {
        for record in try Golden.cases("runs.json") ?? [] {
            let name = try record["name"].string()
            let folder = "\(Golden.folder)/logs/\(name)"
            try Golden.run("runs/\(name)") {
                try repeatRun(record, name, folder)
            }
        }
    }

    /// No folder of logs goes unread.
    @Test func everyFolderOfLogsBelongsToARun() throws {
        guard let cases = try Golden.cases("runs.json") else { return }
        let folders = try FileManager.default.contentsOfDirectory(atPath: "\(Golden.folder)/logs").sorted()
        #expect(folders == (try cases.map { try $0["name"].string() }.sorted()))
        for folder in folders {
            let known = ["accuracy.json", "detail.txt", "summary.txt", "trace.json"].map { "mlperf_log_\($0)" }
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(Golden.folder)/logs/\(folder)")
            #expect(
                files.allSatisfy { known.contains($0) || ["audit.config", "user.conf"].contains($0) },
                "\(folder): \(files)"
            )
        }
    }

    private func repeatRun(_ record: JSONField, _ name: String, _ folder: String) throws {
        let args = record["args"]
        var settings = try GoldenSettings.read(record["settings"])
        if let digits = try args["server_find_peak_qps_decimals_of_precision"].optional {
            settings.serverFindPeakQpsDecimalsOfPrecision = try digits.number()
        }
        let ledger = SampleLedger()
        let library = NotedLibrary(total: try args["total"].number(), performance: try args["perf"].number())
        let system = try GoldenSystem(
            ledger: ledger,
            delayMicroseconds: UInt32(try args["delay_us"].optional?.number() ?? 0),
            tokens: settings.useTokenLatencies,
            scenario: settings.scenario,
            isAsynchronous: try args["async"].optional?.number() ?? 0 != 0
        )
        defer { system.stop() }
        var options = LoadGenRun.Options()
        options.auditConfiguration = "\(folder)/audit.config"
        options.hasTrace = FileManager.default.fileExists(atPath: "\(folder)/mlperf_log_trace.json")
        let output = temporaryFolder("golden-\(name)")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let run = LoadGenRun(
            settings: settings,
            qsl: library,
            sut: system,
            output: output,
            ledger: ledger,
            options: options
        )
        let result = try run.run()

        let isSearch = settings.mode == .findPeakPerformance
        let endsByTime = settings.maxDurationMs > 0 || (settings.minDurationMs > 0 && settings.scenario != .server)
        if !isSearch {
            try checkEvents(library, record, name)
            try checkOrder(system.seen, record, name, mayBeShorter: endsByTime)
        }
        #expect(result.outstanding.count == 0 && result.misuse == SampleMisuse(), "\(name)")
        if isSearch {
            try checkSearch(output, folder, name)
        } else {
            try checkDetail(output, folder, name, timeDecides: endsByTime)
            try checkSummary(output, folder, name)
            try checkAccuracy(output, folder, name)
            if options.hasTrace { try checkTrace(output, folder, name) }
        }
    }

    private func checkEvents(_ library: NotedLibrary, _ record: JSONField, _ name: String) throws {
        let expected = try record["events"].array()
        #expect(library.events.count == expected.count, "\(name)")
        for (event, field) in zip(library.events, expected) {
            switch event {
            case .load(let set):
                let difference = try Golden.difference(set, "set", in: field)
                #expect(difference == nil, "\(name)")
            case .unload(let count):
                #expect(count == (try field["count"].int()), "\(name)")
            }
        }
    }

    /// A run that ends by time issues as much as time allows, so the common beginning is compared.
    private func checkOrder(_ seen: [UInt64], _ record: JSONField, _ name: String, mayBeShorter: Bool) throws {
        guard mayBeShorter, let full = try record["index"].optional else {
            let difference = try Golden.difference(seen, "index", in: record)
            #expect(difference == nil, "\(name)")
            return
        }
        let expected = try full.array().map { try $0.uint64() }
        let common = min(seen.count, expected.count)
        #expect(common > 0 && Array(seen.prefix(common)) == Array(expected.prefix(common)), "\(name)")
    }

    /// Values that depend on the moment, the machine or the library's build.
    private static func isVolatile(_ key: String) -> Bool {
        if key.hasPrefix("loadgen_") || key.hasPrefix("power_") || key == "test_datetime" { return true }
        if key == "get_sut_name_duration_ns" { return true }
        guard key.hasPrefix("result_") || key.hasPrefix("early_stopping_latency") else { return false }
        return ![
            "result_validity", "result_query_count", "result_min_queries_met", "result_min_duration_met",
            "result_invalid_reason",
        ].contains(key)
    }

    /// Values that time may turn over in a Server run, or in one that ends by time.
    private static func isTimed(_ key: String) -> Bool {
        key.hasPrefix("early_stopping")
            || ["result_validity", "result_query_count", "result_invalid_reason", "error_runtime"].contains(key)
    }

    private func checkDetail(_ output: String, _ folder: String, _ name: String, timeDecides: Bool) throws {
        let ours = try LogLine.read("\(output)/mlperf_log_detail.txt")
        let theirs = try LogLine.read("\(folder)/mlperf_log_detail.txt")
        let isServer = theirs.contains { $0.key == "requested_scenario" && $0.value == "\"Server\"" }
        let optional: Set = ["result_invalid_reason"]
        let ourKeys = ours.map(\.key).filter { !(isServer && optional.contains($0)) }
        let theirKeys = theirs.map(\.key).filter { !(isServer && optional.contains($0)) }
        #expect(ourKeys == theirKeys, "\(name)")
        let pairs = zip(
            ours.filter { !(isServer && optional.contains($0.key)) },
            theirs.filter { !(isServer && optional.contains($0.key)) }
        )
        for (line, expected) in pairs {
            #expect(line.isError == expected.isError && line.isWarning == expected.isWarning, "\(name) \(line.key)")
            #expect(line.form == expected.form, "\(name) \(line.key)")
            if Self.isVolatile(line.key) { continue }
            if (isServer || timeDecides) && Self.isTimed(line.key) { continue }
            guard line.key.hasPrefix("early_stopping") else {
                #expect(line.value == expected.value, "\(name) \(line.key)")
                continue
            }
            // The words and the counts are the same; the estimates are times.
            #expect(Self.masked(line.value[...]) == Self.masked(expected.value[...]), "\(name) \(line.key)")
        }
    }

    private func checkSummary(_ output: String, _ folder: String, _ name: String) throws {
        let ours = try text("\(output)/mlperf_log_summary.txt").split(separator: "\n", omittingEmptySubsequences: false)
        let theirs = try text("\(folder)/mlperf_log_summary.txt").split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        let isServer = theirs.contains("Scenario : Server")
        // What a Server run finds wrong, and in how many lines, is a matter of time.
        func comparable(_ lines: [Substring]) -> [String] {
            guard isServer else { return lines.map(Self.masked) }
            let head = lines.prefix {
                $0 != "Recommendations:" && !$0.hasPrefix("Early Stopping") && !$0.hasPrefix("TTFT Early")
            }
            let tail = lines.drop { $0 != "Additional Stats" }
            return (head + tail).map(Self.masked).map {
                $0.replacing("INVALID", with: "VALID").replacing(" : NO", with: " : Yes").replacing(
                    ": NO",
                    with: ": Yes"
                )
            }
        }
        let (left, right) = (comparable(ours), comparable(theirs))
        for (line, expected) in zip(left, right) {
            #expect(line == expected, "\(name)")
        }
        #expect(left.count == right.count, "\(name)")
        let parameters = theirs.drop { $0 != "Test Parameters Used" }
        #expect(Array(ours.drop { $0 != "Test Parameters Used" }) == Array(parameters), "\(name)")
    }

    /// A line with its numbers blanked out.
    private static func masked(_ line: Substring) -> String {
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

    /// Entries come in the order of completion; the answers are the same.
    private func checkAccuracy(_ output: String, _ folder: String, _ name: String) throws {
        let path = "mlperf_log_accuracy.json"
        let ours = try text("\(output)/\(path)")
        let theirs = try text("\(folder)/\(path)")
        func entries(_ text: String) -> [String] {
            text.split(separator: "\n").map { $0.hasSuffix(",") ? String($0.dropLast()) : String($0) }.sorted()
        }
        #expect(entries(ours) == entries(theirs), "\(name)")
        #expect(ours.count == theirs.count, "\(name)")
        #expect(throws: Never.self) { try JSON(parsing: ours) }
    }

    /// The frame and the samples; times aside they are the same, and the library's own functions are not traced.
    private func checkTrace(_ output: String, _ folder: String, _ name: String) throws {
        func parts(_ folder: String) throws -> (frame: [String], samples: [String]) {
            let lines = try text("\(folder)/mlperf_log_trace.json").split(separator: "\n").map(String.init)
            let last = try #require(lines.firstIndex { $0.hasPrefix("{\"name\":\"LastTrace\"") })
            func blank(_ line: String, _ names: [String]) throws -> String {
                var line = line
                for name in names {
                    guard let start = line.firstRange(of: "\"\(name)\":")?.upperBound else { continue }
                    let end = line[start...].firstIndex { ",}".contains($0) } ?? line.endIndex
                    let value = line[start..<end]
                    if name == "ts" {
                        try #require(
                            value.split(separator: ".").last?.count == 3,
                            "microseconds with three digits: \(line)"
                        )
                    }
                    line.replaceSubrange(start..<end, with: "")
                }
                return line
            }
            let samples = lines[..<last].filter { $0.hasPrefix("{\"name\":\"Sample\"") }
            return (
                [lines[0]] + (try lines[last...].map { try blank($0, ["ts"]) }),
                try samples.map { try blank($0, ["pid", "ts", "complete_ns"]) }
            )
        }
        let (ours, theirs) = (try parts(output), try parts(folder))
        #expect(ours.frame == theirs.frame, "\(name)")
        #expect(ours.samples == theirs.samples && !ours.samples.isEmpty, "\(name)")
        let whole = JSONField(try JSON(contentsOfFile: "\(output)/mlperf_log_trace.json"), at: "trace")
        let events = try whole["traceEvents"].array()
        #expect(events.count == ours.samples.count + 1, "\(name)")
    }

    /// Where the search goes is a matter of speed; its steps and words are not.
    private func checkSearch(_ output: String, _ folder: String, _ name: String) throws {
        func steps(_ path: String) throws -> [String] {
            var seen: [String] = []
            for line in try LogLine.read(path) where !line.key.hasPrefix("result_invalid_reason") {
                let isText = line.key == "generic_message" || line.key == "error_runtime"
                let step = line.key + (isText ? Self.masked(line.value[...]) : "")
                if !seen.contains(step) { seen.append(step) }
            }
            return seen
        }
        let ours = try steps("\(output)/mlperf_log_detail.txt")
        let theirs = try steps("\(folder)/mlperf_log_detail.txt")
        #expect(ours == theirs, "\(name)")
    }
}

/// One line of a detail log.
struct LogLine {
    var key: String
    /// As it stands, quotes included.
    var value: String
    var isError: Bool
    var isWarning: Bool
    /// The line without key, value, time, place and numbers of process and thread.
    var form: String

    static func read(_ path: String) throws -> [LogLine] {
        try text(path).split(separator: "\n").map { try LogLine(String($0)) }
    }

    init(_ line: String) throws {
        func part(_ start: String, _ end: String) throws -> String {
            let from = try #require(line.firstRange(of: start), "no \(start) in \(line)").upperBound
            let to = try #require(line[from...].firstRange(of: end), "no \(end) in \(line)").lowerBound
            return String(line[from..<to])
        }
        key = try part("{\"key\": \"", "\", \"value\": ")
        value = try part("\"value\": ", ", \"time_ms\": ")
        isError = try part("\"is_error\": ", ", ") == "true"
        isWarning = try part("\"is_warning\": ", ", ") == "true"
        var rest = line
        let blanks = [
            ("\"key\": ", ", \"value\""), ("\"value\": ", ", \"time_ms\""), ("\"time_ms\": ", ", \"namespace\""),
            ("\"file\": ", ", \"line_no\""), ("\"line_no\": ", ", \"pid\""), ("\"pid\": ", ", \"tid\""),
            ("\"tid\": ", "}}"),
        ]
        for (start, end) in blanks {
            let from = try #require(rest.firstRange(of: start), "no \(start) in \(line)").upperBound
            let to = try #require(rest[from...].firstRange(of: end), "no \(end) in \(line)").lowerBound
            if start == "\"time_ms\": " {
                // Milliseconds with six digits behind the point.
                let digits = rest[from..<to].split(separator: ".").last ?? ""
                try #require(digits.count == 6, "time_ms in \(line)")
            }
            rest.replaceSubrange(from..<to, with: "")
        }
        form = rest
    }
}

func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
}

func temporaryFolder(_ name: String) -> String {
    FileManager.default.temporaryDirectory.path + "/podium-loadgen-\(ProcessInfo.processInfo.processIdentifier)-\(name)"
}
