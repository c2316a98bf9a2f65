internal import RunRecords

/// The times that LoadGen reports percentiles of, with its keys.
enum LatencyKind: String, CaseIterable, Sendable {
    case query
    case sample
    case firstToken
    case outputToken

    var name: String {
        switch self {
        case .query: "Query latency"
        case .sample: "Latency"
        case .firstToken: "Time to first token"
        case .outputToken: "Time per output token"
        }
    }

    var shortName: String {
        switch self {
        case .query: "Query latency"
        case .sample: "Latency"
        case .firstToken: "TTFT"
        case .outputToken: "TPOT"
        }
    }

    /// The key of a percentile, which is given as the keys write it: `99.00`.
    func key(_ percentile: String) -> String {
        switch self {
        case .query: "result_\(percentile)_percentile_per_query_latency_ns"
        case .sample: "result_\(percentile)_percentile_latency_ns"
        case .firstToken: "result_first_token_\(percentile)_percentile_latency_ns"
        case .outputToken: "result_time_per_output_token_\(percentile)_percentile_ns"
        }
    }

    func key(forShare share: Double) -> String { key(Quantity.fixed(share * 100, 2)) }

    /// The keys of the least, the greatest and the mean time.
    var extremes: (least: String, most: String, mean: String) {
        switch self {
        case .query: ("result_min_query_latency_ns", "result_max_query_latency_ns", "result_mean_query_latency_ns")
        case .sample: ("result_min_latency_ns", "result_max_latency_ns", "result_mean_latency_ns")
        case .firstToken:
            (
                "result_first_token_min_latency_ns", "result_first_token_max_latency_ns",
                "result_first_token_mean_latency_ns"
            )
        case .outputToken:
            (
                "result_time_to_output_token_min", "result_time_to_output_token_max",
                "result_time_to_output_token_mean"
            )
        }
    }
}

/// A row of the table of percentiles; times in nanoseconds, from the log.
struct PercentileRow: Sendable {
    var kind: LatencyKind
    var least: Double?
    var mean: Double?
    /// At `Distribution.reported`.
    var percentiles: [Double?]
    var most: Double?
    /// The limit and the percentile that it holds for.
    var limit: (time: Int64, share: Double)?
}

extension ReportedRun {
    /// The percentiles that the log reports.
    var percentileRows: [PercentileRow] {
        LatencyKind.allCases.compactMap { kind in
            let extremes = kind.extremes
            let percentiles = Distribution.reported.map { number(kind.key($0.key)) }
            guard percentiles.contains(where: { $0 != nil }) else { return nil }
            let limit: Int64? =
                switch kind {
                case .query: nil
                case .sample: latencyLimit
                case .firstToken: firstTokenLimit
                case .outputToken: outputTokenLimit
                }
            return PercentileRow(
                kind: kind,
                least: number(extremes.least),
                mean: number(extremes.mean),
                percentiles: percentiles,
                most: number(extremes.most),
                limit: limit.map { ($0, targetShare ?? 0.99) }
            )
        }
    }
}
