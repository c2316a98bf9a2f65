/// Every query of one phase, fixed before the first is issued.
public struct QueryPlan: Sendable {
    /// `.accuracyOnly` or `.performanceOnly`.
    public let mode: TestMode
    /// What is loaded for this phase.
    public let loaded: LoadableSet
    /// Samples in each query.
    public let samplesPerQuery: Int
    /// Library indices of all samples, query after query.
    public private(set) var indices: [UInt64] = []
    /// When each query is due, in nanoseconds after the start; only Server waits for it.
    public private(set) var scheduledOffsets: [Int64] = []
    /// Number of the first query within the test.
    public let firstQueryID: UInt64
    /// Number of the first sample within the test.
    public let firstSampleID: UInt64
    /// When the query behind the last would be due.
    public private(set) var generatedDuration: Int64 = 0
    /// Shift of the random numbers that choose responses for the accuracy log.
    public let accuracyLogOffset: Double
    /// Share of responses for the accuracy log.
    public let accuracyLogProbability: Double
    /// Positions in `indices` whose responses go to the accuracy log of a performance run, ascending.
    public private(set) var loggedSamples: [Int] = []

    /// How many queries there are.
    public var queryCount: Int { scheduledOffsets.count }

    /// Slots are 32 bits wide and 0 is no id, so a phase has at most this many samples.
    static let sampleLimit = Int(UInt32.max) - 1

    /// Generates the queries of one phase.
    ///
    /// - Parameters:
    ///   - settings: The effective settings.
    ///   - loaded: The set from which samples are drawn.
    ///   - mode: `.accuracyOnly` serves each sample once; everything else follows the scenario.
    ///   - sequence: The test's numbering, which goes on behind the last sample of this phase.
    /// - Throws: `LoadGenError` where the settings ask for no query, for too many, or for a sample that is not loaded.
    public init(
        settings: EffectiveSettings,
        loaded: LoadableSet,
        mode: TestMode,
        sequence: inout SampleSequence
    ) throws {
        self.mode = mode == .accuracyOnly ? .accuracyOnly : .performanceOnly
        self.loaded = loaded
        firstQueryID = sequence.nextQueryID
        firstSampleID = sequence.nextSampleID
        let sampling = AccuracySampling(settings: settings)
        accuracyLogOffset = sampling.offset
        accuracyLogProbability = sampling.probability

        var chooser = try SampleChooser(settings: settings, loaded: loaded, mode: self.mode)
        samplesPerQuery = chooser.samplesPerQuery
        try generate(settings: settings, chooser: &chooser, sequence: &sequence, sampling: sampling)
    }

    private mutating func generate(
        settings: EffectiveSettings,
        chooser: inout SampleChooser,
        sequence: inout SampleSequence,
        sampling: AccuracySampling
    ) throws {
        let equalIssue = settings.requested.sampleConcatenatePermutation
        var schedule = MersenneTwister(seed: settings.requested.scheduleRngSeed)
        let generateFor = chooser.generationDuration
        var leastCount = chooser.queryCount
        try Self.checkSize(settings: settings, chooser: chooser)
        let constantGap = settings.scenario == .server ? 0 : try Self.nanoseconds(1 / settings.targetQps)

        let logsSome = mode == .performanceOnly && sampling.probability > 0
        var timestamp: Int64 = 0
        var previous: Int64 = 0
        var count: UInt64 = 0
        while previous < generateFor || count < leastCount {
            guard indices.count + samplesPerQuery <= Self.sampleLimit else {
                throw LoadGenError.planTooLarge(reason: "a phase holds at most \(Self.sampleLimit) samples")
            }
            let first = indices.count
            try chooser.appendQuery(to: &indices)
            sequence.takeQuery()
            for slot in first..<indices.count {
                let value = sequence.takeSample()
                if logsSome && sampling.takes(value) {
                    loggedSamples.append(slot)
                }
            }
            scheduledOffsets.append(timestamp)
            previous = timestamp
            let gap =
                settings.scenario == .server
                ? try Self.nanoseconds(schedule.exponential(rate: settings.targetQps)) : constantGap
            let (later, overflow) = timestamp.addingReportingOverflow(gap)
            guard !overflow else {
                throw LoadGenError.planTooLarge(reason: "the schedule exceeds 292 years")
            }
            timestamp = later
            count += 1
            if equalIssue && settings.scenario != .offline && count >= leastCount && previous < generateFor {
                leastCount += UInt64(loaded.indices.count)
            }
        }
        generatedDuration = timestamp
        guard count > 0 else {
            throw LoadGenError.emptyPlan(
                reason: "\(loaded.indices.count) loaded samples do not fill one query of \(samplesPerQuery); set "
                    + "performance_sample_count_override to at most the number of samples in the library"
            )
        }
    }

    /// Refuses plans that would never end or never fit, before anything is allocated for them.
    private static func checkSize(settings: EffectiveSettings, chooser: SampleChooser) throws {
        let limit = Double(sampleLimit)
        let wanted = Double(chooser.queryCount) * Double(chooser.samplesPerQuery)
        guard wanted <= limit else {
            throw LoadGenError.planTooLarge(
                reason: "min_query_count asks for \(DefaultNumberFormat.text(wanted)) samples"
            )
        }
        guard chooser.generationDuration > 0 || settings.scenario == .server else { return }
        guard settings.targetQps > 0, settings.targetQps <= 1e9 else {
            throw LoadGenError.invalidSetting(
                name: "target_qps",
                value: DefaultNumberFormat.text(settings.targetQps),
                reason: "the rate must be above 0 and at most 1e9 per second, or the schedule has no gaps"
            )
        }
        let byTime = Double(chooser.generationDuration) / 1e9 * settings.targetQps * Double(chooser.samplesPerQuery)
        guard byTime <= limit else {
            throw LoadGenError.planTooLarge(
                reason: "target_qps and min_duration ask for \(DefaultNumberFormat.text(byTime)) samples"
            )
        }
    }

    private static func nanoseconds(_ seconds: Double) throws -> Int64 {
        let value = seconds * 1e9
        guard value.isFinite, abs(value) < 9e18 else {
            throw LoadGenError.invalidSetting(
                name: "target_qps",
                value: DefaultNumberFormat.text(1 / seconds),
                reason: "the gap between queries must be a finite number of nanoseconds"
            )
        }
        return Int64(value)
    }
}
