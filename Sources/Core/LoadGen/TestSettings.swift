/// What a user asks LoadGen for, before the scenario's rules are applied.
///
/// Names and defaults are those of the official `TestSettings`; `ns` and `ms` in a name are its unit.
public struct TestSettings: Sendable, Equatable {
    /// How queries arrive.
    public var scenario = Scenario.singleStream
    /// What is measured.
    public var mode = TestMode.performanceOnly

    /// Expected latency of one SingleStream query; it only sizes the plan.
    public var singleStreamExpectedLatencyNs = 1_000_000.0
    /// The percentile that SingleStream reports, in 0..<1.
    public var singleStreamTargetLatencyPercentile = 0.9
    /// Expected latency of one MultiStream query; it only sizes the plan.
    public var multiStreamExpectedLatencyNs = 8_000_000.0
    /// The percentile that MultiStream reports, in 0..<1.
    public var multiStreamTargetLatencyPercentile = 0.99
    /// Samples in one MultiStream query.
    public var multiStreamSamplesPerQuery: UInt64 = 8

    /// Mean rate of Server's Poisson process, in queries per second.
    public var serverTargetQps = 1.0
    /// Server's limit on the latency of a query; unused with token latencies.
    public var serverTargetLatencyNs: UInt64 = 100_000_000
    /// The percentile at which Server's limits hold, in 0..<1.
    public var serverTargetLatencyPercentile = 0.99
    /// Whether Server merges all queries that are due into one call.
    public var serverCoalesceQueries = false
    /// Digits behind the point at which the search for the peak rate stops.
    public var serverFindPeakQpsDecimalsOfPrecision: UInt64 = 1
    /// How much the search for the peak rate widens its upper bound, relative to the lower one.
    public var serverFindPeakQpsBoundaryStepSize = 1.0
    /// Server ends when more queries than this are outstanding; 0 means no limit.
    public var serverMaxAsyncQueries: UInt64 = 0
    /// Threads that issue Server queries; 0 means the thread that runs the test.
    public var serverNumIssueQueryThreads: UInt64 = 0

    /// Expected rate of Offline, in samples per second; it sizes the one query.
    public var offlineExpectedQps = 1.0

    /// Equal-issue mode: samples are drawn from whole permutations of the loaded set.
    public var sampleConcatenatePermutation = false

    /// A valid run lasts at least this long.
    public var minDurationMs: UInt64 = 10_000
    /// A run ends, as an error, after this time; 0 means no limit.
    public var maxDurationMs: UInt64 = 0
    /// A valid run has at least so many queries (Offline: samples).
    public var minQueryCount: UInt64 = 100
    /// A run ends, as an error, after so many queries; 0 means no limit.
    public var maxQueryCount: UInt64 = 0

    /// Seed of the order in which samples are loaded.
    public var qslRngSeed: UInt64 = 0
    /// Seed of the choice of samples.
    public var sampleIndexRngSeed: UInt64 = 0
    /// Seed of Server's gaps.
    public var scheduleRngSeed: UInt64 = 0
    /// Seed of the offset by which responses are sampled for the accuracy log of a performance run.
    public var accuracyLogRngSeed: UInt64 = 0
    /// Share of responses that a performance run writes to the accuracy log, in 0...1.
    public var accuracyLogProbability = 0.0
    /// Number of responses that a performance run aims to write to the accuracy log; 0 means that the share holds.
    public var accuracyLogSamplingTarget: UInt64 = 0

    /// Runs with the test05 seeds.
    public var test05 = false
    /// Replaces `qslRngSeed` when `test05` is on.
    public var test05QslRngSeed: UInt64 = 0
    /// Replaces `sampleIndexRngSeed` when `test05` is on.
    public var test05SampleIndexRngSeed: UInt64 = 0
    /// Replaces `scheduleRngSeed` when `test05` is on.
    public var test05ScheduleRngSeed: UInt64 = 0

    /// Prints time stamps of the start and the end of a performance run.
    public var printTimestamps = false
    /// Each loaded sample is issued once.
    public var performanceIssueUnique = false
    /// One sample is issued again and again.
    public var performanceIssueSame = false
    /// Which position of the loaded set `performanceIssueSame` issues.
    public var performanceIssueSameIndex: UInt64 = 0
    /// Replaces the library's count of samples that fit into memory; 0 leaves it.
    public var performanceSampleCountOverride: UInt64 = 0
    /// Replaces the library's total in accuracy mode; 0 leaves it.
    public var accuracySampleCountOverride: UInt64 = 0

    /// Measures time to first token and time per output token, and judges Server by them.
    public var useTokenLatencies = false
    /// Server's limit on the time to first token, in nanoseconds.
    public var serverTtftLatency: UInt64 = 100_000_000
    /// Server's limit on the time per output token, in nanoseconds.
    public var serverTpotLatency: UInt64 = 100_000_000
    /// Reports tokens per second as samples per second times `tokenLatencyScalingFactor`.
    public var inferTokenLatencies = false
    /// Tokens per sample where they are inferred.
    public var tokenLatencyScalingFactor: UInt64 = 0

    /// The official defaults.
    public init() {}
}
