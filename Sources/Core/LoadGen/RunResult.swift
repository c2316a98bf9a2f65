/// How a test ended.
public struct RunResult: Sendable {
    /// What the test did.
    public var settings: EffectiveSettings
    /// Metrics and official verdict; nil where nothing was timed.
    public var summary: PerformanceSummary?
    /// Why the result is invalid, a sentence each; empty if it is valid.
    public var reasons: [String]
    /// Errors in the detail log.
    public var errors: UInt64
    /// Warnings in the detail log.
    public var warnings: UInt64
    /// The first of the errors and warnings.
    public var problems: [LogMessage]
    /// What the system under test did wrong.
    public var misuse: SampleMisuse
    /// Samples that were never answered.
    public var outstanding: OutstandingSamples
    /// Samples issued, over all phases.
    public var issuedSamples: Int
    /// Samples completed, over all phases.
    public var completedSamples: Int
    /// Paths of summary, detail and accuracy log.
    public var logFiles: [String]
    /// What the official LoadGen says, where it conducted the test; its verdict then is the one that counts.
    public var official: OfficialVerdict?

    /// Whether the result counts.
    public var isValid: Bool { reasons.isEmpty }
}
