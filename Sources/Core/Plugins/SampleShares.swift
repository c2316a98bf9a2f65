import Synchronization

/// Who of several instances gets which sample, and how much each has under way.
///
/// One thread gives samples out; any thread reports them finished.  Neither allocates or takes a lock: the low half of a
/// sample's id is its slot and 1, as ``SampleLedger`` makes ids, and the slot knows the instance and the tokens; what an
/// instance has under way lies on a cache line of its own.
final class SampleShares: @unchecked Sendable {
    // Unchecked because of the plain memory that the issuing thread alone touches.

    /// How a sample that was reported finished stands with this account.
    enum Finish: Sendable {
        /// It was the instance's, and is off its account.
        case counted
        /// It is another instance's.
        case foreign
        /// It was never given out, or is finished already: the ledger's business.
        case unknown
    }

    private struct Slot: ~Copyable {
        /// The id that the slot stands for; 0: none.
        let id = Atomic<UInt64>(0)
        /// `instance << tokenBits | tokens`.
        let share = Atomic<UInt64>(0)
    }
    private struct Table {
        var slots: UnsafeMutablePointer<Slot>
        var count: Int
    }
    private enum Counter: Int { case samples, tokens, given }
    private static let tokenBits: UInt64 = 40
    private static let mostTokens: UInt64 = 1 << tokenBits - 1
    private static let counterStride = 16

    /// Number of instances.
    let instanceCount: Int
    /// Whether `give` needs the tokens.
    let countsTokens: Bool
    private let policy: SharingPolicy
    private let counters: UnsafeMutablePointer<Atomic<Int>>
    private let table = Atomic<UnsafeMutablePointer<Table>?>(nil)
    /// Every table so far: a late result may still be looking at an earlier one.
    private var tables: [UnsafeMutablePointer<Table>] = []
    // For round_robin, and for the window of the tokens.
    private var next = 0
    private let window: Int
    private let recent: UnsafeMutableBufferPointer<UInt64>
    private let recentSums: UnsafeMutableBufferPointer<UInt64>

    /// Instances with nothing under way.
    init(instances: Int, policy: SharingPolicy) {
        instanceCount = instances
        self.policy = policy
        countsTokens = policy.countsTokens
        counters = .allocate(capacity: instances * Self.counterStride)
        for place in 0..<(instances * Self.counterStride) { (counters + place).initialize(to: Atomic(0)) }
        if case .shortestQueueWithTokens(_, let samples) = policy { window = samples } else { window = 0 }
        recent = .allocate(capacity: instances * window)
        recent.initialize(repeating: 0)
        recentSums = .allocate(capacity: instances)
        recentSums.initialize(repeating: 0)
    }

    deinit {
        for table in tables {
            table.pointee.slots.deinitialize(count: table.pointee.count)
            table.pointee.slots.deallocate()
            table.deallocate()
        }
        counters.deinitialize(count: instanceCount * Self.counterStride)
        counters.deallocate()
        recent.deallocate()
        recentSums.deallocate()
    }

    @inline(__always)
    private func counter(_ name: Counter, _ instance: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        counters + instance * Self.counterStride + name.rawValue
    }

    /// Makes room for ids of up to `count` slots, before any of them is given out.
    func reserve(slots count: Int) {
        guard count > tables.last?.pointee.count ?? 0 else { return }
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        for place in 0..<count { (slots + place).initialize(to: Slot()) }
        let made = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        made.initialize(to: Table(slots: slots, count: count))
        tables.append(made)
        table.store(made, ordering: .releasing)
    }

    @inline(__always)
    private func slot(of id: UInt64) -> UnsafeMutablePointer<Slot>? {
        guard let table = table.load(ordering: .acquiring)?.pointee else { return nil }
        let slot = Int(UInt32(truncatingIfNeeded: id)) - 1
        return slot >= 0 && slot < table.count ? table.slots + slot : nil
    }

    // MARK: The issuing thread

    /// Chooses the instance for a sample and puts the sample on its account.
    ///
    /// - Parameters:
    ///   - id: The sample's.
    ///   - tokens: Tokens of its prompt; 0 where they are not known.
    /// - Returns: The instance, or nil where no slot was reserved for the id.
    func give(_ id: UInt64, tokens: UInt64) -> Int? {
        guard let slot = slot(of: id) else { return nil }
        let tokens = min(tokens, Self.mostTokens)
        let instance = choose()
        slot.pointee.share.store(UInt64(instance) << Self.tokenBits | tokens, ordering: .relaxed)
        slot.pointee.id.store(id, ordering: .releasing)
        counter(.samples, instance).pointee.wrappingAdd(1, ordering: .relaxed)
        counter(.tokens, instance).pointee.wrappingAdd(Int(tokens), ordering: .relaxed)
        let given = counter(.given, instance).pointee.wrappingAdd(1, ordering: .relaxed).oldValue
        if window > 0 {
            let place = instance * window + given % window
            recentSums[instance] = recentSums[instance] - recent[place] + tokens
            recent[place] = tokens
        }
        return instance
    }

    private func choose() -> Int {
        switch policy {
        case .roundRobin:
            defer { next = next + 1 == instanceCount ? 0 : next + 1 }
            return next
        case .shortestQueue:
            return least { Double(outstandingSamples($0)) }
        case .shortestQueueWithTokens(let weight, let window):
            return least { instance in
                let tokens = window > 0 ? Double(recentSums[instance]) : Double(outstandingTokens(instance))
                return Double(outstandingSamples(instance)) + weight * tokens
            }
        }
    }

    /// The instance with the least load; of several the one that was given the fewest samples, of those the first.
    @inline(__always)
    private func least(_ load: (Int) -> Double) -> Int {
        var best = 0
        var lowest = load(0)
        for instance in 1..<instanceCount {
            let candidate = load(instance)
            if candidate < lowest || (candidate == lowest && givenSamples(instance) < givenSamples(best)) {
                best = instance
                lowest = candidate
            }
        }
        return best
    }

    // MARK: Any thread

    /// Takes a sample off an instance's account.
    @discardableResult
    func finish(_ id: UInt64, by instance: Int) -> Finish {
        guard id != 0, let slot = slot(of: id), slot.pointee.id.load(ordering: .acquiring) == id else {
            return .unknown
        }
        let share = slot.pointee.share.load(ordering: .relaxed)
        let owner = Int(share >> Self.tokenBits)
        guard owner == instance else { return .foreign }
        // Whoever takes the id away counts: of two threads that report the same sample, one.
        let exchange = slot.pointee.id.compareExchange(expected: id, desired: 0, ordering: .acquiringAndReleasing)
        guard exchange.exchanged else { return .unknown }
        counter(.samples, owner).pointee.wrappingSubtract(1, ordering: .relaxed)
        counter(.tokens, owner).pointee.wrappingSubtract(Int(share & Self.mostTokens), ordering: .relaxed)
        return .counted
    }

    /// The instance that has a sample under way.
    func owner(of id: UInt64) -> Int? {
        guard id != 0, let slot = slot(of: id), slot.pointee.id.load(ordering: .acquiring) == id else { return nil }
        return Int(slot.pointee.share.load(ordering: .relaxed) >> Self.tokenBits)
    }

    /// Samples that an instance was given and has not finished.
    func outstandingSamples(_ instance: Int) -> Int { counter(.samples, instance).pointee.load(ordering: .relaxed) }
    /// Their prompt tokens.
    func outstandingTokens(_ instance: Int) -> Int { counter(.tokens, instance).pointee.load(ordering: .relaxed) }
    /// Samples that an instance was given.
    func givenSamples(_ instance: Int) -> Int { counter(.given, instance).pointee.load(ordering: .relaxed) }
}
