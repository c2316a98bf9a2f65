/// Tells where a run's settings are easier than MLPerf's rules for its benchmark.
///
/// Trials need that; the notes keep anybody from taking such a run for more.
enum LimitReview {
    /// The notes on settings, a sentence each.
    ///
    /// - Parameters:
    ///   - settings: What the run asks for.
    ///   - model: The benchmark's name in mlperf.conf.
    ///   - round: Whose rules.
    /// - Returns: The sentences; empty where the settings are MLPerf's or stricter.
    static func notes(_ settings: TestSettings, model: String, round: MLPerfRound) -> [String] {
        guard model != "*", !model.hasPrefix("*") else { return [] }
        let rules = rules(for: model, settings, round)
        var notes: [String] = []
        if rules == Self.rules(for: "*", settings, round) {
            notes.append(
                "mlperf.conf has no line for \(model) and \(settings.scenario.rawValue); the rules for all benchmarks hold"
            )
        }
        func compare(_ name: String, _ value: UInt64, isEasierIf isEasier: (UInt64, UInt64) -> Bool, _ rule: UInt64) {
            if isEasier(value, rule) {
                notes.append(
                    "\(name) is \(value) and MLPerf's rule for \(model) is \(rule): no result for a submission"
                )
            }
        }
        if settings.mode != .accuracyOnly {
            compare("min_duration (ms)", settings.minDurationMs, isEasierIf: <, rules.minDurationMs)
            compare("min_query_count", settings.minQueryCount, isEasierIf: <, rules.minQueryCount)
        }
        if settings.scenario == .server {
            if rules.useTokenLatencies {
                compare("ttft_latency (ns)", settings.serverTtftLatency, isEasierIf: >, rules.serverTtftLatency)
                compare("tpot_latency (ns)", settings.serverTpotLatency, isEasierIf: >, rules.serverTpotLatency)
            } else {
                compare(
                    "target_latency (ns)",
                    settings.serverTargetLatencyNs,
                    isEasierIf: >,
                    rules.serverTargetLatencyNs
                )
            }
        }
        if rules.useTokenLatencies, !settings.useTokenLatencies {
            notes.append("use_token_latencies is off and MLPerf's rule for \(model) is on: no result for a submission")
        }
        if settings.maxDurationMs > 0, settings.maxDurationMs < settings.minDurationMs {
            notes.append(
                "max_duration (\(settings.maxDurationMs) ms) is shorter than min_duration (\(settings.minDurationMs) ms): "
                    + "the run cannot be VALID"
            )
        }
        if settings.maxQueryCount > 0, settings.maxQueryCount < settings.minQueryCount {
            notes.append(
                "max_query_count (\(settings.maxQueryCount)) is below min_query_count (\(settings.minQueryCount)): "
                    + "the run cannot be VALID"
            )
        }
        return notes
    }

    private static func rules(for model: String, _ settings: TestSettings, _ round: MLPerfRound) -> TestSettings {
        var rules = TestSettings()
        rules.scenario = settings.scenario
        rules.mode = settings.mode
        var reader = SettingsReader(round: round)
        reader.applyBuiltInRules(model: model, scenario: settings.scenario, to: &rules)
        return rules
    }
}
