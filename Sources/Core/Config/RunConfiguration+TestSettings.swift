extension RunConfiguration {
    /// Puts what the user set over the conf files into LoadGen's settings, as AMD's harness does after reading them.
    ///
    /// `total_sample_count` fixes the number of queries when it is not the whole data set. Both of LoadGen's upper limits
    /// (`max_query_count`, `max_duration`) are logged as errors where they end a run; such a run is for trials.
    ///
    /// - Parameters:
    ///   - settings: The settings after the conf files were applied.
    ///   - librarySampleCount: Samples in the whole data set.
    public func apply(to settings: inout TestSettings, librarySampleCount: Int) {
        settings.mode = mode
        if let scenario { settings.scenario = scenario.loadGenScenario }
        if let targetQps {
            settings.offlineExpectedQps = targetQps
            settings.serverTargetQps = targetQps
        }
        if let totalSampleCount, totalSampleCount != librarySampleCount {
            settings.minQueryCount = UInt64(clamping: totalSampleCount)
            settings.maxQueryCount = UInt64(clamping: totalSampleCount)
        }
        if let durationSec {
            // Bounded when read: a year in milliseconds.
            settings.minDurationMs = UInt64((durationSec * 1000).rounded())
            settings.maxDurationMs = UInt64((durationSec * 1000).rounded())
        }
        if let minQueryCount { settings.minQueryCount = UInt64(clamping: minQueryCount) }
        if let maxQueryCount { settings.maxQueryCount = UInt64(clamping: maxQueryCount) }
        if seedless {
            settings.qslRngSeed = 0
            settings.sampleIndexRngSeed = 0
            settings.scheduleRngSeed = 0
        }
    }
}
