extension QueryPlan {
    /// Everything a test would issue, phase after phase, without running it.
    ///
    /// A search for the peak rate depends on what it measures; for it the first step is planned.
    ///
    /// - Parameters:
    ///   - settings: The effective settings.
    ///   - totalCount: How many samples the library has.
    /// - Returns: One plan per loaded set of the accuracy part, then the performance part, as the mode has them.
    /// - Throws: `LoadGenError` where a phase cannot be planned.
    public static func phases(of settings: EffectiveSettings, totalCount: UInt64) throws -> [QueryPlan] {
        var sequence = SampleSequence()
        var plans: [QueryPlan] = []
        if settings.mode == .accuracyOnly || settings.mode == .submissionRun {
            for set in LoadableSet.sets(settings: settings, totalCount: totalCount, mode: .accuracyOnly) {
                plans.append(
                    try QueryPlan(settings: settings, loaded: set, mode: .accuracyOnly, sequence: &sequence)
                )
            }
        }
        if settings.mode != .accuracyOnly,
            let set = LoadableSet.sets(settings: settings, totalCount: totalCount, mode: .performanceOnly).first
        {
            plans.append(try QueryPlan(settings: settings, loaded: set, mode: .performanceOnly, sequence: &sequence))
        }
        return plans
    }
}
