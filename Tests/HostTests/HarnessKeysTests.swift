import Glibc
import JSON
import RunRecords
import Testing

@testable import Core

/// Keys of AMD's harness that change a run, seen in what the run leaves.
@Suite struct HarnessKeysTests {
    private static func run(_ words: [String], into output: String) throws -> HostProcess.Outcome {
        try HostProcess.run(["--plugin", "libNull.so", "--output", output] + words, limit: 60)
    }

    private static func expect(_ key: String, _ value: Int, in output: String) {
        let detail = SettingsReader.read(output + "/mlperf_log_detail.txt") ?? ""
        #expect(detail.contains("\"effective_\(key)\", \"value\": \(value),"), "\(key) is not \(value)")
    }

    @Test func countsRatesAndDurationsHold() throws {
        let output = try TemporaryFolder.folder() + "/run"
        let outcome = try Self.run(
            [
                "--scenario", "server", "harness_config.target_qps=500", "harness_config.duration_sec=1.5",
                "harness_config.total_sample_count=100", "harness_config.enable_warmup=false",
            ],
            into: output
        )
        #expect([0, 2].contains(outcome.status), "\(outcome.errors)")
        #expect(!outcome.errors.contains("warming up"))
        Self.expect("target_qps", 500, in: output)
        Self.expect("min_duration_ms", 1500, in: output)
        Self.expect("max_duration_ms", 1500, in: output)
        Self.expect("max_query_count", 100, in: output)
        let times = try SampleTimes(path: "\(output)/\(SampleTimes.fileName)")
        #expect(times.sampleCount == 100)
        let record = try RunRecord(folder: output)
        #expect(!record.isForSubmission)
        #expect(record.submissionObstacles.contains { $0.contains("100 of 24576") }, "\(record.submissionObstacles)")
        let settings = JSONField(record.settings, at: "settings")
        #expect(try settings["server_target_qps"].double() == 500)
        #expect(try settings["max_query_count"].int() == 100)
    }

    @Test func everyResultAndLatencyIsWritten() throws {
        let output = try TemporaryFolder.folder() + "/run"
        let outcome = try Self.run(
            [
                "--scenario", "offline", "harness_config.target_qps=100", "harness_config.duration_sec=1",
                "harness_config.min_query_count=50", "model_config.tokens=3",
                "harness_config.debug_dump_model_output=True", "harness_config.debug_record_sample_latencies=True",
                "harness_config.debug_print_finished=True",
                "harness_config.debug_latency_output_path=\(output)/times.csv",
            ],
            into: output
        )
        #expect([0, 2].contains(outcome.status), "\(outcome.errors)")
        // Offline issues 1.1 times rate and duration.
        let results = (SettingsReader.read(output + "/model_output.jsonl") ?? "").split(separator: "\n")
        #expect(results.count == 110, "\(results.count)")
        var indices: Set<Int> = []
        for line in results {
            let field = JSONField(try JSON(parsing: String(line)), at: "line")
            #expect(try field["tokens"].int() == 3)
            indices.insert(try field["index"].int(in: 0...24575))
        }
        #expect(indices.count == 110)
        let rows = (SettingsReader.read(output + "/times.csv") ?? "").split(separator: "\n")
        #expect(rows.count == 111 && rows.first == "sample,index,latency_ns,ttft_ns,tpot_ns,tokens")
        #expect(Set(rows.dropFirst().compactMap { Int($0.split(separator: ",")[1]) }) == indices)
        #expect(outcome.errors.contains("finished 110 of 110 issued samples"), "\(outcome.errors)")
        #expect(try RunRecord(folder: output).isForSubmission == false)
    }
}
