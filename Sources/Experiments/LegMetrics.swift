internal import Core
internal import RunRecords

/// Reads from a leg's logs the numbers that the table shows.
enum LegMetrics {
    static func of(_ leg: Leg) -> [LegResult.Metric] {
        switch leg.kind {
        case .performance:
            guard let log = try? DetailLogContents(folder: leg.runFolder) else { return [] }
            return performance(log, leg.scenario)
        case .accuracy:
            return AccuracyScore.metrics(folder: leg.folder)
        case .compliance:
            return []
        }
    }

    private static func performance(_ log: DetailLogContents, _ scenario: RequestedScenario) -> [LegResult.Metric] {
        func number(_ key: String) -> Double? { (try? log.double(key, .last)) ?? nil }
        let usesTokens = (try? log.usesTokenLatencies) ?? false
        let (key, name, scale): (String, String, Double) =
            switch (scenario, usesTokens) {
            case (.offline, true): ("result_tokens_per_second", "tokens/s", 1)
            case (.offline, false): ("result_samples_per_second", "samples/s", 1)
            case (.server, true), (.interactive, true): ("result_completed_tokens_per_second", "tokens/s", 1)
            case (.server, false), (.interactive, false): ("result_completed_samples_per_sec", "samples/s", 1)
            case (.singleStream, _): ("early_stopping_latency_ss", "ms at p90", 1e-6)
            case (.multiStream, _): ("early_stopping_latency_ms", "ms at p99", 1e-6)
            }
        return number(key).map { [LegResult.Metric(name: name, value: $0 * scale)] } ?? []
    }
}
