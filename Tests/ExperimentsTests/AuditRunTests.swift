import Glibc
import JSON
import Testing

@testable import Compliance
@testable import Experiments

/// `host audit` through the built host.
@Suite("Compliance tests through the host")
struct AuditRunTests {
    private func words(_ test: String, _ scenario: String, in folder: String) throws -> [String] {
        try HostRuns.write(
            """
            *.*.min_duration = 200
            *.Server.target_qps = 5000
            *.Server.target_latency = 1000

            """,
            to: "\(folder)/user.conf"
        )
        return [
            "audit", "--test", test, HostRuns.plugin("Null"), "scenario=\(scenario)", "user_conf=\(folder)/user.conf",
            "--output", "\(folder)/\(scenario)/\(test)", "--json",
        ]
    }

    @Test("TEST04 makes its reference once and is verified against it")
    func test04() throws {
        let folder = try HostRuns.folder()
        let words = try words("TEST04", "Server", in: folder)
        let first = try HostRuns.run(words)
        // Server is paced: the same rate with one sample and with all.
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("running its reference"))
        let verdict = try HostRuns.text("\(folder)/Server/TEST04/verify_performance.txt")
        #expect(verdict.hasSuffix("TEST PASS\n"), "\(verdict)")
        let second = try HostRuns.run(words)
        #expect(second.status == 0)
        #expect(!second.errors.contains("running its reference"))
        // A reference of a tenth of the rate: the test is far too fast.
        let path = "\(folder)/Server/performance/run_1/mlperf_log_summary.txt"
        let summary = try HostRuns.text(path)
        let line = try #require(summary.split(separator: "\n").first { $0.hasPrefix("Completed samples per second") })
        let pieces = summary.split(separator: line, maxSplits: 1, omittingEmptySubsequences: false)
        try HostRuns.write(pieces.joined(separator: "Completed samples per second    : 100"), to: path)
        let third = try HostRuns.run(words)
        #expect(third.status == 2)
        #expect(VerdictFolder.passed(.test04, in: "\(folder)/Server/TEST04") == false)
    }

    @Test("TEST06 fails a workload whose token counts are not those of its responses")
    func test06() throws {
        let folder = try HostRuns.folder()
        let outcome = try HostRuns.run(
            try words("TEST06", "Offline", in: folder) + ["model_config.tokens=5", "benchmark_name=llama2-70b"]
        )
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.output.contains("token_count is not the number of tokens (100 entries)"), "\(outcome.output)")
        let verdict = try HostRuns.text("\(folder)/Offline/TEST06/verify_accuracy.txt")
        #expect(verdict.contains("Sample length check pass: False\nTEST06 verification failed"))
    }

    /// Where the data set is smaller than performance_sample_count_override, the official library issues no query and crashes.
    @Test("TEST07 and TEST09 of 990 samples in Offline, with the benchmark's override of 6396")
    func override() throws {
        let folder = try HostRuns.folder()
        let audit = "\(folder)/audit.config"
        try HostRuns.write(
            try AuditConfiguration(.test07, benchmark: "gpt-oss-120b").text
                + "*.*.test09_min_output_tokens = 0\n*.*.test09_max_output_tokens = 1\n",
            to: audit
        )
        let outcome = try HostRuns.run(
            try words("TEST09", "Offline", in: folder) + [
                "benchmark_name=gpt-oss-120b", "model_config.samples=990", "model_config.tokens=2", "--audit-config",
                audit,
            ]
        )
        #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
        let verdict = try HostRuns.text("\(folder)/Offline/TEST09/verify_output_len.txt")
        #expect(verdict.contains("Total samples: 990\n"), "\(verdict)")
    }

    @Test("Wrong words are refused")
    func wrongWords() throws {
        let folder = try HostRuns.folder()
        for (words, text) in [
            (try words("TEST05", "Offline", in: folder), "TEST05"),
            (try words("TEST07", "Offline", in: folder), "gpt-oss-120b"),
            (try words("TEST04", "Offline", in: folder) + ["--reference", "/no/such"], "/no/such"),
            (try words("TEST06", "Offline", in: folder) + ["--dtype", "int12"], "int12"),
            (try words("TEST06", "Offline", in: folder) + ["no_such=1"], "no_such"),
        ] {
            let outcome = try HostRuns.run(words)
            #expect(outcome.status == 64, "\(words): \(outcome.status) \(outcome.errors)")
            #expect(outcome.errors.contains(text), "\(words): \(outcome.errors)")
        }
    }
}
