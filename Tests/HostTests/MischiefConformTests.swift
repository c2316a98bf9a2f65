import JSON
import Testing

@testable import Core

/// Every sin of Mischief is found by the rule that forbids it.
@Suite struct MischiefConformTests {
    /// The rule that finds a sin, and its verdict there.
    static let rules: [String: (rule: String, verdict: String)] = [
        "none": ("S01", "pass"),
        "create_null_out": ("C01", "fail"),
        "create_no_reason": ("C01", "fail"),
        "create_crash": ("C01", "crash"),
        "create_hang": ("C01", "hang"),
        "create_exit": ("C01", "crash"),
        "keeps_config": ("C04", "crash"),
        "short_table": ("X03", "fail"),
        "changing_answer": ("X02", "fail"),
        "null_function": ("X03", "fail"),
        "no_inference": ("X03", "fail"),
        "no_dataset": ("X03", "fail"),
        "misaligned_table": ("X03", "fail"),
        "accepts_any_id": ("X01", "fail"),
        "prepare_fails": ("F01", "fail"),
        "prepare_crash": ("F01", "crash"),
        "prepare_hang": ("F01", "hang"),
        "start_hang": ("F02", "hang"),
        "stop_hang": ("F02", "hang"),
        "stop_crash": ("F02", "crash"),
        "late_completion": ("F03", "fail"),
        "destroy_hang": ("F01", "hang"),
        "destroy_crash": ("F01", "crash"),
        "leaks": ("F04", "fail"),
        "empty_dataset": ("S08", "fail"),
        "absurd_performance": ("S08", "fail"),
        "load_fails": ("S08", "fail"),
        "load_hang": ("S08", "hang"),
        "payload_fails": ("S08", "fail"),
        "double_completion": ("S01", "fail"),
        "zero_id": ("S01", "fail"),
        "forged_id": ("S01", "fail"),
        "stale_id": ("S01", "fail"),
        "same_id_in_batch": ("S01", "fail"),
        "first_token_twice": ("S01", "fail"),
        "first_token_late": ("S05", "fail"),
        "null_data": ("S01", "fail"),
        "null_results": ("S01", "fail"),
        "failed_samples": ("S01", "fail"),
        "issue_fails": ("S01", "fail"),
        "wrong_bytes": ("D01", "fail"),
        "issue_hang": ("H01", "hang"),
        "issue_slow": ("H01", "fail"),
        "flush_hang": ("H03", "hang"),
        "never_completes": ("S01", "fail"),
        "all_but_one": ("S01", "fail"),
        "cancel_hang": ("S06", "fail"),
        "ignores_cancel": ("S06", "fail"),
        "issue_crash": ("S01", "crash"),
        "issue_abort": ("S01", "crash"),
        "issue_trap": ("S01", "crash"),
        "stack_overflow": ("S01", "crash"),
        "issue_exit": ("S01", "crash"),
        "kills_itself": ("S01", "crash"),
        "thread_crash": ("S01", "crash"),
        "closes_descriptors": ("K01", "crash"),
        "signal_handlers": ("K01", "fail"),
        "changes_locale": ("K01", "fail"),
        "changes_folder": ("K01", "fail"),
        "prints": ("K02", "warn"),
        "nested_parallel_for": ("T04", "fail"),
        "many_threads": ("S01", "pass"),
        "overflowing_shape": ("W01", "fail"),
        "absurd_rank": ("W01", "fail"),
        "missing_scales": ("W01", "fail"),
        "cyclic_scales": ("W01", "fail"),
        "bad_shard_axis": ("W01", "fail"),
        "duplicate_tensor": ("W01", "fail"),
        "null_tensor_name": ("W01", "fail"),
        "absent_tensor": ("W02", "fail"),
        "bad_source": ("W01", "fail"),
        "bind_fails": ("W02", "fail"),
        "bad_signature": ("N01", "fail"),
        "null_twin": ("N01", "warn"),
        "wrong_argument_count": ("T04", "fail"),
        "kernel_out_of_range": ("T04", "fail"),
        "enormous_grid": ("T04", "fail"),
        "wrong_twin": ("N02", "fail"),
        "split_dependent_twin": ("N03", "fail"),
        "overruns_capacity": ("E02", "fail"),
        "lying_count": ("E01", "fail"),
        "accepts_any_token": ("E05", "fail"),
        "null_layers": ("Q01", "fail"),
        "nameless_weight": ("Q01", "fail"),
        "unwanted_rows": ("Q02", "fail"),
        "silent_layer": ("Q02", "fail"),
        "silent_output": ("Q02", "fail"),
        "remembers_sample": ("Q02", "fail"),
        "changing_state": ("Q02", "fail"),
        "overruns_state": ("Q02", "fail"),
    ]

    @Test func everySinBreaksItsRule() throws {
        let sins = try SinTable.sins()
        for sin in sins where MischiefConformTests.rules[sin] == nil {
            Issue.record("sin \(sin): nobody says which rule finds it")
        }
        let known = sins.filter { MischiefConformTests.rules[$0] != nil }
        let outcomes = inParallel(known) { sin in
            try Findings(
                ["--plugin", "libMischief.so", "model_config.sin=\(sin)"],
                only: MischiefConformTests.rules[sin]?.rule
            )
        }
        for (sin, outcome) in zip(known, outcomes) {
            let findings = try outcome.get()
            guard let expected = MischiefConformTests.rules[sin] else { continue }
            #expect(findings.verdicts.contains(expected.verdict), "\(sin): \(findings)")
            let isBreach = ["fail", "crash", "hang"].contains(expected.verdict)
            #expect(findings.isConformant == !isBreach, "\(sin): \(findings)")
            #expect(findings.status == (isBreach ? 3 : 0), "\(sin): \(findings)")
            if expected.verdict != "pass" {
                #expect(findings.reasons.contains { !$0.isEmpty }, "\(sin): no reason: \(findings)")
            }
        }
    }

    /// What the host makes of a library that sins while it is loaded: the rule that finds it, and what a run says.
    static let loading: [String: (rule: String, verdict: String, status: Int32, says: String)] = [
        "null": ("L01", "fail", 3, "mlp_library_v1: it returned NULL"),
        "crash": ("L01", "crash", 3, "mlp_library_v1: its process ended with signal 11"),
        "slow": ("L04", "warn", 0, "VALID"),
        "hang": ("L01", "hang", 3, "mlp_library_v1: it did not return within 1.0 s"),
        "exit": ("L01", "crash", 3, "mlp_library_v1: its process ended with exit status 0"),
        "short_library": ("L01", "fail", 3, "mlp_library.struct_size is 8"),
        "zero_size": ("L01", "fail", 3, "mlp_library.struct_size is 0"),
        "newer_minor": ("L06", "warn", 0, "VALID"),
        "no_workloads": ("L01", "fail", 3, "mlp_library.workload_count is 0"),
        "many_workloads": ("L01", "fail", 3, "mlp_library.workload_count is 4294967295"),
        "null_list": ("L01", "fail", 3, "mlp_library.workloads is NULL"),
        "null_create": ("L01", "fail", 3, "create is NULL"),
        "empty_id": ("L01", "fail", 3, "id is empty"),
        "null_id": ("L01", "fail", 3, "id is NULL"),
        "bad_options": ("L01", "fail", 3, "options"),
        "duplicate_ids": ("L01", "fail", 3, "two workloads have the id \"podium.mischief\""),
    ]

    @Test func everySinOfLoading() throws {
        let sins = try SinTable.sinsOfLoading()
        #expect(sins.count > 10)
        for sin in sins where MischiefConformTests.loading[sin] == nil {
            Issue.record("sin of loading \(sin): nobody says what finds it")
        }
        let known = sins.filter { MischiefConformTests.loading[$0] != nil }
        let folder = try TemporaryFolder.folder()
        try TextFile.write(
            "*.SingleStream.min_duration = 0\n*.SingleStream.min_query_count = 100\n",
            to: folder + "/conf"
        )
        let outcomes = inParallel(known) { sin in
            (
                try Findings(
                    ["--plugin", "libMischief.so"],
                    only: MischiefConformTests.loading[sin]?.rule,
                    environment: ["MISCHIEF_LOADING": sin]
                ),
                try HostProcess.run(
                    [
                        "--plugin", "libMischief.so", "--isolate", "--scenario", "singlestream", "--user-conf",
                        folder + "/conf", "--output", "\(folder)/\(sin)", "harness_config.call_timeout_sec=1",
                    ],
                    environment: ["MISCHIEF_LOADING": sin]
                )
            )
        }
        for (sin, outcome) in zip(known, outcomes) {
            let (findings, run) = try outcome.get()
            guard let expected = MischiefConformTests.loading[sin] else { continue }
            #expect(findings.verdicts.contains(expected.verdict), "\(sin): \(findings)")
            #expect(run.status == expected.status, "\(sin): \(run.output)\(run.errors)")
            #expect((run.output + run.errors).contains(expected.says), "\(sin): \(run.output)\(run.errors)")
            #expect((run.output + run.errors).contains("libMischief.so") || run.status == 0, "\(sin): \(run.errors)")
        }
    }
}

/// What `host conform --json` found.
struct Findings: Sendable, CustomStringConvertible {
    var status: Int32
    var isConformant: Bool
    var rules: [String] = []
    var roles: [String] = []
    var verdicts: [String] = []
    var reasons: [String] = []

    /// Short limits, since some plugins are here to hang.
    init(_ words: [String], only: String? = nil, environment: [String: String] = [:], limit: Double = 120) throws {
        let arguments =
            ["conform", "--json", "harness_config.call_timeout_sec=0.5", "harness_config.prepare_timeout_sec=0.5"]
            + (only.map { ["--only", $0] } ?? []) + words
        self = try Findings(arguments: arguments, environment: environment, limit: limit)
    }

    init(arguments: [String], environment: [String: String] = [:], limit: Double = 120) throws {
        let outcome = try HostProcess.run(arguments, environment: environment, limit: limit)
        status = outcome.status
        let json = try JSON(parsing: outcome.output, source: "conform: \(outcome.errors)")
        isConformant = json["conformant"] == .bool(true)
        guard case .array(let findings)? = json["findings"] else { return }
        for finding in findings {
            func text(_ key: String) -> String { if case .string(let text)? = finding[key] { text } else { "" } }
            rules.append(text("rule"))
            roles.append(text("role"))
            verdicts.append(text("verdict"))
            reasons.append(text("reason"))
        }
    }

    var description: String {
        let lines = zip(zip(rules, roles), zip(verdicts, reasons)).map { "\($0.0) \($0.1): \($1.0) \($1.1)" }
        return "status \(status); " + lines.joined(separator: "; ")
    }
}
