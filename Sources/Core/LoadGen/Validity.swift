/// MLPerf's verdict on a performance run, with the official words.
public struct Validity: Sendable {
    /// Whether the run lasted long enough.
    public var minDurationMet = true
    /// Whether enough queries and samples were issued.
    public var minQueriesMet = true
    /// Whether Server's latency limits hold.
    public var performanceConstraintsMet = true
    /// Whether the queries suffice to prove the percentile.
    public var earlyStoppingMet = true

    /// What to do about a run that was too short.
    public var minDurationAdvice = ""
    /// What to do about latencies over the limit.
    public var performanceAdvice = ""
    /// Early stopping on latencies, in words; empty with token latencies.
    public var earlyStoppingText = ""
    /// Early stopping on the time to first token, in words.
    public var earlyStoppingTtftText = ""
    /// Early stopping on the time per output token, in words.
    public var earlyStoppingTpotText = ""
    /// Estimate of SingleStream's own percentile, 0 if there is none.
    public var earlyStoppingSingleStreamLatency: Int64 = 0
    /// Estimate of MultiStream's percentile, 0 if there is none.
    public var earlyStoppingMultiStreamLatency: Int64 = 0

    /// Whether all four conditions hold; errors do not matter here.
    public var isValid: Bool {
        minDurationMet && minQueriesMet && performanceConstraintsMet && earlyStoppingMet
    }

    static let queriesAdvice = "The test exited early, before enough queries were issued."
}
