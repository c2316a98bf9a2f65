internal import JSON

extension SubmissionCheck {
    /// Judges a performance log as the official `PerformanceCheck` does.
    ///
    /// - Returns: The result; nil where there is none.
    mutating func checkPerformance(
        _ log: JudgedLog,
        _ context: ScenarioContext,
        _ system: JSONObject,
        path: String
    ) -> (key: String, value: Double)? {
        checkMetadata(log, path)
        guard let name = log.text("effective_scenario"), let scenario = MLPerfScenario(rawValue: name) else {
            reject(
                "scenario",
                path,
                found: "effective_scenario \(log.shown("effective_scenario"))",
                expected: "the scenario of the run",
                advice: "run it again: the log lacks its settings"
            )
            return nil
        }
        atLeast(
            Double(context.model.performanceSamples),
            "effective_performance_sample_count",
            "performance-samples",
            log,
            path,
            "the data set has too few samples, or performance_sample_count_override in user.conf is too small"
        )
        checkSeeds(log, path)
        checkLatency(log, scenario, context, path)
        checkCounts(log, scenario, context, path)
        atLeast(
            rules.minDurationMs,
            "effective_min_duration_ms",
            "min-duration",
            log,
            path,
            "remove min_duration from user.conf, or raise it to 600000"
        )
        checkNetwork(log, context, system, path)
        if context.model.usesTokenLatencies { checkTokens(log, scenario, context, path) }
        checkInference(scenario, context, system, path)
        return result(log, scenario, context, system, path)
    }

    private mutating func checkMetadata(_ log: JudgedLog, _ path: String) {
        guard log.lacksMetadata else { return }
        reject(
            "log-metadata",
            path,
            found: "a line without metadata.is_error",
            expected: "the metadata that LoadGen writes",
            advice: "submit the log as LoadGen wrote it"
        )
    }

    private mutating func atLeast(
        _ bound: Double,
        _ key: String,
        _ rule: String,
        _ log: JudgedLog,
        _ path: String,
        _ advice: String
    ) {
        if let value = log.number(key), !(value < bound) { return }
        reject(rule, path, found: "\(key) \(log.shown(key))", expected: "at least \(Int(bound))", advice: advice)
    }

    private mutating func checkSeeds(_ log: JudgedLog, _ path: String) {
        for seed in rules.seeds where log["effective_\(seed.key)"] != JSON(seed.value) {
            let other = RoundRules.all.first { round in
                round.seeds.contains { $0.key == seed.key && log["effective_\(seed.key)"] == JSON($0.value) }
            }
            reject(
                "seed",
                path,
                found: "\(seed.key) \(log.shown("effective_\(seed.key)"))"
                    + (other.map { ", which is \($0.name)'s" } ?? ""),
                expected: "\(seed.value), the seed of \(rules.name)",
                advice: other.map { "check as --round \($0.name), or run again with round: \(rules.name)" }
                    ?? "run again with round: \(rules.name) and without seeds in user.conf"
            )
        }
    }

    private mutating func checkLatency(
        _ log: JudgedLog,
        _ scenario: MLPerfScenario,
        _ context: ScenarioContext,
        _ path: String
    ) {
        guard [.server, .singleStream, .multiStream].contains(scenario) else { return }
        guard log["early_stopping_met"]?.isFilled ?? false else {
            return reject(
                "early-stopping",
                path,
                found: "early_stopping_met \(log.shown("early_stopping_met"))",
                expected: "true: enough queries for the percentile",
                advice: scenario == .server ? "run longer, or lower target_qps" : "run longer"
            )
        }
        guard let bound = context.model.targetLatency[scenario] else { return }
        if let value = log.number("effective_target_latency_ns"), !(value > bound) { return }
        reject(
            "target-latency",
            path,
            found: "effective_target_latency_ns \(log.shown("effective_target_latency_ns"))",
            expected: "at most \(Int(bound))",
            advice: "remove target_latency from user.conf"
        )
    }

    private mutating func checkCounts(
        _ log: JudgedLog,
        _ scenario: MLPerfScenario,
        _ context: ScenarioContext,
        _ path: String
    ) {
        guard scenario == .offline else { return }
        if let bound = context.model.minQueries[scenario] {
            atLeast(
                Double(bound),
                "effective_min_query_count",
                "min-queries",
                log,
                path,
                "correct min_query_count in user.conf"
            )
        }
        let bound = context.system.division == "closed" ? Double(context.model.offlineSamplesPerQuery) : -.infinity
        if let value = log.number("effective_samples_per_query"), !(value < bound) { return }
        reject(
            "samples-per-query",
            path,
            found: "effective_samples_per_query \(log.shown("effective_samples_per_query"))",
            expected: bound.isFinite ? "at least \(Int(bound))" : "the number of samples in the query",
            advice:
                "raise target_qps, or set *.Offline.min_query_count = \(context.model.offlineSamplesPerQuery) in user.conf"
        )
    }

    private mutating func checkNetwork(
        _ log: JudgedLog,
        _ context: ScenarioContext,
        _ system: JSONObject,
        _ path: String
    ) {
        let described = system["is_network"] ?? .null
        guard described == .null || described.asText != nil else {
            return reject(
                "network",
                context.system.description,
                found: "is_network \(described.text())",
                expected: "no such field, or a text",
                advice: "leave out is_network"
            )
        }
        let isNetwork = described.asText?.lowercased() == "true"
        if context.system.isOpen ? false : isNetwork != (context.system.division == "network") {
            return reject(
                "network",
                context.system.description,
                found: "is_network \(described.text()) in the division \(context.system.division)",
                expected: isNetwork ? "the division network" : "is_network \"True\"",
                advice: isNetwork ? "leave out is_network" : "submit to closed or open"
            )
        }
        if isNetwork, !(log.text("sut_name") ?? "").contains("Network SUT") {
            reject(
                "network",
                path,
                found: "sut_name \(log.shown("sut_name"))",
                expected: "a name with \"Network SUT\" in it",
                advice: "leave out is_network, or run over the network"
            )
        }
    }

    private mutating func checkTokens(
        _ log: JudgedLog,
        _ scenario: MLPerfScenario,
        _ context: ScenarioContext,
        _ path: String
    ) {
        guard log["requested_use_token_latencies"]?.isFilled ?? false else {
            return reject(
                "token-latencies",
                path,
                found: "requested_use_token_latencies \(log.shown("requested_use_token_latencies"))",
                expected: "true",
                advice:
                    "run with the benchmark's name, whose rules in mlperf.conf turn it on, or set use_token_latencies = 1"
            )
        }
        guard scenario == .server, let limits = context.model.tokenLimits[.server] else { return }
        for (key, limit) in Self.tokenKeys(limits) {
            if let value = log.number(key), value < limit { continue }
            reject(
                "token-latency",
                path,
                found: "\(key) \(log.shown(key))",
                expected: "below \(Int(limit))",
                advice: "lower target_qps"
            )
        }
    }

    static func tokenKeys(_ limits: ModelRules.TokenLatencyLimits) -> [(key: String, limit: Double)] {
        [
            ("result_first_token_99.00_percentile_latency_ns", limits.firstToken),
            ("result_time_per_output_token_99.00_percentile_ns", limits.perToken),
        ]
    }
}
