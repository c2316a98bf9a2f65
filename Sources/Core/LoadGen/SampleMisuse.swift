/// What a system under test did that the contract forbids, and the samples it failed; any of it voids the run.
public struct SampleMisuse: Sendable, Equatable {
    /// Ids that were never issued.
    public var unknown = 0
    /// Ids of an earlier run or phase.
    public var stale = 0
    /// Samples completed again.
    public var double = 0
    /// First tokens reported again.
    public var firstTokenTwice = 0
    /// First tokens of samples that were complete.
    public var firstTokenLate = 0
    /// Calls without results, or data without an address.
    public var badArguments = 0
    /// Samples that the system reported as failed.
    public var failed = 0

    /// Why the run is void, a sentence per kind; empty if all is well.
    public var reasons: [String] {
        let kinds: [(Int, String)] = [
            (unknown, "Answers with an id that was never issued"),
            (stale, "Answers with an id from an earlier run"),
            (double, "Samples completed a second time"),
            (firstTokenTwice, "Samples with a second first token"),
            (firstTokenLate, "First tokens after completion"),
            (badArguments, "Answers without results or data"),
            (failed, "Samples that the system under test reported as failed"),
        ]
        return kinds.filter { $0.0 > 0 }.map { "\($0.1): \($0.0)." }
    }
}

/// Samples that were issued and not answered.
public struct OutstandingSamples: Sendable {
    /// One of them.
    public struct Sample: Sendable {
        /// Its id.
        public var id: UInt64
        /// Its index in the library.
        public var index: UInt64
        /// Nanoseconds since it was due.
        public var age: Int64
        /// Whether its first token came.
        public var sawFirstToken: Bool
    }

    /// How many there are.
    public var count = 0
    /// The first of them, in the order of issue.
    public var first: [Sample] = []
}
