import Glibc
import JSON
@testable import ReportPage
import RunRecords
import Testing

@Suite struct PageTests {
    @Test func hostileTextsStayTexts() throws {
        let scratch = ScratchFolder()
        let name = "<script>alert(1)</script>\"'&amp;\u{202E}]]>\u{1}"
        var run = SyntheticRun.even(50)
        run.sutName = name
        run.entries = [("result_invalid_reason", .string(name)), ("effective_x\"><img src=x>", .string(name))]
        try run.write(to: scratch.path)
        var record = RunRecord()
        record.status = .invalid
        record.words = ["--plugin", name]
        record.system = name
        record.benchmark = name
        record.reasons = [name]
        record.options = .object(JSONObject([(name, .string(name))]))
        ScratchFolder.write(record.json.text(), to: "\(scratch.path)/run.json")
        ScratchFolder.write(name, to: "\(scratch.path)/accuracy.txt")
        let page = try ReportPage(folders: [scratch.path], title: name, made: name, madeBy: name).html
        #expect(PageText.fault(of: page) == nil)
        #expect(page.range(of: "<script>alert") == nil)
        #expect(page.range(of: "<img") == nil)
        #expect(
            page.range(of: "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;\u{FFFD}]]&gt;\u{FFFD}") != nil
        )
        #expect(!page.unicodeScalars.contains { $0 == "\u{202E}" || $0 == "\u{1}" })
    }

    @Test func thePageLoadsNothing() throws {
        let scratch = ScratchFolder()
        try SyntheticRun.even(500).write(to: scratch.path)
        let page = try ReportPage(folders: [scratch.path]).html
        for word in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            #expect(page.range(of: word) == nil, "\(word)")
        }
    }

    @Test func aMillionSamplesMakeASmallPage() throws {
        let scratch = ScratchFolder()
        var run = SyntheticRun.even(1_000_000, gap: 600_000)
        run.latency[123_456] = 5_000_000_000
        try run.write(to: scratch.path)
        let clock = ContinuousClock()
        var page = ""
        let time = try clock.measure { page = try ReportPage(folders: [scratch.path]).html }
        print("report of 1,000,000 samples: \(page.utf8.count) bytes in \(time)")
        #expect(page.utf8.count < 400_000)
        #expect(PageText.metric("samples", in: page) == 1_000_000)
        // The one extreme sample is on the map, at its time and at the top.
        let series = try #require(ReportedRun(folder: scratch.path).series)
        #expect(series.latencyMap.dots.contains { $0.duration == 5_000_000_000 && $0.time == 123_456 * 600_000 })
        #expect(series.latency.curve.last?.time == 5_000_000_000)
        #expect(series.latencyMap.cells.reduce(0) { $0 + $1.count } == 1_000_000)
    }

    @Test func ratesAndOutstandingSamplesAddUp() throws {
        let scratch = ScratchFolder()
        let run = SyntheticRun.even(3000)
        try run.write(to: scratch.path)
        let series = try #require(ReportedRun(folder: scratch.path).series)
        var total = 0.0
        for (bucket, rate) in series.samples.values.enumerated() {
            let from = Double(bucket) * series.samples.width
            let to = bucket == series.samples.values.count - 1 ? series.samples.end : from + series.samples.width
            total += rate * (to - from) / 1e9
        }
        #expect(abs(total - 3000) < 1e-6)
        // By the plain definition: at each issue, how many were issued and not yet answered.
        var most = 0
        for sample in 0..<3000 {
            let now = run.scheduled[sample]
            most = max(most, (0...sample).count { run.scheduled[$0] + run.latency[$0] >= now })
        }
        #expect(series.outstanding.most.max() == most)
        #expect(series.outstanding.least.last == 0)
    }

    @Test func curvesKeepTheirEndsAndRise() {
        for count in [1, 2, 299, 300, 301, 5000, 200_000] {
            let distribution = Distribution((0..<count).map { Int64($0) * 7919 % 100_003 })
            let curve = distribution.curve()
            #expect(curve.last?.time == distribution.sorted.last && curve.last?.share == 1)
            #expect(curve.count <= 341)
            #expect(zip(curve, curve.dropFirst()).allSatisfy { $0.time < $1.time && $0.share < $1.share })
            for point in curve {
                // Each point is true: so many took no longer.
                let rank = distribution.sorted.count - distribution.count(above: point.time)
                #expect(Double(rank) / Double(count) >= point.share)
            }
        }
    }

    @Test func marginsSayHowFar() throws {
        let scratch = ScratchFolder()
        var run = SyntheticRun.even(2000, usesTokens: false)
        run.entries = [
            ("result_validity", "INVALID"), ("result_99.00_percentile_latency_ns", 115_500_000),
            ("result_overlatency_query_count", 13), ("early_stopping_result", " * Run successful."),
            ("early_stopping_met", true), ("result_min_duration_met", true), ("result_min_queries_met", true),
        ]
        try run.write(to: scratch.path)
        let report = try ReportPage(folders: [scratch.path])
        let checks = try #require(report.runs.first).checks
        let latency = try #require(checks.first { $0.name == "Latency p99" })
        #expect(latency.isMet == false)
        #expect(abs((latency.margin ?? 0) + 0.155) < 1e-12)
        #expect(report.html.range(of: "Latency p99: 116 ms, allowed: at most 100 ms (15.5 % over).".thin) != nil)
        // h(13) + 13 at p99, as the official early stopping search found it (findmin.json).
        let stopping = try #require(checks.first { $0.name == "Early stopping" })
        #expect(stopping.limit?.value == 2409.0)
        #expect(stopping.measured?.value == 2000)
    }

    @Test func runsSideBySideNameTheDifference() throws {
        let scratch = ScratchFolder()
        for (name, rate) in [("a", 100.0), ("b", 125.0)] {
            var run = SyntheticRun.even(100)
            run.entries = [
                ("result_completed_samples_per_sec", .number(rate)), ("effective_target_qps", .number(rate * 1.1)),
            ]
            try run.write(to: scratch.folder("tree/\(name)"))
        }
        symlink("b", "\(scratch.path)/tree/latest")
        let report = try ReportPage(folders: ["\(scratch.path)/tree"])
        #expect(report.runCount == 2)
        let comparison = try #require(report.comparisons.first)
        let row = try #require(comparison.rows.first { $0.id == "samples_per_second" })
        #expect(row.difference(1) == 0.25)
        #expect(comparison.settings.map(\.name) == ["target_qps"])
        #expect(report.html.range(of: "▲ +25.0 %".thin) != nil)
        #expect(PageText.fault(of: report.html) == nil)
    }

    @Test func whatIsMissingIsSaid() throws {
        let scratch = ScratchFolder()
        #expect(throws: ReportError.self) { _ = try ReportPage(folders: [scratch.path]) }
        #expect(throws: ReportError.self) { _ = try ReportPage(folders: ["\(scratch.path)/none"]) }
        try SyntheticRun.even(30).write(to: scratch.path, samples: false)
        var page = try ReportPage(folders: [scratch.path]).html
        #expect(page.range(of: "There is no samples.safetensors") != nil)
        #expect(page.range(of: "There is no run.json") != nil)
        var record = RunRecord()
        record.scenario = "Server"
        ScratchFolder.write(record.json.text(), to: "\(scratch.path)/run.json")
        ScratchFolder.write(
            ":::MLLOG {\"key\": \"effective_scenario\", \"value\": \"Server\", \"time_",
            to: "\(scratch.path)/mlperf_log_detail.txt"
        )
        page = try ReportPage(folders: [scratch.path]).html
        #expect(page.range(of: "big\">NO RESULT</span>") != nil)
        #expect(page.range(of: "was cut off, or is still under way") != nil)
        #expect(page.range(of: "mlperf_log_detail.txt:1") != nil)
        #expect(PageText.fault(of: page) == nil)
    }

    @Test func timesOfAnotherRunAreLeftOut() throws {
        let scratch = ScratchFolder()
        var run = SyntheticRun.even(30)
        run.entries = [("result_max_latency_ns", 900_000_000)]
        try run.write(to: scratch.path)
        let read = ReportedRun(folder: scratch.path)
        #expect(read.series == nil)
        #expect(read.notes.contains { $0.range(of: "belongs to another run") != nil })
    }
}

extension String {
    /// The text with the narrow spaces that the page puts before units.
    fileprivate var thin: String {
        var text = self
        for unit in ["ms", "%"] {
            text = text.split(separator: " \(unit)", omittingEmptySubsequences: false).joined(
                separator: "\u{202F}\(unit)"
            )
        }
        return text
    }
}
