/// What a phase measured; latencies in nanoseconds, times in seconds after the start.
public struct RunMeasurements: Sendable {
    /// Latency of each completed sample.
    public var sampleLatencies: [Int64] = []
    /// Latency of each query, MultiStream only.
    public var queryLatencies: [Int64] = []
    /// Time to first token of each sample, where the workload has tokens.
    public var firstTokenLatencies: [Int64] = []
    /// Time per output token of each sample, where the workload has tokens.
    public var timePerOutputToken: [Int64] = []
    /// Tokens of each sample, where the workload has tokens.
    public var tokensPerSample: [Int64] = []
    /// Queries issued.
    public var queriesIssued: UInt64 = 0
    /// The longest sample latency.
    public var maxLatency = 0.0
    /// When the last issued query was due.
    public var finalQueryScheduledTime = 0.0
    /// When the last issued query was issued.
    public var finalQueryIssuedTime = 0.0
    /// When the last issued query was done, even if others were done later.
    public var finalQueryDoneTime = 0.0

    /// Nothing measured yet.
    public init() {}
}
