/// What an engine has done since it was started.
public struct GenerationStatistics: Sendable, Equatable {
    /// Steps replayed for samples, warm-up left out.
    public var steps = 0
    /// Positions computed in those steps.
    ///
    /// Without preemption and without the discarded rows this is, over all samples, the prompt's length plus the
    /// generated tokens less one: nothing is computed twice.
    public var rows = 0
    /// Rows whose token nobody wanted: the sequence had ended when the step before theirs was read.
    ///
    /// With one step in flight there is none.
    public var discardedRows = 0
    /// Sequences whose pages were taken away, to be computed again later.
    public var preemptions = 0
    /// Positions computed again because of that.
    public var recomputedRows = 0
    /// The most sequences that had pages at one time.
    public var peakSequences = 0
    /// Samples refused because they do not fit the model or the cache.
    public var refusals = 0
}
