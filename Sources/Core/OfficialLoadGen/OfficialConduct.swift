/// Where the official library is in a test, as its callbacks tell; touched by the thread that runs the test alone.
final class OfficialConduct {
    var settings: EffectiveSettings?
    /// How many sets the accuracy part loads.
    var accuracySets = 0
    private(set) var loads = 0
    private var sequence = SampleSequence()

    /// The plan of the phase, which is the library's own: it says how much room is needed and when Server's queries are due.
    var plan: QueryPlan?
    /// Whether the plan's due times are those of the phase: in the bisection of a peak search the rate is not known here.
    var knowsSchedule = true
    var isTimed = false
    /// Whether samples of a phase have been issued and its end has not been seen.
    var isOpen = false
    /// Whether the next query begins a phase: `flush` came after the last.
    var awaitsPhase = true
    var nextSlot = 0
    var start: Int64 = 0
    var wallStart = WallClock.now()

    func begin(_ settings: EffectiveSettings, totalCount: UInt64) {
        self.settings = settings
        guard settings.mode == .accuracyOnly || settings.mode == .submissionRun else { return }
        accuracySets = LoadableSet.sets(settings: settings, totalCount: totalCount, mode: .accuracyOnly).count
    }

    /// Plans the phase for which the library has a set loaded.
    ///
    /// A peak search widens the rate with every set that it loads, and stays below the last rate in the bisection that follows.
    func planPhase(_ indices: [UInt64]) throws {
        guard var settings else { return }
        loads += 1
        isTimed = loads > accuracySets
        if settings.mode == .findPeakPerformance {
            for _ in 1..<loads { settings.targetQps *= 1 + settings.requested.serverFindPeakQpsBoundaryStepSize }
        }
        let padding = settings.scenario == .multiStream ? Int(settings.samplesPerQuery) - 1 : 0
        plan = try QueryPlan(
            settings: settings,
            loaded: LoadableSet(indices: indices, distributionEnd: max(0, indices.count - padding)),
            mode: isTimed ? .performanceOnly : .accuracyOnly,
            sequence: &sequence
        )
        knowsSchedule = settings.scenario == .server
        awaitsPhase = true
    }
}
