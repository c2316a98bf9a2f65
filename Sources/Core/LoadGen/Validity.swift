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

    /// What the host found wrong beside the official conditions: broken contracts, failed samples, an abort.
    public var hostReasons: [String] = []

    /// Whether all four conditions hold and the host found nothing wrong; errors do not matter here.
    public var isValid: Bool {
        minDurationMet && minQueriesMet && performanceConstraintsMet && earlyStoppingMet
            && hostReasons.isEmpty
    }

    /// Why the run is invalid, a sentence each.
    public var reasons: [String] {
        var list = hostReasons
        if !performanceConstraintsMet {
            list.append(performanceAdvice)
        }
        if !minDurationMet {
            list.append("The run was too short. " + minDurationAdvice)
        }
        if !minQueriesMet {
            list.append(Self.queriesAdvice)
        }
        if !earlyStoppingMet {
            let texts = [earlyStoppingText, earlyStoppingTtftText, earlyStoppingTpotText].filter { !$0.isEmpty }
            list.append("Early stopping is not satisfied:\n" + texts.joined(separator: "\n"))
        }
        return list
    }

    static let queriesAdvice = "The test exited early, before enough queries were issued."
}
