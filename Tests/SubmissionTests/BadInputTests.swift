import Glibc
import JSON
import Submission
import Testing

@Suite("Submissions that are damaged")
struct BadInputTests {
    private let tree = TestTree()
    private let rules = RoundRules.all[0]
    private let server = "closed/Tester/results/1xTestnode/llama2-70b-99.9/Server"

    private func findings(_ rule: String) throws -> [SubmissionFinding] {
        try SubmissionCheck.run(tree: tree.tree, rules: rules).findings.filter { $0.rule == rule }
    }

    @Test("A folder that is none, and a round without rules, are errors")
    func noTree() throws {
        #expect(throws: SubmissionError.self) { try SubmissionCheck.run(tree: "/nowhere", rules: rules) }
        #expect(throws: SubmissionError.self) {
            try SubmissionCheck.run(tree: "\(TestTree.fixtures)/mutations.json", rules: rules)
        }
        #expect(throws: SubmissionError.self) { try RoundRules.named("v5.0") }
    }

    @Test("A log that was cut off is named with its line")
    func cutOff() throws {
        let path = "\(tree.tree)/\(server)/performance/run_1/mlperf_log_detail.txt"
        TestTree.write(path, Array(TestTree.read(path).dropLast(100)))
        let finding = try #require(try findings("log-unreadable").first)
        #expect(finding.path == "\(server)/performance/run_1/mlperf_log_detail.txt")
        #expect(finding.found.contains("line ") && finding.found.contains("was cut off"))
        #expect(finding.advice.contains("run it again"))
    }

    @Test("What a review would say is told of trees that the official checker accepts")
    func reviews() throws {
        let path = "\(tree.tree)/\(server)/performance/run_1/mlperf_log_detail.txt"
        let text = TestTree.text(path)
        func changed(_ old: String, _ new: String) {
            TestTree.write(
                path,
                Array(text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new).utf8)
            )
        }
        changed("\"VALID\"", "\"INVALID\"")
        #expect(try findings("validity").first?.severity == .review)
        changed("\"is_error\": false", "\"is_error\": true")
        #expect(try findings("log-errors").count == 1)
        changed("6.0.17 @ d6147c7eb7", "6.0.17 @ podium")
        #expect(try findings("loadgen").count == 2)
        changed("\"PerformanceOnly\"", "\"FindPeakPerformance\"")
        #expect(try findings("mode").count == 1)
        TestTree.write(path, Array(text.utf8))
        let interactive = "\(tree.tree)/closed/Tester/results/1xTestnode/llama2-70b-99.9/Interactive"
        let log = "\(interactive)/performance/run_1/mlperf_log_detail.txt"
        TestTree.write(
            log,
            Array(
                TestTree.text(log).split(separator: "\"value\": 3593351").joined(separator: "\"value\": 460000000").utf8
            )
        )
        let finding = try #require(try findings("interactive-latency").first)
        #expect(finding.expected.contains("450000000"))
        TestTree.remove("\(interactive)/performance/run_1/mlperf_log_summary.txt")
        #expect(try findings("summary").count == 1)
        let report = try SubmissionCheck.run(tree: tree.tree, rules: rules)
        #expect(report.isAccepted)
        #expect(report.json["accepted"] == .bool(true))
    }

    @Test("Links, pipes, folders in place of files and huge files are findings")
    func oddFiles() throws {
        let folder = "\(tree.tree)/\(server)"
        TestTree.remove("\(folder)/accuracy/accuracy.txt")
        mkfifo("\(folder)/accuracy/accuracy.txt", 0o644)
        #expect(try findings("accuracy-txt").first?.found.contains("no file") == true)
        TestTree.remove("\(folder)/measurements.json")
        TestTree.makeFolder("\(folder)/measurements.json")
        #expect(try findings("measurements").count == 1)
        symlink("..", "\(folder)/loop")
        symlink("self", "\(folder)/self")
        #expect(try findings("repository").count >= 2)
        let log = "\(folder)/performance/run_1/mlperf_log_detail.txt"
        truncate(log, 80 << 20)
        #expect(try findings("log-unreadable").first?.found.contains("longer than 64 MiB") == true)
        #expect(try findings("repository").contains { $0.found.contains("50 MB") })
        TestTree.remove(log)
        mkfifo(log, 0o644)
        #expect(try findings("log-unreadable").first?.found.contains("not a regular file") == true)
        let scores = "\(tree.tree)/open/Tester/results/1xTestnode/llama2-70b-99.9/Offline/accuracy/accuracy.txt"
        truncate(scores, 1 << 40)
        #expect(try findings("accuracy-txt").contains { $0.found.contains("64 MiB") })
        TestTree.remove("\(folder)/README.md")
        symlink("self", "\(folder)/README.md")
        #expect(try findings("scenario-file").count == 1)
    }

    @Test("No damage of a single file makes the check stop")
    func damage() throws {
        let files = TestTree.files(below: tree.tree).filter { !$0.hasSuffix(".mp4") }
        var seed: UInt64 = 2026
        for (place, file) in files.enumerated() where place % 3 == 0 {
            let bytes = TestTree.read(file)
            defer { TestTree.write(file, bytes) }
            var damaged = bytes
            for _ in 0..<4 where !damaged.isEmpty {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged[Int(seed >> 33) % damaged.count] = UInt8(truncatingIfNeeded: seed >> 20)
            }
            if place % 2 == 0 { damaged.removeLast(damaged.count / 3) }
            TestTree.write(file, damaged)
            let report = try SubmissionCheck.run(tree: tree.tree, rules: rules)
            for finding in report.findings { #expect(!finding.text.isEmpty) }
        }
    }
}
