import Glibc
import JSON
import RunRecords
import Testing

@testable import Core

/// Every sin of Mischief in an isolated run: the host survives, says who and what, keeps what was finished, and ends with
/// the documented status.
@Suite struct MischiefRunTests {
    /// What the host makes of a sin.
    struct Expectation: Sendable {
        var status: Int32
        /// What it says, on standard output or standard error.
        var says: [String] = []
        /// At least so many samples are reported; nil where no run begins.
        var completed: Int?
        /// Whether the log files are there, closed.
        var logs = true
    }

    private static func refused(_ says: String...) -> Expectation {
        Expectation(status: 3, says: says, completed: nil, logs: false)
    }

    private static func crash(_ call: String, _ end: String) -> Expectation {
        Expectation(
            status: 3,
            says: ["libMischief.so", "\(call): its process ended with \(end)", "INVALID"],
            completed: 3
        )
    }

    private static func misuse(_ says: String) -> Expectation {
        Expectation(status: 3, says: [says, "INVALID"], completed: 100)
    }

    /// What only the conformance suite looks for; a run ends well.
    private static let unseen = Expectation(status: 0, says: ["VALID"], completed: 100)

    static let expectations: [String: Expectation] = [
        "none": unseen,
        "create_null_out": refused("create: it returned MLP_OK and no instance"),
        "create_no_reason": refused("create: it returned MLP_INTERNAL and gave no reason"),
        "create_crash": refused("create: its process ended with signal 11"),
        "create_hang": refused("create: it did not return within 1.0 s"),
        "create_exit": refused("create: its process ended with exit status 0", "must not end the process"),
        "short_table": refused("extension: mlp.inference/1: struct_size is 16"),
        "changing_answer": refused("extension: mlp.inference/1: the answer changes"),
        "null_function": refused("extension: mlp.inference/1: the required function issue is NULL"),
        "no_inference": refused("mlp.inference/1 is not offered"),
        "no_dataset": refused("mlp.dataset/1 is not offered"),
        "misaligned_table": refused("mlp.inference/1: not aligned"),
        "accepts_any_id": unseen,
        "prepare_fails": refused("prepare: prepare: not today"),
        "prepare_crash": refused("prepare: its process ended with signal 11"),
        "prepare_hang": refused("prepare: it did not return within 1.0 s"),
        "start_hang": refused("start: it did not return within 1.0 s"),
        "stop_hang": Expectation(status: 3, says: ["stop: it did not return within 1.0 s"], completed: 100),
        "stop_crash": Expectation(status: 3, says: ["stop: its process ended with signal 11"], completed: 100),
        "late_completion": Expectation(
            status: 3,
            says: ["complete: 1 results came while the instance was not running"],
            completed: 100
        ),
        "destroy_hang": Expectation(status: 3, says: ["destroy: it did not return within 1.0 s"], completed: 100),
        "destroy_crash": Expectation(status: 3, says: ["destroy: its process ended with signal 11"], completed: 100),
        "leaks": unseen,
        "empty_dataset": Expectation(status: 64, says: ["dataset.size: the data set is empty"], logs: false),
        "absurd_performance": refused("dataset.size: "),
        "load_fails": Expectation(status: 64, says: ["dataset.load: the samples are out"], logs: true),
        "load_hang": Expectation(status: 3, says: ["dataset.load: it did not return within 1.0 s"]),
        "payload_fails": Expectation(status: 3, says: ["dataset.load: payload: the sample is lost"]),
        "double_completion": misuse("Samples completed a second time"),
        "zero_id": misuse("Answers with an id that was never issued"),
        "forged_id": misuse("Answers with an id"),
        "stale_id": misuse("Samples completed a second time"),
        "same_id_in_batch": misuse("Samples completed a second time"),
        "first_token_twice": misuse("Samples with a second first token"),
        "first_token_late": misuse("First tokens after completion"),
        "null_data": misuse("Answers without results or data"),
        "null_results": misuse("Answers without results or data"),
        "failed_samples": misuse("reported as failed"),
        "issue_fails": Expectation(
            status: 3,
            says: ["libMischief.so: issue: issue: the device is on fire", "INVALID"],
            completed: 0
        ),
        "wrong_bytes": unseen,
        "issue_hang": Expectation(status: 3, says: ["issue: it did not return within 1.0 s", "INVALID"], completed: 0),
        "flush_hang": Expectation(status: 3, says: ["flush: it did not return within 1.0 s"], completed: 100),
        "never_completes": Expectation(status: 2, says: ["outstanding samples", "No progress for 1 s"], completed: 0),
        "all_but_one": Expectation(status: 2, says: ["outstanding samples", "No progress for 1 s"], completed: 0),
        "cancel_hang": Expectation(status: 2, says: ["outstanding samples", "No progress for 1 s"], completed: 0),
        "ignores_cancel": Expectation(status: 2, says: ["outstanding samples", "No progress for 1 s"], completed: 0),
        "issue_crash": crash("issue", "signal 11"),
        "issue_abort": crash("issue", "signal 6"),
        "issue_trap": crash("issue", "signal 4"),
        "stack_overflow": crash("issue", "signal 11"),
        "issue_exit": crash("issue", "exit status 0"),
        "kills_itself": crash("issue", "signal 9"),
        "thread_crash": crash("issue", "signal 11"),
        "closes_descriptors": Expectation(
            status: 3,
            says: ["libMischief.so", "it closed descriptors that belong to the host"],
            completed: 3
        ),
        "signal_handlers": Expectation(
            status: 3,
            says: ["the handler of signal 15 (Terminated) was replaced"],
            completed: 100
        ),
        "changes_locale": Expectation(
            status: 3,
            says: ["the locale was changed from C to C.UTF-8"],
            completed: 100
        ),
        "changes_folder": Expectation(status: 3, says: ["the working folder was changed to /"], completed: 100),
        "prints": unseen,
        "nested_parallel_for": refused("prepare: parallel_for inside a body was refused"),
        "many_threads": unseen,
        "overflowing_shape": refused("weights: ", "scratch"),
        "absurd_rank": refused("weights: ", "scratch", "rank"),
        "missing_scales": refused("weights: ", "scratch", "scale"),
        "cyclic_scales": refused("weights: ", "scale"),
        "bad_shard_axis": refused("weights: ", "scratch", "shard"),
        "duplicate_tensor": refused("weights: ", "scratch"),
        "null_tensor_name": refused("weights: ", "name"),
        "absent_tensor": Expectation(status: 64, says: ["weights: ", "lost"], logs: false),
        "bad_source": refused("weights: ", "mixed"),
        "bind_fails": refused("weights: ", "bind: these are not my weights"),
        "bad_signature": refused("mlp.kernels/1: ", "scale"),
        "null_twin": Expectation(status: 64, says: ["prepare: ", "gpu_only"], logs: false),
        "wrong_argument_count": refused("prepare: ", "scale"),
        "kernel_out_of_range": refused("prepare: ", "99"),
        "enormous_grid": refused("prepare: "),
        "wrong_twin": unseen,
        "split_dependent_twin": unseen,
        "overruns_capacity": unseen,
        "lying_count": unseen,
        "accepts_any_token": unseen,
        "null_layers": unseen,
        "nameless_weight": unseen,
        "unwanted_rows": unseen,
        "silent_layer": unseen,
        "silent_output": unseen,
        "remembers_sample": unseen,
        "changing_state": unseen,
        "overruns_state": unseen,
    ]

    /// Sins that need a run of their own kind: a keeper of its configuration reads freed memory, which may do anything; a
    /// slow issue is fast enough for one query.
    static let special = ["keeps_config", "issue_slow"]

    private static let conf = """
        *.SingleStream.min_duration = 0
        *.SingleStream.min_query_count = 100
        *.Offline.min_duration = 0
        *.Offline.min_query_count = 1
        *.Offline.target_qps = 32

        """

    @Test func everySin() throws {
        let sins = try SinTable.sins()
        #expect(sins.count > 70)
        for sin in sins where MischiefRunTests.expectations[sin] == nil && !MischiefRunTests.special.contains(sin) {
            Issue.record("sin \(sin): nobody says what the host makes of it")
        }
        let folder = try TemporaryFolder.folder()
        let conf = folder + "/user.conf"
        try TextFile.write(MischiefRunTests.conf, to: conf)
        let outcomes = inParallel(sins) { sin in
            try HostProcess.run(
                [
                    "--plugin", "libMischief.so", "--isolate", "model_config.sin=\(sin)", "--user-conf", conf,
                    "--scenario", sin == "issue_slow" ? "offline" : "singlestream", "--output", "\(folder)/\(sin)",
                    "harness_config.watchdog_sec=1", "harness_config.call_timeout_sec=1",
                    "harness_config.prepare_timeout_sec=1",
                ],
                limit: 60
            )
        }
        for (sin, outcome) in zip(sins, outcomes) {
            let outcome = try outcome.get()
            let all = outcome.output + outcome.errors
            if MischiefRunTests.special.contains(sin) {
                #expect([0, 3].contains(outcome.status), "\(sin): status \(outcome.status): \(all)")
                continue
            }
            guard let expectation = MischiefRunTests.expectations[sin] else { continue }
            #expect(outcome.status == expectation.status, "\(sin): status \(outcome.status): \(all)")
            for text in expectation.says { #expect(all.contains(text), "\(sin): not \"\(text)\" in: \(all)") }
            if expectation.status == 3 {
                #expect(all.contains("libMischief.so"), "\(sin): does not name the library: \(all)")
            }
            if let wanted = expectation.completed {
                let completed = MischiefRunTests.samples(in: outcome.output)
                #expect(completed >= wanted, "\(sin): \(completed) samples are reported, not \(wanted): \(all)")
            }
            if expectation.logs { checkLogs(sin, "\(folder)/\(sin)", timed: expectation.completed != nil) }
            checkRecord(sin, "\(folder)/\(sin)", status: expectation.status, logs: expectation.logs)
            if sin == "prints" {
                #expect(!outcome.output.contains("Result is : VALID"), "what a plugin prints is on standard output")
                #expect(outcome.errors.contains("Result is : VALID"))
            }
        }
    }

    /// Without a process of its own a plugin can still fail politely or hang, and the report is the same.
    @Test(arguments: [("issue_fails", Int32(3)), ("cancel_hang", 2), ("double_completion", 3), ("stop_hang", 3)])
    func inTheHostsProcess(_ sin: String, _ status: Int32) throws {
        let folder = try TemporaryFolder.folder()
        let conf = folder + "/user.conf"
        try TextFile.write(MischiefRunTests.conf, to: conf)
        let outcome = try HostProcess.run(
            [
                "--plugin", "libMischief.so", "model_config.sin=\(sin)", "--user-conf", conf, "--scenario",
                "singlestream", "--output", "\(folder)/\(sin)", "harness_config.watchdog_sec=1",
                "harness_config.call_timeout_sec=1", "harness_config.prepare_timeout_sec=1",
            ],
            limit: 30
        )
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("INVALID"))
        let summary = SettingsReader.read("\(folder)/\(sin)/mlperf_log_summary.txt") ?? ""
        #expect(summary.contains("INVALID") || summary.contains("This result does not count"))
    }

    /// The row "samples" of a report.
    private static func samples(in report: String) -> Int {
        for line in report.split(separator: "\n") where line.hasPrefix("samples ") {
            return Int(line.dropFirst("samples ".count).trimmed.prefix { $0.isNumber }) ?? -1
        }
        return -1
    }

    /// The record says what the exit status says, whatever became of the run.
    private func checkRecord(_ sin: String, _ folder: String, status: Int32, logs: Bool) {
        guard let record = try? RunRecord(folder: folder) else {
            // A library that cannot be opened leaves no folder.
            #expect(access("\(folder)/\(RunRecord.fileName)", F_OK) != 0, "\(sin): the record cannot be read")
            #expect(!logs, "\(sin): there are logs and no record")
            return
        }
        let wanted: [Int32: RunRecord.Status] = [0: .valid, 2: .invalid, 3: .pluginFault, 64: .failed]
        #expect(record.status == wanted[status], "\(sin): \(record.status), exit \(status)")
        #expect(!record.ended.isEmpty, "\(sin): the record has no end")
        #expect(record.reasons.isEmpty == (status == 0), "\(sin): \(record.reasons)")
    }

    /// All three log files are there and closed; those of a timed run say how many errors there were.
    private func checkLogs(_ sin: String, _ folder: String, timed: Bool) {
        for name in ["mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json"] {
            #expect(access("\(folder)/\(name)", R_OK) == 0, "\(sin): \(name) is missing")
        }
        let detail = SettingsReader.read(folder + "/mlperf_log_detail.txt") ?? ""
        #expect(detail.hasSuffix("}}\n"), "\(sin): the detail log ends with \(detail.suffix(100))")
        if timed { #expect(detail.contains("\"key\": \"num_errors\""), "\(sin): the detail log does not count errors") }
        let accuracy = SettingsReader.read(folder + "/mlperf_log_accuracy.json") ?? ""
        #expect(throws: Never.self, "\(sin): the accuracy log is no JSON") {
            try JSON(parsing: accuracy, source: "accuracy")
        }
    }
}

extension Substring {
    var trimmed: Substring { drop { $0 == " " } }
}

/// Small files that tests write.
enum TextFile {
    static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

    static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "wb"), "\(path): \(String(cString: strerror(errno)))")
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    static func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "rb"), "\(path): \(String(cString: strerror(errno)))")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let got = fread(&buffer, 1, buffer.count, file), got > 0 { bytes += buffer[..<got] }
        return bytes
    }
}
