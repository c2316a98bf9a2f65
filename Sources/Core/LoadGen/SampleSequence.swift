/// Numbers queries and samples through the whole of a test, over all its sets and phases.
public struct SampleSequence: Sendable {
    /// The next query's number.
    public private(set) var nextQueryID: UInt64 = 0
    /// The next sample's number, `seq_id` in the accuracy log.
    public private(set) var nextSampleID: UInt64 = 0

    /// One value per sample decides whether its response is logged.
    ///
    /// The official generator is never seeded from the
    /// settings, so its seed is the engine's default in every run.
    private var accuracyRandom = MersenneTwister(seed: 5489)

    /// A sequence at the start of a test.
    public init() {}

    mutating func takeQuery() {
        nextQueryID += 1
    }

    mutating func takeSample() -> Double {
        nextSampleID += 1
        return accuracyRandom.canonical()
    }
}
