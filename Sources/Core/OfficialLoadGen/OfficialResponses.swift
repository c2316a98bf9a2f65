import COfficialLoadGen
import CPluginAPI
import Glibc
import Synchronization

/// Stands between a plugin and the official library: the ledger checks every answer, and each valid one is passed on once.
///
/// The official ids are addresses of records: a forged, late or second one would write into memory that is not there. Plugins
/// therefore see the ledger's ids, and only the thread that wins a slot's state in the ledger passes that slot's answer on. The
/// library frees the records of a phase when it has had the answer to every sample, so an answer that was won holds them alive.
///
/// Passing on allocates nothing and takes no lock.
final class OfficialResponses: ResponseSink, @unchecked Sendable {
    // Unchecked because ids are written by the issuing thread before the ledger publishes their slots.

    /// Answers are passed on in groups; an array of this size still lies on the stack.
    private static let group = 32

    private struct Ids {
        let capacity: Int
        let official: UnsafeMutablePointer<UInt64>
        /// Threads that are passing on, or about to pass on, the slot's first token.
        let firstTokens: UnsafeMutablePointer<Atomic<UInt32>>
    }

    private let ledger: SampleLedger
    private let api: UnsafePointer<olg_api>
    private let current = Atomic<UnsafeMutablePointer<Ids>?>(nil)
    private var memory: [UnsafeMutablePointer<Ids>] = []
    private let inFlight = Atomic<Int>(0)
    private let isClosed = Atomic<Bool>(false)

    init(_ ledger: SampleLedger, _ api: UnsafePointer<olg_api>) {
        self.ledger = ledger
        self.api = api
    }

    deinit {
        for ids in memory {
            ids.pointee.official.deallocate()
            ids.pointee.firstTokens.deinitialize(count: ids.pointee.capacity)
            ids.pointee.firstTokens.deallocate()
            ids.deallocate()
        }
    }

    /// Makes room for the ids of a phase; the memory of earlier phases stays, since a late answer may still look at it.
    func reserve(_ count: Int) {
        if let last = current.load(ordering: .relaxed), last.pointee.capacity >= count { return }
        let ids = UnsafeMutablePointer<Ids>.allocate(capacity: 1)
        let firstTokens = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: count)
        for slot in 0..<count { (firstTokens + slot).initialize(to: Atomic(0)) }
        let official = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        official.initialize(repeating: 0, count: count)
        ids.initialize(to: Ids(capacity: count, official: official, firstTokens: firstTokens))
        memory.append(ids)
        current.store(ids, ordering: .sequentiallyConsistent)
    }

    /// Notes the official id of a slot, before the ledger marks it as issued.
    @inline(__always)
    func set(_ id: UInt64, slot: Int) {
        current.load(ordering: .relaxed)?.pointee.official[slot] = id
    }

    /// Passes nothing on any more, and returns when nobody is about to: the official records may go.
    func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        while inFlight.load(ordering: .sequentiallyConsistent) > 0 {
            MonotonicClock.sleep(until: MonotonicClock.now() + 50_000)
        }
    }

    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        pass(results, count, isFirstToken: true)
    }

    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        pass(results, count, isFirstToken: false)
    }

    @inline(__always)
    private func pass(
        _ results: UnsafePointer<mlp_result>?,
        _ count: UInt64,
        isFirstToken: Bool
    ) -> mlp_status {
        inFlight.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { inFlight.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        guard !isClosed.load(ordering: .sequentiallyConsistent), count > 0, let results,
            let phase = ledger.current.load(ordering: .acquiring)?.pointee,
            let ids = current.load(ordering: .acquiring)?.pointee, count <= UInt64(UInt32.max)
        else {
            return isFirstToken ? ledger.firstToken(results, count) : ledger.complete(results, count)
        }
        let now = MonotonicClock.now()
        return withUnsafeTemporaryAllocation(of: olg_response.self, capacity: Self.group) { group in
            var status = SampleLedger.Status.ok
            var place = 0
            while place < Int(count) {
                let end = min(Int(count), place + Self.group)
                let part = results + place
                let outcome =
                    isFirstToken
                    ? passFirstTokens(part, end - place, phase, ids, now, group)
                    : passCompletions(part, end - place, phase, ids, now, group)
                if status == SampleLedger.Status.ok { status = outcome }
                place = end
            }
            return status
        }
    }

    private func passFirstTokens(
        _ results: UnsafePointer<mlp_result>,
        _ count: Int,
        _ phase: LedgerPhase,
        _ ids: Ids,
        _ now: Int64,
        _ group: UnsafeMutableBufferPointer<olg_response>
    ) -> mlp_status {
        var status = SampleLedger.Status.ok
        var sum = 0
        var good = 0
        var passed: UInt32 = 0
        for i in 0..<count {
            // A completion of the same sample that comes from another thread waits until its first token has been passed on.
            let slot = Self.slot(of: results[i].id)
            let isKnown = slot >= 0 && slot < ids.capacity
            if isKnown { ids.firstTokens[slot].wrappingAdd(1, ordering: .sequentiallyConsistent) }
            let outcome = ledger.firstToken(results + i, phase, now, &sum)
            if outcome == SampleLedger.Status.ok, isKnown {
                group[good] = Self.response(results[i], ids.official[slot])
                good += 1
                passed |= 1 << UInt32(i)
            } else {
                if isKnown { ids.firstTokens[slot].wrappingSubtract(1, ordering: .sequentiallyConsistent) }
                if status == SampleLedger.Status.ok { status = outcome }
            }
        }
        guard good > 0 else { return status }
        ledger.counter(.firstTokenSum).pointee.wrappingAdd(sum, ordering: .relaxed)
        ledger.counter(.firstTokens).pointee.wrappingAdd(good, ordering: .releasing)
        api.pointee.first_tokens(group.baseAddress, UInt64(good))
        for i in 0..<count where passed & 1 << UInt32(i) != 0 {
            ids.firstTokens[Self.slot(of: results[i].id)].wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
        return status
    }

    private func passCompletions(
        _ results: UnsafePointer<mlp_result>,
        _ count: Int,
        _ phase: LedgerPhase,
        _ ids: Ids,
        _ now: Int64,
        _ group: UnsafeMutableBufferPointer<olg_response>
    ) -> mlp_status {
        var status = SampleLedger.Status.ok
        var good = 0
        var won = 0
        for i in 0..<count {
            let before = good
            var outcome = ledger.complete(results + i, phase, now, &good)
            let slot = Self.slot(of: results[i].id)
            if good > before, slot < ids.capacity {
                while ids.firstTokens[slot].load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
                group[won] = Self.response(results[i], ids.official[slot])
                won += 1
                if !results[i].data.isReadable {
                    outcome = ledger.refuse(.badArgument, SampleLedger.Status.invalidArgument)
                }
            }
            if status == SampleLedger.Status.ok { status = outcome }
        }
        guard won > 0 else { return status }
        // Before the library hears of them: afterwards the next phase may have begun.
        ledger.counter(.completed).pointee.wrappingAdd(won, ordering: .sequentiallyConsistent)
        api.pointee.complete_samples(group.baseAddress, UInt64(won))
        return status
    }

    @inline(__always)
    private static func slot(of id: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: id)) - 1 }

    @inline(__always)
    private static func response(_ result: mlp_result, _ id: UInt64) -> olg_response {
        let isReadable = result.data.isReadable
        return olg_response(
            id: id,
            data: isReadable ? result.data.data : nil,
            size: isReadable ? result.data.size : 0,
            n_tokens: Int64(truncatingIfNeeded: result.token_count)
        )
    }
}
