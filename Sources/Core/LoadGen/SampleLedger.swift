public import CPluginAPI
import Glibc
import Synchronization

/// Keeps account of every sample that is issued: who is under way, who has answered, and when.
///
/// The system under test reports through ``firstToken(_:_:)`` and ``complete(_:_:)``, from any thread. Both read the clock
/// once on entry, allocate nothing, format nothing and take no lock; only responses that are to be written are copied.
///
/// An id is `generation << 32 | slot + 1`, where every phase of every run in the process has a generation of its own. So an id
/// is checked and never trusted: one that was never issued, one from an earlier run and one that is complete are told apart.
public final class SampleLedger: @unchecked Sendable {
    // Unchecked because the slots are plain memory: each is written by the one thread that wins its state word.

    static let lastGeneration = Atomic<UInt32>(0)

    /// Counters lie one cache line apart, since different threads write them.
    enum Counter: Int, CaseIterable {
        case issued
        case completed
        case waitTarget
        case firstTokens
        case firstTokenSum
        case unknown
        case stale
        case double
        case firstTokenTwice
        case firstTokenLate
        case badArgument
        case failed
    }

    private static let counterStride = 8

    private let counters: UnsafeMutablePointer<Atomic<Int>>
    let wake: UnsafeMutablePointer<sem_t>
    let current = Atomic<UnsafeMutablePointer<LedgerPhase>?>(nil)
    let stopped = Atomic<Bool>(false)
    /// Generations below this are not this ledger's.
    let firstGeneration = Atomic<UInt32>(0)

    struct Memory {
        var storages: [LedgerStorage] = []
        var phases: [UnsafeMutablePointer<LedgerPhase>] = []
    }
    /// Touched by the thread that runs the test alone, and at the end of the ledger's life.
    var memory = Memory()

    /// Takes responses to the accuracy log; nil where none are kept.
    let mailbox = Mutex<ResponseMailbox?>(nil)

    /// An empty ledger.
    public init() {
        let count = Counter.allCases.count * Self.counterStride
        counters = .allocate(capacity: count)
        for i in 0..<count {
            (counters + i).initialize(to: Atomic(0))
        }
        wake = .allocate(capacity: 1)
        sem_init(wake, 0, 0)
    }

    deinit {
        counters.deinitialize(count: Counter.allCases.count * Self.counterStride)
        counters.deallocate()
        sem_destroy(wake)
        wake.deallocate()
        for storage in memory.storages {
            storage.deallocate()
        }
        for phase in memory.phases {
            phase.deallocate()
        }
    }

    @inline(__always)
    func counter(_ name: Counter) -> UnsafeMutablePointer<Atomic<Int>> {
        counters + name.rawValue * Self.counterStride
    }

    // MARK: - What the system under test calls

    /// Records the first token of each sample; see the plugin ABI's `first_token`.
    ///
    /// - Parameters:
    ///   - results: One entry per sample; `data` may hold the token for the accuracy log.
    ///   - count: How many entries.
    /// - Returns: `MLP_OK`, or the first bad entry's status; good entries count all the same.
    public func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        let now = MonotonicClock.now()
        guard count > 0 else { return Status.ok }
        guard let phase = current.load(ordering: .acquiring)?.pointee else {
            return refuse(.stale, Status.unknownSample)
        }
        guard let results, count <= UInt64(UInt32.max) else { return refuse(.badArgument, Status.invalidArgument) }
        var status = Status.ok
        var good = 0
        var sum = 0
        for i in 0..<Int(count) {
            let outcome = firstToken(results + i, phase, now, &sum)
            if outcome == Status.ok {
                good += 1
            } else if status == Status.ok {
                status = outcome
            }
        }
        if good > 0 {
            counter(.firstTokenSum).pointee.wrappingAdd(sum, ordering: .relaxed)
            counter(.firstTokens).pointee.wrappingAdd(good, ordering: .releasing)
        }
        return status
    }

    /// Records the answer to each sample; see the plugin ABI's `complete`.
    ///
    /// - Parameters:
    ///   - results: One entry per sample. A status other than `MLP_OK` marks the sample failed; it is complete all the same.
    ///   - count: How many entries.
    /// - Returns: `MLP_OK`, or the first bad entry's status; good entries count all the same.
    public func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        let now = MonotonicClock.now()
        guard count > 0 else { return Status.ok }
        guard let phase = current.load(ordering: .acquiring)?.pointee else {
            return refuse(.stale, Status.unknownSample)
        }
        guard let results, count <= UInt64(UInt32.max) else { return refuse(.badArgument, Status.invalidArgument) }
        var status = Status.ok
        var good = 0
        for i in 0..<Int(count) {
            var outcome = complete(results + i, phase, now, &good)
            if outcome == Status.ok, !results[i].data.isReadable {
                outcome = refuse(.badArgument, Status.invalidArgument)
            }
            if status == Status.ok {
                status = outcome
            }
        }
        if good > 0 {
            let before = counter(.completed).pointee.wrappingAdd(good, ordering: .sequentiallyConsistent).oldValue
            wakeIssuer(completed: before + good)
        }
        return status
    }

    enum Status {
        static let ok = mlp_status(MLP_OK)
        static let invalidArgument = mlp_status(MLP_INVALID_ARGUMENT)
        static let invalidState = mlp_status(MLP_INVALID_STATE)
        static let unknownSample = mlp_status(MLP_UNKNOWN_SAMPLE)
        static let alreadyComplete = mlp_status(MLP_ALREADY_COMPLETE)
    }

    func refuse(_ name: Counter, _ status: mlp_status) -> mlp_status {
        counter(name).pointee.wrappingAdd(1, ordering: .relaxed)
        return status
    }

    /// The slot that an id names, or nil (and a count) where it names none that was issued in this phase.
    @inline(__always)
    private func slot(of id: UInt64, in phase: LedgerPhase) -> Int? {
        let generation = UInt32(truncatingIfNeeded: id >> 32)
        let slot = Int(UInt32(truncatingIfNeeded: id)) - 1
        guard generation == phase.generation else {
            let isOwn = generation < phase.generation && generation >= firstGeneration.load(ordering: .relaxed)
            counter(isOwn && slot >= 0 ? .stale : .unknown).pointee.wrappingAdd(1, ordering: .relaxed)
            return nil
        }
        guard slot >= 0, slot < counter(.issued).pointee.load(ordering: .acquiring), slot < phase.count else {
            counter(.unknown).pointee.wrappingAdd(1, ordering: .relaxed)
            return nil
        }
        return slot
    }

    func firstToken(
        _ result: UnsafePointer<mlp_result>,
        _ phase: LedgerPhase,
        _ now: Int64,
        _ sum: inout Int
    ) -> mlp_status {
        guard let slot = slot(of: result.pointee.id, in: phase) else { return Status.unknownSample }
        let entry = phase.slots + slot
        var word = entry.pointee.state.load(ordering: .acquiring)
        while true {
            guard UInt32(truncatingIfNeeded: word >> 32) == phase.generation else {
                return refuse(.stale, Status.unknownSample)
            }
            guard word & SlotState.complete == 0 else { return refuse(.firstTokenLate, Status.alreadyComplete) }
            guard word & SlotState.firstTokenSeen == 0 else { return refuse(.firstTokenTwice, Status.invalidState) }
            let (exchanged, original) = entry.pointee.state.compareExchange(
                expected: word,
                desired: word | SlotState.firstTokenSeen,
                ordering: .acquiringAndReleasing
            )
            if exchanged { break }
            word = original
        }
        let latency = max(0, now - phase.scheduled[phase.query(of: slot)])
        entry.pointee.firstToken = latency
        sum &+= Int(latency)
        if word & SlotState.kept != 0 {
            keepFirstToken(result.pointee, slot: slot, phase)
        }
        return Status.ok
    }

    func complete(
        _ result: UnsafePointer<mlp_result>,
        _ phase: LedgerPhase,
        _ now: Int64,
        _ good: inout Int
    ) -> mlp_status {
        guard let slot = slot(of: result.pointee.id, in: phase) else { return Status.unknownSample }
        let entry = phase.slots + slot
        let failure = result.pointee.status == Status.ok ? 0 : SlotState.failed
        var word = entry.pointee.state.load(ordering: .acquiring)
        while true {
            guard UInt32(truncatingIfNeeded: word >> 32) == phase.generation else {
                return refuse(.stale, Status.unknownSample)
            }
            guard word & SlotState.complete == 0 else { return refuse(.double, Status.alreadyComplete) }
            let (exchanged, original) = entry.pointee.state.compareExchange(
                expected: word,
                desired: word | SlotState.complete | failure,
                ordering: .acquiringAndReleasing
            )
            if exchanged { break }
            word = original
        }
        entry.pointee.tokenCount = result.pointee.token_count
        entry.pointee.latency = max(0, now - phase.scheduled[phase.query(of: slot)])
        if failure != 0 {
            counter(.failed).pointee.wrappingAdd(1, ordering: .relaxed)
        }
        if word & SlotState.kept != 0 {
            keepResponse(result.pointee, slot: slot, phase)
        }
        good += 1
        return Status.ok
    }

    private func keepFirstToken(_ result: mlp_result, slot: Int, _ phase: LedgerPhase) {
        guard let box = mailbox.withLock({ $0 }) else { return }
        box.putFirstToken(sample: phase.firstSampleID + UInt64(slot), bytes: Self.bytes(of: result))
    }

    private func keepResponse(_ result: mlp_result, slot: Int, _ phase: LedgerPhase) {
        guard let box = mailbox.withLock({ $0 }) else { return }
        box.putResponse(
            sample: phase.firstSampleID + UInt64(slot),
            index: phase.samples[slot].index,
            bytes: Self.bytes(of: result),
            tokenCount: result.token_count
        )
    }

    private static func bytes(of result: mlp_result) -> UnsafeRawBufferPointer {
        guard let data = result.data.data, let size = Int(exactly: result.data.size) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: data, count: size)
    }

    private func wakeIssuer(completed: Int) {
        guard counter(.waitTarget).pointee.load(ordering: .sequentiallyConsistent) <= completed else { return }
        // Only one of several completing threads posts.
        let target = counter(.waitTarget).pointee.exchange(Int.max, ordering: .sequentiallyConsistent)
        if target <= completed {
            sem_post(wake)
        } else if target != Int.max {
            // The issuer moved on and waits for more: put its target back, unless it is reached by now.
            restore(target: target)
        }
    }

    private func restore(target: Int) {
        counter(.waitTarget).pointee.store(target, ordering: .sequentiallyConsistent)
        if counter(.completed).pointee.load(ordering: .sequentiallyConsistent) >= target {
            sem_post(wake)
        }
    }
}
