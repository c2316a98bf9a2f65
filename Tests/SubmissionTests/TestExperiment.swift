import Glibc
import JSON
import RunRecords

/// An experiment's folder as `host scenarios` leaves it: Llama 2 70B, Offline and Server, with the recorded tree's logs.
final class TestExperiment {
    static let accuracyLog: [UInt8] = Array(
        ("[\n"
            + (0..<200).map {
                "{ \"seq_id\" : \($0), \"qsl_idx\" : \($0), \"data\" : \"0102030405060708\", \"token_count\" : 2 }"
            }
            .joined(separator: ",\n") + "\n]\n").utf8
    )

    let folder = TestTree(copying: nil)

    var path: String { "\(folder.path)/experiment" }
    var output: String { "\(folder.path)/submission" }

    init() {
        let source = "\(TestTree.fixtures)/tree/closed/Tester/results/1xTestnode/llama2-70b-99.9"
        let userConf = "\(folder.path)/user.conf"
        TestTree.write(userConf, Array("llama2-70b.Offline.target_qps = 300\n".utf8))
        let checkpoint = "\(folder.path)/checkpoint"
        TestTree.write("\(checkpoint)/config.json", Array("{\"torch_dtype\": \"bfloat16\"}".utf8))
        let header =
            "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[4,36]}}"
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        TestTree.write("\(checkpoint)/model.safetensors", length + header.utf8 + [UInt8](repeating: 0, count: 36))
        var hash = SHA256()
        hash.update(Self.accuracyLog)
        let digest = hash.hexadecimal()
        for scenario in ["Offline", "Server"] {
            let target = "\(path)/node1/llama2-70b/\(scenario)"
            for part in ["performance", "accuracy", "TEST06"] {
                TestTree.copy("\(source)/\(scenario)/\(part)", "\(target)/\(part)")
            }
            TestTree.write("\(target)/accuracy/mlperf_log_accuracy.json", Self.accuracyLog)
            let scores = TestTree.text("\(target)/accuracy/accuracy.txt").split(separator: "\n").dropLast()
            TestTree.write(
                "\(target)/accuracy/accuracy.txt",
                Array((scores.joined(separator: "\n") + "\nhash=\(digest)\n").utf8)
            )
            for (run, mode) in [("performance/run_1", "PerformanceOnly"), ("accuracy", "AccuracyOnly")] {
                var record = RunRecord()
                record.status = .valid
                record.host = "1.2"
                record.words = ["--plugin", "libLlama2.so", "name=it's so"]
                record.plugin = "libLlama2.so"
                record.workload = "llama2"
                record.workloadVersion = "1.0"
                record.benchmark = "llama2-70b"
                record.scenario = scenario
                record.mode = mode
                record.round = "v6.0"
                record.engine = "official 6.0.17"
                record.device = "cpu"
                record.model = checkpoint
                record.userConf = userConf
                record.options = ["max_new_tokens": 1024]
                write(record, "\(scenario)/\(run)")
            }
        }
    }

    /// A path in the benchmark's folder.
    func place(_ path: String) -> String { "\(self.path)/node1/llama2-70b/\(path)" }

    func write(_ record: RunRecord, _ run: String) {
        TestTree.write(place("\(run)/run.json"), Array(record.json.text(pretty: true).utf8))
    }

    /// Changes the record of a run.
    func change(_ run: String, _ body: (inout RunRecord) -> Void) throws {
        var record = try RunRecord(folder: place(run))
        body(&record)
        write(record, run)
    }

    /// Replaces a text in a file.
    func replace(_ path: String, _ old: String, _ new: String) {
        let parts = TestTree.text(place(path)).split(separator: old, omittingEmptySubsequences: false)
        TestTree.write(place(path), Array(parts.joined(separator: new).utf8))
    }
}
