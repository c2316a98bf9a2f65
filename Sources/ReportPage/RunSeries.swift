internal import RunRecords

/// What the charts show of a run, reduced from its samples to a size that does not grow with them.
struct RunSeries: Sendable {
    /// A rate in buckets of one width.
    struct Rate: Sendable {
        /// Nanoseconds.
        var width: Double
        /// Per second; the last bucket counts as long as the run did.
        var values: [Double]
        /// Where the last bucket ends, nanoseconds.
        var end: Double
    }

    /// Samples that were issued and not yet answered: the least and the most in each slice of time.
    struct Outstanding: Sendable {
        var width: Double
        var least: [Int]
        var most: [Int]
    }

    var isOffline: Bool
    var sampleCount: Int
    var completedCount: Int
    var failedCount: Int
    /// Nanoseconds from the start to the last answer.
    var duration: Int64
    /// Nanoseconds from the start to the last query, as scheduled and as issued.
    var lastScheduled: Int64
    var lastIssued: Int64
    var tokenCount: Int64

    /// Per sample; the query's where the scenario is MultiStream.
    var latency: Distribution.Summary
    var queryLatency: Distribution.Summary?
    var firstToken: Distribution.Summary?
    var outputToken: Distribution.Summary?
    var tokensPerSample: Distribution.Summary?

    var samples: Rate
    var tokens: Rate?
    var outstanding: Outstanding
    /// When each share of the samples was complete.
    var progress: [(time: Int64, share: Double)]
    var latencyMap: TimeMap
    var firstTokenMap: TimeMap?
}

extension Distribution {
    /// What is kept of a distribution.
    struct Summary: Sendable {
        var count: Int
        var least: Int64
        var most: Int64
        var mean: Int64
        /// Values at ``Distribution/reported``.
        var percentiles: [Int64]
        var curve: [(time: Int64, share: Double)]
        /// The value at the scenario's own percentile, and how many are above the limit.
        var atTarget: Int64
        var above: Int?
    }

    func summary(target: Double, limit: Int64?) -> Summary {
        Summary(
            count: sorted.count,
            least: sorted.first ?? 0,
            most: sorted.last ?? 0,
            mean: mean,
            percentiles: Distribution.reported.map { at($0.share) },
            curve: curve(),
            atTarget: at(target),
            above: limit.map { count(above: $0) }
        )
    }
}
