import Glibc
import Synchronization

/// What the run calls, from the one thread that conducts it.
extension SampleLedger {
    /// Forgets what an earlier run left behind: its stop and its offences.
    func begin() {
        stopped.store(false, ordering: .sequentiallyConsistent)
        while sem_trywait(wake) == 0 {}
        for name in Counter.allCases {
            counter(name).pointee.store(0, ordering: .relaxed)
        }
        counter(.waitTarget).pointee.store(Int.max, ordering: .relaxed)
    }

    /// Makes room for the samples of a phase and gives them ids.
    func prepare(_ plan: QueryPlan, keepsAll: Bool, mailbox box: ResponseMailbox?) {
        current.store(nil, ordering: .sequentiallyConsistent)
        let count = plan.indices.count
        let storage: LedgerStorage
        let queries = plan.queryCount
        if let last = memory.storages.last, last.sampleCapacity >= count, last.queryCapacity >= queries {
            storage = last
        } else {
            storage = LedgerStorage(sampleCapacity: count, queryCapacity: queries)
            memory.storages.append(storage)
        }
        let generation = Self.lastGeneration.wrappingAdd(1, ordering: .relaxed).newValue
        _ = firstGeneration.compareExchange(expected: 0, desired: generation, ordering: .relaxed)
        let word = UInt64(generation) << 32
        for slot in 0..<count {
            let entry = storage.slots + slot
            entry.pointee.latency = -1
            entry.pointee.firstToken = -1
            entry.pointee.tokenCount = 0
            entry.pointee.state.store(keepsAll ? word | SlotState.kept : word, ordering: .relaxed)
            storage.samples[slot] = IssuedSample(id: word | UInt64(slot + 1), index: plan.indices[slot])
        }
        if !keepsAll {
            for slot in plan.loggedSamples {
                storage.slots[slot].state.store(word | SlotState.kept, ordering: .relaxed)
            }
        }
        let phase = UnsafeMutablePointer<LedgerPhase>.allocate(capacity: 1)
        phase.initialize(
            to: LedgerPhase(
                generation: generation,
                count: count,
                samplesPerQuery: plan.samplesPerQuery,
                firstSampleID: plan.firstSampleID,
                slots: storage.slots,
                samples: storage.samples,
                scheduled: storage.scheduled,
                issued: storage.issued
            )
        )
        memory.phases.append(phase)
        mailbox.withLock { $0 = box }
        for name in [Counter.issued, .completed, .firstTokens, .firstTokenSum] {
            counter(name).pointee.store(0, ordering: .relaxed)
        }
        counter(.waitTarget).pointee.store(Int.max, ordering: .relaxed)
        current.store(phase, ordering: .sequentiallyConsistent)
    }

    /// Ends the phase: from now on every id is one of an earlier run.
    func retire() {
        current.store(nil, ordering: .sequentiallyConsistent)
        mailbox.withLock { $0 = nil }
    }

    /// The phase under way, if there is one.
    var phase: LedgerPhase? {
        current.load(ordering: .acquiring)?.pointee
    }

    /// Publishes the samples of queries up to `sampleCount` as issued.
    @inline(__always)
    func markIssued(through sampleCount: Int) {
        counter(.issued).pointee.store(sampleCount, ordering: .releasing)
    }

    var issuedCount: Int { counter(.issued).pointee.load(ordering: .acquiring) }
    var completedCount: Int { counter(.completed).pointee.load(ordering: .acquiring) }
    var firstTokenCount: Int { counter(.firstTokens).pointee.load(ordering: .acquiring) }
    var firstTokenSum: Int { counter(.firstTokenSum).pointee.load(ordering: .relaxed) }
    var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Wakes the issuer for good.
    func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        sem_post(wake)
    }

    /// Blocks until so many samples of the phase are complete.
    ///
    /// - Returns: False where ``stop()`` ended the wait.
    func wait(completed target: Int) -> Bool {
        while completedCount < target {
            if isStopped { return false }
            counter(.waitTarget).pointee.store(target, ordering: .sequentiallyConsistent)
            if counter(.completed).pointee.load(ordering: .sequentiallyConsistent) >= target { break }
            while sem_wait(wake) != 0 && errno == EINTR {}
        }
        counter(.waitTarget).pointee.store(Int.max, ordering: .relaxed)
        return !isStopped
    }

    /// Blocks until `deadline`, sleeping first and spinning through the last `spin` nanoseconds.
    ///
    /// - Returns: The time at the end of the wait, or nil where ``stop()`` ended it.
    func sleep(until deadline: Int64, spin: Int64) -> Int64? {
        while true {
            let now = MonotonicClock.now()
            if isStopped { return nil }
            if now >= deadline { return now }
            guard deadline - now > spin else { continue }
            // In pieces, so that a stop is noticed soon.
            MonotonicClock.sleep(until: min(deadline - spin, now + 20_000_000))
        }
    }

    /// What the system under test did wrong so far, over all phases.
    var misuse: SampleMisuse {
        func count(_ name: Counter) -> Int { counter(name).pointee.load(ordering: .acquiring) }
        return SampleMisuse(
            unknown: count(.unknown),
            stale: count(.stale),
            double: count(.double),
            firstTokenTwice: count(.firstTokenTwice),
            firstTokenLate: count(.firstTokenLate),
            badArguments: count(.badArgument),
            failed: count(.failed)
        )
    }

    /// Samples that were issued and not answered: how many, and the first of them.
    func outstanding(limit: Int) -> OutstandingSamples {
        guard let phase else { return OutstandingSamples() }
        let now = MonotonicClock.now()
        var result = OutstandingSamples()
        for slot in 0..<min(issuedCount, phase.count) {
            let word = phase.slots[slot].state.load(ordering: .acquiring)
            guard word & SlotState.complete == 0 else { continue }
            result.count += 1
            guard result.first.count < limit else { continue }
            result.first.append(
                OutstandingSamples.Sample(
                    id: phase.samples[slot].id,
                    index: phase.samples[slot].index,
                    age: now - phase.scheduled[phase.query(of: slot)],
                    sawFirstToken: word & SlotState.firstTokenSeen != 0
                )
            )
        }
        return result
    }
}
