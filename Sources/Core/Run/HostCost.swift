import JSON

/// What the host itself takes for one sample: from choosing the moment of issue, through the plugin's tables, to the
/// recorded answer, with a workload that does nothing.
///
/// Measured in this process, one sample at a time as in SingleStream. A child process (`--isolate`) costs more: there its
/// messages come on top.
public enum HostCost {
    /// Measures it.
    ///
    /// - Parameters:
    ///   - samples: How many samples to issue; 100,000 take some 30 ms.
    ///   - instances: Among how many instances they are shared.
    ///   - sharing: How.
    /// - Returns: Nanoseconds for each sample, the best of three parts, so that a moment without the processor does not
    ///   count.
    /// - Throws: `LoadGenError` or `PluginFault` where the measurement cannot be set up.
    public static func measure(
        samples: Int = 100_000,
        instances: Int = 1,
        sharing: SharingPolicy = .shortestQueue
    ) throws -> Double {
        let library = try PluginLibrary(embedded: EmptyWorkload.library, name: "the host's own")
        let request = InstanceRequest(workload: 0, options: [:], threads: 1)
        let instance = try InProcessLibrary(library: library, log: { _, _ in })
            .makeInstances(request, count: instances, sharing: sharing)
        try instance.prepare()
        let underTest = try PluginUnderTest(instance, limit: nil)
        let ledger = SampleLedger()
        try instance.start(results: ledger)
        ledger.begin()

        var settings = TestSettings()
        settings.minDurationMs = 0
        settings.minQueryCount = UInt64(max(3, samples) / 3)
        let effective = try EffectiveSettings(
            settings,
            performanceCount: underTest.performanceCount,
            totalCount: underTest.totalCount
        )
        let sets = LoadableSet.sets(settings: effective, totalCount: underTest.totalCount, mode: .performanceOnly)
        guard let set = sets.first else { throw LoadGenError.emptyPlan(reason: "the library has no sample") }
        try underTest.load(set.indices)
        var sequence = SampleSequence()
        let plan = try QueryPlan(settings: effective, loaded: set, mode: .performanceOnly, sequence: &sequence)
        try underTest.reserve(samplesPerQuery: plan.samplesPerQuery, sampleCount: plan.indices.count)
        var best = Double.infinity
        for _ in 0..<3 {
            ledger.prepare(plan, keepsAll: false, mailbox: nil)
            let start = MonotonicClock.now()
            let issuer = QueryIssuer(
                settings: effective,
                plan: plan,
                ledger: ledger,
                sut: underTest,
                spin: 0,
                isLenient: false,
                start: start
            )
            let outcome = issuer.run()
            let elapsed = MonotonicClock.now() - start
            guard outcome.failure == nil, ledger.completedCount == plan.queryCount else {
                throw LoadGenError.wrongState(
                    "the host's own cost could not be measured: \(outcome.failure ?? "no answer")"
                )
            }
            best = min(best, Double(elapsed) / Double(plan.queryCount))
        }
        ledger.retire()
        try instance.stop()
        try instance.destroy()
        return best
    }
}
