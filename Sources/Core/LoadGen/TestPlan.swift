/// What a test would do, without doing it: effective settings and every query of every phase.
public struct TestPlan: Sendable {
    /// What was asked for, as a test begins with it.
    public let requested: TestSettings
    /// The settings after the scenario's rules.
    public let settings: EffectiveSettings
    /// Samples in the library.
    public let totalCount: UInt64
    /// Samples that the library can load at once.
    public let performanceCount: UInt64
    /// One plan per loaded set of the accuracy part, then the performance part, as the mode has them.
    ///
    /// A search for the peak rate depends on what it measures; its first step is planned.
    public let phases: [QueryPlan]
    /// What the detail log would hold about the settings.
    public let messages: [LogMessage]

    /// Plans a test.
    ///
    /// - Parameters:
    ///   - requested: What is asked for.
    ///   - audit: The text of a compliance test's `audit.config`, if there is one.
    ///   - totalCount: Samples in the library.
    ///   - performanceCount: Samples that the library can load at once.
    /// - Throws: `LoadGenError` where the settings allow no test.
    public init(
        requested: TestSettings,
        audit: String? = nil,
        totalCount: UInt64,
        performanceCount: UInt64
    ) throws {
        let (overridden, messages) = requested.overridden(byAudit: audit)
        settings = try EffectiveSettings(overridden, performanceCount: performanceCount, totalCount: totalCount)
        self.requested = overridden
        self.totalCount = totalCount
        self.performanceCount = performanceCount
        self.messages = messages + settings.messages
        phases = try QueryPlan.phases(of: settings, totalCount: totalCount)
    }
}
