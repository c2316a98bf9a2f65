internal import JSON
internal import RunRecords

/// What the logs and the record say of the run's settings.
extension ReportedRun {
    /// The scenario as users name it.
    var scenario: String {
        if let named = record?.scenario, !named.isEmpty { return named }
        return logScenario ?? "unknown scenario"
    }

    /// LoadGen's word for the scenario.
    var logScenario: String? { log?.last("effective_scenario")?.string ?? log?.last("requested_scenario")?.string }

    /// LoadGen's word for the mode.
    var mode: String {
        log?.last("effective_test_mode")?.string ?? record.map(\.mode) ?? "unknown mode"
    }

    var isAccuracyRun: Bool { mode == "AccuracyOnly" }

    /// Whether there is a result to compare.
    var hasResult: Bool { log?.last("result_validity") != nil }

    var usesTokenLatencies: Bool { log?.last("requested_use_token_latencies")?.bool ?? false }

    /// The share of samples that has to keep the limit.
    var targetShare: Double? {
        guard let share = log?.last("effective_target_latency_percentile")?.double, share > 0, share < 1 else {
            return nil
        }
        return share
    }

    /// `p99`, `p99.9`.
    static func percentileName(_ share: Double) -> String {
        "p" + Quantity.digits((share * 1e8).rounded() / 1e6, significant: 6)
    }

    private var isServer: Bool { logScenario == "Server" }

    /// Nanoseconds; Server without token latencies alone has one.
    var latencyLimit: Int64? {
        isServer && !usesTokenLatencies ? positive("effective_target_latency_ns") : nil
    }
    /// Nanoseconds; Server alone has one.
    var firstTokenLimit: Int64? { isServer && usesTokenLatencies ? positive("requested_server_ttft_latency") : nil }
    /// Nanoseconds; Server alone has one.
    var outputTokenLimit: Int64? { isServer && usesTokenLatencies ? positive("requested_server_tpot_latency") : nil }

    private func positive(_ key: String) -> Int64? {
        guard let value = log?.last(key)?.double, value > 0, value < 9e18 else { return nil }
        return Int64(value)
    }

    /// The last value of a key as a number.
    func number(_ key: String) -> Double? {
        guard let value = log?.last(key)?.double, value.isFinite else { return nil }
        return value
    }

    /// The last value of a key as a truth value.
    func flag(_ key: String) -> Bool? { log?.last(key)?.bool }

    /// The last value of a key as a text.
    func text(_ key: String) -> String? { log?.last(key)?.string }

    /// Name of the system: the record's, or the system under test of the logs.
    var system: String {
        if let system = record?.system, !system.isEmpty { return system }
        return text("sut_name") ?? "unknown system"
    }

    /// MLPerf's name of the benchmark, or the workload's.
    var benchmark: String {
        if let record {
            if !record.benchmark.isEmpty { return record.benchmark }
            if !record.workload.isEmpty { return record.workload }
        }
        return ""
    }

    /// When the run began.
    var date: String {
        if let started = record?.started, !started.isEmpty { return started }
        return text("test_datetime") ?? ""
    }

    /// A short name: the last parts of the folder's path.
    var name: String {
        let parts = folder.split(separator: "/").filter { $0 != "." && $0 != ".." }
        return parts.suffix(3).joined(separator: "/")
    }

    /// How the run ended.
    var verdict: Verdict {
        switch record?.status {
        case .pluginFault: return .pluginFault
        case .failed: return .failed
        default: break
        }
        if let validity = text("result_validity") {
            return validity == "VALID" && record?.status != .invalid ? .valid : .invalid
        }
        if isAccuracyRun {
            if record?.status == .invalid || !(log?.errors.isEmpty ?? true) { return .invalid }
            return record?.status == .running ? .noResult : .accuracy
        }
        return .noResult
    }

    /// Why the result does not count, or what keeps it from a submission, a sentence each.
    var reasons: [String] {
        var reasons: [String] = []
        let checks = checks
        func add(_ text: String) {
            let trimmed = text.split { $0 == " " || $0 == "\t" || $0.isNewline }.joined(separator: " ")
            // LoadGen's words on early stopping say again, at length, what the condition says.
            let isKnown = trimmed.hasPrefix("Early stopping is not satisfied") && !checks.isEmpty
            if !trimmed.isEmpty, !isKnown, !reasons.contains(trimmed) { reasons.append(trimmed) }
        }
        func split(_ text: String) {
            for part in text.split(separator: " * ") { add(String(part)) }
        }
        for check in checks where check.isMet == false { add(check.sentence) }
        if let text = text("result_invalid_reason") { split(text) }
        for reason in record?.reasons ?? [] {
            if reason.hasPrefix("Early stopping") { add(reason) } else { split(reason) }
        }
        if verdict == .noResult {
            add(
                record?.status == .running
                    ? "The run was cut off, or is still under way: run.json says that it began, and nothing says that it ended."
                    : "The detail log holds no verdict: the run was cut off, or it is not one of performance."
            )
        }
        if let record {
            for mismatch in record.resources?.mismatches ?? [] { add(mismatch) }
            if record.overridesSeeds {
                add("Seeds were put over those that the engine carries; this is no submission.")
            }
            if !record.isForSubmission { add("The host does not offer this run as part of a submission.") }
        }
        return reasons
    }
}
