import JSON
import RunRecords

/// What the official library says of a test, read from the logs that it wrote.
public struct OfficialVerdict: Sendable {
    /// The library's version and commit.
    public var version = ""
    /// Whether the seeds of a round were put over those that are compiled in.
    public var overridesSeeds = false
    /// `VALID` or `INVALID`; nil where the test gave no result, as in accuracy mode.
    public var validity: String?
    /// The first lines of the summary, name and value as they stand: the scenario's metric, and that of its tokens.
    public var metrics: [(name: String, value: String)] = []
    /// Distributions as the detail log has them.
    public var latencies: [Latencies] = []
    /// Why the result is invalid, a sentence each.
    public var reasons: [String] = []
    /// Errors in the detail log.
    public var errors: UInt64 = 0
    /// Warnings in the detail log.
    public var warnings: UInt64 = 0
    /// The first of the errors and warnings.
    public var problems: [LogMessage] = []

    /// Mean and percentiles of something, in nanoseconds.
    public struct Latencies: Sendable {
        /// Of what.
        public var name: String
        /// The mean.
        public var mean: Double
        /// The median.
        public var median: Double
        /// The 99th percentile.
        public var p99: Double
    }

    /// Nothing known yet.
    public init() {}

    /// How many errors and warnings are kept.
    private static let keptProblems = 32

    /// Reads summary and detail log of a folder; what they lack stays empty.
    ///
    /// - Parameters:
    ///   - folder: The run's folder.
    ///   - mode: What was measured; all modes but accuracy must give a result.
    init(folder: String, mode: TestMode) {
        var faults: [DetailLogError] = []
        let path = "\(folder)/\(DetailLogReader.fileName)"
        do {
            let log = try DetailLogContents(path: path, source: nil, faults: &faults)
            errors = UInt64(log.errors.count)
            warnings = UInt64(log.warnings.count)
            problems = log.entries.filter { $0.isError || $0.isWarning }.prefix(Self.keptProblems).map {
                LogMessage(key: $0.key, text: $0.string ?? $0.value.text(), severity: $0.isError ? .error : .warning)
            }
            validity = try log.resultValidity
            latencies = Self.latencies(log)
            reasons = Self.reasons(log, mode)
        } catch {
            reasons.append("The official LoadGen left no readable detail log: \(error).")
        }
        for fault in faults.prefix(3) {
            reasons.append("The official LoadGen's detail log is damaged: \(fault).")
        }
        metrics = Self.metrics(SettingsReader.read("\(folder)/mlperf_log_summary.txt") ?? "")
    }

    private static func reasons(_ log: DetailLogContents, _ mode: TestMode) -> [String] {
        guard let validity = try? log.resultValidity else {
            let first = log.errors.first.flatMap(\.string)
            if mode == .accuracyOnly {
                return first.map { ["The detail log holds errors, which an accuracy run must not have: \($0)"] } ?? []
            }
            return ["The official LoadGen gave no result" + (first.map { ": \($0)" } ?? ".")]
        }
        guard validity != "VALID" else { return [] }
        // Each advice ends in a space, and early stopping has none.
        var reasons = log.invalidReasons.map { trimmed($0[...]) }.filter { !$0.isEmpty }
        if (try? log.earlyStoppingMet) == false {
            let keys = ["early_stopping_result", "early_stopping_ttft_result", "early_stopping_tpot_result"]
            let texts = keys.compactMap { log.last($0)?.string }.filter { !$0.isEmpty }
            reasons.append("Early stopping is not satisfied: " + texts.joined(separator: " "))
        }
        return reasons.isEmpty ? ["The official LoadGen says \(validity)."] : reasons
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    /// The lines between mode and verdict.
    private static func metrics(_ summary: String) -> [(name: String, value: String)] {
        let lines = summary.split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasPrefix("Mode ") }),
            let end = lines.firstIndex(where: { $0.hasPrefix("Result is") }), start < end
        else { return [] }
        return lines[(start + 1)..<end].compactMap { line in
            guard let colon = line.lastIndex(of: ":") else { return nil }
            return (trimmed(line[..<colon]), trimmed(line[line.index(after: colon)...]))
        }
    }

    private static func latencies(_ log: DetailLogContents) -> [Latencies] {
        let kinds: [(name: String, mean: String, percentile: (String) -> String)] = [
            ("latency", "result_mean_latency_ns", { "result_\($0)_percentile_latency_ns" }),
            ("latency of a query", "result_mean_query_latency_ns", { "result_\($0)_percentile_per_query_latency_ns" }),
            (
                "time to first token", "result_first_token_mean_latency_ns",
                { "result_first_token_\($0)_percentile_latency_ns" }
            ),
            (
                "time per output token", "result_time_to_output_token_mean",
                { "result_time_per_output_token_\($0)_percentile_ns" }
            ),
        ]
        return kinds.compactMap { kind in
            guard let mean = log.last(kind.mean)?.double, let median = log.last(kind.percentile("50.00"))?.double,
                let p99 = log.last(kind.percentile("99.00"))?.double
            else { return nil }
            return Latencies(name: kind.name, mean: mean, median: median, p99: p99)
        }
    }
}
