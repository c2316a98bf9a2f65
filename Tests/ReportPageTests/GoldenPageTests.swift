import Glibc
import JSON
@testable import ReportPage
import RunRecords
import Testing

/// Pages on the logs of the official LoadGen.
@Suite struct GoldenPageTests {
    static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        let root =
            getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? parts.dropLast(2).joined(separator: "/") + "/Golden"
        return "\(root)/loadgen-golden"
    }()

    /// The value of a key as the log's own text has it; the last one counts.
    private func logged(_ key: String, in log: String) -> String? {
        let mark = "\"key\": \"\(key)\", \"value\": "
        let line = log.split(separator: "\n").last { $0.range(of: mark) != nil }
        guard let line, let start = line.range(of: mark) else { return nil }
        return String(line[start.upperBound...].prefix { $0 != "," })
    }

    private func contents(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func everyPercentileOnThePageIsTheLogs() throws {
        let names = ScratchFolder.names(in: "\(Self.folder)/logs")
        try #require(!names.isEmpty, "the checkout lacks \(Self.folder)/logs")
        var compared = 0
        for name in names {
            let path = "\(Self.folder)/logs/\(name)"
            let log = try contents("\(path)/mlperf_log_detail.txt")
            let page = try ReportPage(folders: [path]).html
            #expect(PageText.fault(of: page) == nil, "\(name)")
            let shares = ["50.00", "90.00", "95.00", "97.00", "99.00", "99.90"]
            let keys: [(kind: String, keys: [String])] = [
                (
                    "sample",
                    ["result_min_latency_ns", "result_mean_latency_ns"]
                        + shares.map { "result_\($0)_percentile_latency_ns" } + ["result_max_latency_ns"]
                ),
                (
                    "query",
                    ["result_min_query_latency_ns", "result_mean_query_latency_ns"]
                        + shares.map { "result_\($0)_percentile_per_query_latency_ns" } + [
                            "result_max_query_latency_ns"
                        ]
                ),
                (
                    "firstToken",
                    ["result_first_token_min_latency_ns", "result_first_token_mean_latency_ns"]
                        + shares.map { "result_first_token_\($0)_percentile_latency_ns" }
                        + ["result_first_token_max_latency_ns"]
                ),
                (
                    "outputToken",
                    ["result_time_to_output_token_min", "result_time_to_output_token_mean"]
                        + shares.map { "result_time_per_output_token_\($0)_percentile_ns" }
                        + ["result_time_to_output_token_max"]
                ),
            ]
            for (kind, keys) in keys {
                let expected = keys.compactMap { logged($0, in: log) }.compactMap { Int64($0) }
                #expect(PageText.percentiles(kind, in: page).prefix(keys.count) == expected[...], "\(name): \(kind)")
                compared += expected.count
            }
            for (id, key) in [
                ("samples_per_second", "result_samples_per_second"),
                ("samples_per_second", "result_completed_samples_per_sec"),
            ] {
                guard let text = logged(key, in: log), let value = Double(text) else { continue }
                #expect(PageText.metric(id, in: page) == value, "\(name): \(key)")
            }
            if let validity = logged("result_validity", in: log) {
                let word = validity.filter(\.isLetter)
                #expect(page.range(of: "big\">\(word)</span>") != nil, "\(name): \(word)")
            }
            #expect(
                page.range(of: "There is no samples.safetensors") != nil || page.range(of: "accuracy") != nil,
                "\(name)"
            )
        }
        #expect(compared > 150)
    }

    @Test func allRunsOfATreeAreOnOnePage() throws {
        let names = ScratchFolder.names(in: "\(Self.folder)/logs")
        let report = try ReportPage(folders: ["\(Self.folder)/logs"])
        #expect(report.runCount == names.count)
        let page = report.html
        #expect(PageText.fault(of: page) == nil)
        for name in names { #expect(page.range(of: "\(name)</a>") != nil, "\(name)") }
    }

    /// The list that a golden case describes.
    private func list(_ spec: String) throws -> [Int64] {
        let numbers = try spec.split(separator: ",").map { try #require(UInt64($0)) }
        var x = numbers[1]
        var values: [Int64] = []
        for _ in 0..<numbers[0] {
            x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            values.append(Int64(numbers[2] + (x >> 33) % numbers[3]))
        }
        if numbers.count > 5 {
            for place in 0..<min(values.count, Int(numbers[4])) { values[place] = Int64(numbers[5]) }
        }
        return values
    }

    /// The official result code on given latencies, against the reduction of a file with these latencies.
    @Test func percentilesOfSampleTimesFollowTheOfficialRule() throws {
        let cases = try JSONField(try JSON(contentsOfFile: "\(Self.folder)/results.json"), at: "results.json").array()
        var compared = 0
        for record in cases {
            let name = try record["name"].string()
            let detail = Dictionary(
                try record["detail"].array().map { (try $0["key"].string(), try $0["value"].value) },
                uniquingKeysWith: { $1 }
            )
            let input = record["input"]
            guard let lat = try input["lat"].optional?.string() else { continue }
            let latencies = try list(lat)
            guard !latencies.isEmpty, latencies.allSatisfy({ $0 >= 0 }) else { continue }
            let scratch = ScratchFolder()
            var run = SyntheticRun()
            run.scenario = try record["settings"]["scenario"].string()
            guard run.scenario != "MultiStream" else { continue }
            run.usesTokens = false
            run.scheduled = run.scenario == "Offline" ? [0] : latencies.indices.map { Int64($0) * 1000 }
            run.samplesPerQuery = run.scenario == "Offline" ? latencies.count : 1
            run.latency = latencies
            if let ttft = try input["ttft"].optional?.string(), run.scenario != "Offline" {
                let times = try list(ttft)
                if times.count == latencies.count {
                    run.firstToken = times
                    run.usesTokens = true
                }
            }
            try run.write(to: scratch.path)
            let series = try #require(ReportedRun(folder: scratch.path).series, "\(name)")
            func compare(_ summary: Distribution.Summary?, _ kind: LatencyKind) {
                guard let summary else { return }
                let shown = [summary.least, summary.mean] + summary.percentiles + [summary.most]
                let keys = [kind.extremes.least, kind.extremes.mean] + Distribution.reported.map { kind.key($0.key) }
                let expected = (keys + [kind.extremes.most]).compactMap { detail[$0] }
                guard !expected.isEmpty else { return }
                #expect(shown.map { JSON($0) } == expected, "\(name): \(kind)")
                compared += expected.count
            }
            compare(series.latency, .sample)
            compare(series.firstToken, .firstToken)
        }
        #expect(compared > 100, "\(compared) numbers were compared")
    }
}
