/// What a test is doing.
public enum RunStage: Int, Sendable {
    /// Reading settings, generating queries, waiting for samples to be loaded or released.
    case preparing
    /// Issuing queries.
    case issuing
    /// Within the system's `flush`.
    case flushing
    /// Waiting for the last answers.
    case draining
    /// Evaluating and writing.
    case reporting
    /// Done.
    case finished
}

/// A snapshot of a test in progress, for a progress line and for the watchdog.
public struct RunProgress: Sendable, Equatable {
    /// What the test is doing.
    public var stage: RunStage
    /// Which phase is under way, from 1; each loaded set of an accuracy run is one.
    public var phase: Int
    /// How many phases there are, 0 where that is not known beforehand.
    public var phaseCount: Int
    /// Samples issued in this phase.
    public var issued: Int
    /// Samples completed in this phase.
    public var completed: Int
    /// Samples of this phase whose first token came.
    public var firstTokens: Int
    /// Mean time to first token in this phase, in nanoseconds; 0 where there is none.
    public var meanTimeToFirstToken: Int64
    /// Samples that this phase's plan holds; only Server and accuracy runs issue all of them for sure.
    public var planned: Int
    /// Nanoseconds since this phase began to issue.
    public var elapsed: Int64
    /// Nanoseconds that this phase issues at least, 0 where time does not matter.
    public var targetDuration: Int64
    /// Samples that this phase issues at least.
    public var leastSamples = 0
    /// Nanoseconds after which this phase ends whatever it has issued, 0 where there is no such limit.
    public var longestDuration: Int64 = 0
}
