/// The settings after the scenario's rules: what a test really does.
public struct EffectiveSettings: Sendable {
    /// What was asked for.
    public var requested: TestSettings
    /// Samples in one query.
    public var samplesPerQuery: UInt64 = 1
    /// Expected or demanded queries per second (Offline: samples per second).
    public var targetQps = 1.0
    /// Limit on a query's latency (Server), else 0.
    public var targetLatencyNs: UInt64 = 0
    /// The percentile that is reported and, in Server, judged.
    public var targetLatencyPercentile = 0.99
    /// Most queries outstanding, 0 for no limit; only Server heeds it.
    public var maxAsyncQueries: UInt64 = 1
    /// How long queries are issued at least, in nanoseconds.
    public var targetDurationNs: Int64
    /// How long a valid run lasts at least, in nanoseconds.
    public var minDurationNs: Int64
    /// How long a run lasts at most, in nanoseconds; 0 means no limit.
    public var maxDurationNs: Int64
    /// Least number of queries.
    public var minQueryCount: UInt64
    /// Least number of samples.
    public var minSampleCount: UInt64
    /// Samples that are loaded at once.
    public var performanceSampleCount: UInt64
    /// Samples of an accuracy run.
    public var accuracySampleCount: UInt64
    /// What the rules find wrong with the request; the run goes on.
    public var messages: [LogMessage] = []

    /// How queries arrive.
    public var scenario: Scenario { requested.scenario }
    /// What is measured.
    public var mode: TestMode { requested.mode }

    /// Applies the scenario's rules.
    ///
    /// - Parameters:
    ///   - requested: What was asked for.
    ///   - performanceCount: How many samples the library can load at once.
    ///   - totalCount: How many samples the library has.
    /// - Throws: `LoadGenError.invalidSetting` for values that the official LoadGen cannot handle either.
    public init(_ requested: TestSettings, performanceCount: UInt64, totalCount: UInt64) throws {
        self.requested = requested
        minDurationNs = try Self.nanoseconds("min_duration_ms", requested.minDurationMs)
        maxDurationNs = try Self.nanoseconds("max_duration_ms", requested.maxDurationMs)
        targetDurationNs = minDurationNs
        minQueryCount = requested.minQueryCount
        minSampleCount = 0
        performanceSampleCount =
            requested.performanceSampleCountOverride == 0 ? performanceCount : requested.performanceSampleCountOverride
        accuracySampleCount =
            requested.accuracySampleCountOverride == 0 ? totalCount : requested.accuracySampleCountOverride
        guard totalCount > 0, totalCount < UInt64(UInt32.max) else {
            throw LoadGenError.invalidSetting(
                name: "qsl total count",
                value: "\(totalCount)",
                reason: "a library must have 1 to 2^32 - 2 samples"
            )
        }
        guard performanceSampleCount > 0 else {
            throw LoadGenError.invalidSetting(
                name: "performance sample count",
                value: "0",
                reason: "at least one sample must fit into memory"
            )
        }
        try applyScenario()
        try applyCounts(performanceCount: performanceCount)
        guard targetLatencyPercentile > 0, targetLatencyPercentile < 1 else {
            throw LoadGenError.invalidSetting(
                name: "target_latency_percentile",
                value: "\(targetLatencyPercentile)",
                reason: "a percentile lies between 0 and 1 (in a configuration file: between 0 and 100)"
            )
        }
    }

    private mutating func applyScenario() throws {
        switch requested.scenario {
        case .singleStream:
            targetQps = 1e9 / requested.singleStreamExpectedLatencyNs
            targetLatencyPercentile = requested.singleStreamTargetLatencyPercentile
        case .multiStream:
            targetQps = 1e9 / requested.multiStreamExpectedLatencyNs
            targetLatencyPercentile = requested.multiStreamTargetLatencyPercentile
            samplesPerQuery = requested.multiStreamSamplesPerQuery
            guard samplesPerQuery > 0, samplesPerQuery < 1 << 24 else {
                throw LoadGenError.invalidSetting(
                    name: "multi_stream_samples_per_query",
                    value: "\(samplesPerQuery)",
                    reason: "a query has at least one sample and fewer than 2^24"
                )
            }
        case .server:
            targetQps = checkedRate("server_target_qps", requested.serverTargetQps)
            targetLatencyNs = requested.serverTargetLatencyNs
            targetLatencyPercentile = requested.serverTargetLatencyPercentile
            maxAsyncQueries = requested.serverMaxAsyncQueries
        case .offline:
            targetQps = checkedRate("offline_expected_qps", requested.offlineExpectedQps)
        }
    }

    private mutating func checkedRate(_ name: String, _ rate: Double) -> Double {
        guard !(rate >= 0) else { return rate }
        messages.append(
            .error(
                "error_invalid_test_settings",
                "Invalid value for \(name) requested. requested: \(DefaultNumberFormat.text(rate)) using: 1"
            )
        )
        return 1
    }

    private mutating func applyCounts(performanceCount: UInt64) throws {
        let seconds = Double(minDurationNs) / 1e9
        if requested.scenario == .offline {
            let wanted = try Self.count("offline_expected_qps", 1.1 * seconds * targetQps)
            samplesPerQuery =
                requested.performanceIssueUnique ? performanceSampleCount : max(minQueryCount, wanted)
            minQueryCount = 1
            targetDurationNs = 0
        }
        if requested.sampleConcatenatePermutation && requested.scenario == .singleStream {
            guard performanceCount > 0 else {
                throw LoadGenError.invalidSetting(
                    name: "qsl performance count",
                    value: "0",
                    reason: "equal-issue mode needs at least one sample"
                )
            }
            let wanted = try Self.count("single_stream_expected_latency_ns", 2.0 * seconds * targetQps)
            let least = max(minQueryCount, wanted)
            let (padded, overflow) = least.addingReportingOverflow(performanceCount - least % performanceCount)
            guard !overflow else {
                throw LoadGenError.planTooLarge(reason: "min_query_count is \(minQueryCount)")
            }
            minQueryCount = padded
        }
        let (samples, overflow) = minQueryCount.multipliedReportingOverflow(by: samplesPerQuery)
        guard !overflow else {
            throw LoadGenError.planTooLarge(
                reason: "\(minQueryCount) queries of \(samplesPerQuery) samples"
            )
        }
        minSampleCount = samples
        if requested.performanceIssueSame && requested.performanceIssueSameIndex >= performanceSampleCount {
            messages.append(
                .error(
                    "error_invalid_test_settings",
                    "Sample Idx to be repeated in performance_issue_same mode cannot be greater than loaded "
                        + "performance_sample_count. performance_issue_same_index: "
                        + "\(requested.performanceIssueSameIndex) performance_sample_count: \(performanceSampleCount)"
                )
            )
        }
        if requested.performanceIssueSame && requested.performanceIssueUnique {
            messages.append(
                .error(
                    "error_invalid_test_settings",
                    "Performance_issue_unique and performance_issue_same, both cannot be true at the same time. "
                        + "performance_issue_unique: 1 performance_issue_same: 1"
                )
            )
        }
    }

    private static func nanoseconds(_ name: String, _ milliseconds: UInt64) throws -> Int64 {
        let limit: UInt64 = 4_000_000_000_000
        guard milliseconds <= limit else {
            throw LoadGenError.invalidSetting(
                name: name,
                value: "\(milliseconds)",
                reason: "more than a century; the value is in milliseconds"
            )
        }
        return Int64(milliseconds) * 1_000_000
    }

    private static func count(_ name: String, _ value: Double) throws -> UInt64 {
        guard value.isFinite, value >= 0, value < 4e9 else {
            throw LoadGenError.planTooLarge(
                reason: "\(name) and min_duration ask for \(DefaultNumberFormat.text(value)) samples"
            )
        }
        return UInt64(value)
    }
}

extension EffectiveSettings {
    /// The request as it is, for a report on a test that ended before the rules were applied.
    init(unchecked requested: TestSettings) {
        self.requested = requested
        targetDurationNs = 0
        minDurationNs = 0
        maxDurationNs = 0
        minQueryCount = requested.minQueryCount
        minSampleCount = 0
        performanceSampleCount = requested.performanceSampleCountOverride
        accuracySampleCount = requested.accuracySampleCountOverride
    }
}
