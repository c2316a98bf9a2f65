/// Which responses of a performance run go to the accuracy log.
struct AccuracySampling {
    /// Shift of every sample's own random number, modulo 1; drawn for each phase.
    var offset: Double
    /// Share of the samples that is written; may exceed 1.
    var probability: Double

    init(settings: EffectiveSettings) {
        var random = MersenneTwister(seed: settings.requested.accuracyLogRngSeed)
        offset = random.canonical()
        probability = settings.requested.accuracyLogProbability
        let target = settings.requested.accuracyLogSamplingTarget
        guard target > 0 else { return }
        let perRun = settings.targetQps * Double(settings.requested.minDurationMs) / 1000
        // The official count is an integer: a product beyond 64 bits is no run that can be planned.
        var expected = perRun.isFinite && perRun >= 0 && perRun < 9e18 ? UInt64(perRun) : UInt64.max
        var least = settings.minQueryCount &* settings.samplesPerQuery
        if settings.scenario == .offline {
            least = settings.minSampleCount
        } else {
            expected = expected.multipliedReportingOverflow(by: settings.samplesPerQuery).partialValue
        }
        probability = Double(target) / Double(max(expected, least))
    }

    /// Whether the sample with this random number is written.
    func takes(_ value: Double) -> Bool {
        let shifted = value + offset
        return (shifted < 1 ? shifted : shifted - 1) <= probability
    }
}
