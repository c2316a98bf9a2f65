import Synchronization

/// One sample's state and times while it is under way.
struct LedgerSlot: ~Copyable {
    /// Generation in the upper half; below it the flags of ``SlotState``.
    let state: Atomic<UInt64>
    /// Nanoseconds from the scheduled time to the answer, negative while there is none.
    var latency: Int64 = -1
    /// Nanoseconds from the scheduled time to the first token, negative while there is none.
    var firstToken: Int64 = -1
    /// Tokens of the answer.
    var tokenCount: UInt64 = 0

    init(state: UInt64) {
        self.state = Atomic(state)
    }
}

/// The lower half of a slot's state word.
enum SlotState {
    /// Planned or issued; which of the two tells the count of issued samples.
    static let open: UInt64 = 0
    static let firstTokenSeen: UInt64 = 1
    static let complete: UInt64 = 2
    /// The response goes to the accuracy log.
    static let kept: UInt64 = 4
    /// The system reported failure for this sample.
    static let failed: UInt64 = 8
}

/// What a completing thread needs to know of the phase that is running; it stays in memory as long as the ledger.
struct LedgerPhase {
    var generation: UInt32
    var count: Int
    var samplesPerQuery: Int
    var firstSampleID: UInt64
    var slots: UnsafeMutablePointer<LedgerSlot>
    var samples: UnsafeMutablePointer<IssuedSample>
    /// Per query, absolute nanoseconds.
    var scheduled: UnsafeMutablePointer<Int64>
    /// Per query, absolute nanoseconds.
    var issued: UnsafeMutablePointer<Int64>

    func query(of slot: Int) -> Int {
        samplesPerQuery == 1 ? slot : slot / samplesPerQuery
    }
}

/// Memory for the samples and queries of a phase, used again for the next if it is large enough.
struct LedgerStorage {
    /// Samples that it holds.
    let sampleCapacity: Int
    /// Queries that it holds.
    let queryCapacity: Int
    let slots: UnsafeMutablePointer<LedgerSlot>
    let samples: UnsafeMutablePointer<IssuedSample>
    let scheduled: UnsafeMutablePointer<Int64>
    let issued: UnsafeMutablePointer<Int64>

    init(sampleCapacity: Int, queryCapacity: Int) {
        self.sampleCapacity = sampleCapacity
        self.queryCapacity = queryCapacity
        slots = .allocate(capacity: sampleCapacity)
        samples = .allocate(capacity: sampleCapacity)
        scheduled = .allocate(capacity: queryCapacity)
        issued = .allocate(capacity: queryCapacity)
        for i in 0..<sampleCapacity {
            (slots + i).initialize(to: LedgerSlot(state: 0))
        }
        samples.initialize(repeating: IssuedSample(id: 0, index: 0), count: sampleCapacity)
        scheduled.initialize(repeating: 0, count: queryCapacity)
        issued.initialize(repeating: 0, count: queryCapacity)
    }

    func deallocate() {
        slots.deinitialize(count: sampleCapacity)
        slots.deallocate()
        samples.deallocate()
        scheduled.deallocate()
        issued.deallocate()
    }
}
