@testable import Core
import COfficialLoadGen
import CPluginAPI
import Glibc
import MallocCounter
import Synchronization
import Testing

/// What stands between a plugin and the official library, here with a library that only counts.
@Suite(.serialized) struct OfficialResponsesTests {
    private static let counterWorks = malloc_counter_works() == 1
    private static let base: UInt64 = 1_000_000
    private static let limit = 20_000

    /// Per sample of the pretended library: answers that reached it, and whether a first token came after one.
    private struct Arrivals: @unchecked Sendable {
        let completions: UnsafeMutablePointer<Atomic<Int>>
        let firstTokens: UnsafeMutablePointer<Atomic<Int>>
        let strangers = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
        let late = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)

        init() {
            completions = .allocate(capacity: limit)
            firstTokens = .allocate(capacity: limit)
            for i in 0..<limit {
                (completions + i).initialize(to: Atomic(0))
                (firstTokens + i).initialize(to: Atomic(0))
            }
            strangers.initialize(to: Atomic(0))
            late.initialize(to: Atomic(0))
        }

        func clear() {
            for i in 0..<limit {
                completions[i].store(0, ordering: .relaxed)
                firstTokens[i].store(0, ordering: .relaxed)
            }
            strangers.pointee.store(0, ordering: .relaxed)
            late.pointee.store(0, ordering: .relaxed)
        }
    }
    private static let arrivals = Arrivals()

    private nonisolated(unsafe) static let api: UnsafePointer<olg_api> = {
        var api = olg_api()
        api.first_tokens = { responses, count in
            for i in 0..<Int(count) {
                guard let id = responses?[i].id, id >= base, id < base + UInt64(limit) else {
                    arrivals.strangers.pointee.wrappingAdd(1, ordering: .relaxed)
                    continue
                }
                // The real library's record of a sample may be gone once its completion has arrived.
                for _ in 0..<50 {
                    if arrivals.completions[Int(id - base)].load(ordering: .sequentiallyConsistent) > 0 {
                        arrivals.late.pointee.wrappingAdd(1, ordering: .relaxed)
                    }
                }
                arrivals.firstTokens[Int(id - base)].wrappingAdd(1, ordering: .relaxed)
            }
        }
        api.complete_samples = { responses, count in
            for i in 0..<Int(count) {
                guard let id = responses?[i].id, id >= base, id < base + UInt64(limit) else {
                    arrivals.strangers.pointee.wrappingAdd(1, ordering: .relaxed)
                    continue
                }
                arrivals.completions[Int(id - base)].wrappingAdd(1, ordering: .sequentiallyConsistent)
            }
        }
        let place = UnsafeMutablePointer<olg_api>.allocate(capacity: 1)
        place.initialize(to: api)
        return UnsafePointer(place)
    }()

    /// A ledger with samples under way, and what passes their answers on.
    private func open(_ count: Int) throws -> (SampleLedger, OfficialResponses, [UInt64]) {
        Self.arrivals.clear()
        let ledger = SampleLedger()
        var settings = shortSettings(.server, queries: UInt64(count))
        settings.serverTargetQps = 1000
        let effective = try EffectiveSettings(settings, performanceCount: 8, totalCount: 8)
        let set = LoadableSet.sets(settings: effective, totalCount: 8, mode: .performanceOnly)[0]
        var sequence = SampleSequence()
        let plan = try QueryPlan(settings: effective, loaded: set, mode: .performanceOnly, sequence: &sequence)
        ledger.prepare(plan, keepsAll: false, mailbox: nil)
        let responses = OfficialResponses(ledger, Self.api)
        responses.reserve(count)
        for slot in 0..<count { responses.set(Self.base + UInt64(slot), slot: slot) }
        ledger.markIssued(through: count)
        let phase = try #require(ledger.phase)
        return (ledger, responses, (0..<count).map { phase.samples[$0].id })
    }

    private func results(_ ids: some Sequence<UInt64>) -> [mlp_result] {
        ids.map { id in
            var result = mlp_result()
            result.id = id
            result.token_count = 5
            return result
        }
    }

    @Test func whatIsNotTheSamplesOwnAnswerDoesNotReachTheLibrary() throws {
        let (ledger, responses, ids) = try open(100)
        let good = results(ids)
        #expect(responses.complete(good, 100) == mlp_status(MLP_OK))
        #expect(responses.complete(good, 100) == mlp_status(MLP_ALREADY_COMPLETE))
        #expect(responses.firstToken(good, 1) == mlp_status(MLP_ALREADY_COMPLETE))
        // An id of the library's own, one of no slot, one of another generation, and none.
        for forged in [Self.base, ids[99] + 1, ids[0] + 1 << 32, ids[0] &- 1 << 32, 0, .max] {
            let bad = results([forged])
            #expect(responses.complete(bad, 1) == mlp_status(MLP_UNKNOWN_SAMPLE))
            #expect(responses.firstToken(bad, 1) == mlp_status(MLP_UNKNOWN_SAMPLE))
        }
        #expect(responses.complete(nil, 4) == mlp_status(MLP_INVALID_ARGUMENT))
        #expect((0..<100).allSatisfy { Self.arrivals.completions[$0].load(ordering: .relaxed) == 1 })
        #expect(Self.arrivals.strangers.pointee.load(ordering: .relaxed) == 0)
        #expect(ledger.completedCount == 100 && ledger.misuse.double == 100 && ledger.misuse.badArguments == 1)
    }

    @Test func afterTheEndNothingIsPassedOn() throws {
        let (ledger, responses, ids) = try open(10)
        responses.close()
        let late = results(ids)
        #expect(responses.firstToken(late, 10) == mlp_status(MLP_OK))
        #expect(responses.complete(late, 10) == mlp_status(MLP_OK))
        #expect(ledger.completedCount == 10)
        for i in 0..<10 {
            #expect(Self.arrivals.completions[i].load(ordering: .relaxed) == 0)
            #expect(Self.arrivals.firstTokens[i].load(ordering: .relaxed) == 0)
        }
    }

    /// Whoever comes first: one completion, at most one first token, and none behind the completion.
    @Test func threadsThatAllAnswerEverythingAreHeardOnce() throws {
        let (ledger, responses, ids) = try open(Self.limit)
        let threads = try (0..<6).map { number in
            try BackgroundThread {
                var place = 0
                while place < ids.count {
                    let part = results(ids[place..<min(ids.count, place + 7)])
                    if number % 2 == 0 { _ = responses.firstToken(part, UInt64(part.count)) }
                    if number % 3 != 0 { _ = responses.complete(part, UInt64(part.count)) }
                    place += 7
                }
            }
        }
        for thread in threads { thread.join() }
        #expect((0..<Self.limit).allSatisfy { Self.arrivals.completions[$0].load(ordering: .relaxed) == 1 })
        #expect((0..<Self.limit).allSatisfy { Self.arrivals.firstTokens[$0].load(ordering: .relaxed) <= 1 })
        #expect(Self.arrivals.late.pointee.load(ordering: .relaxed) == 0)
        #expect(ledger.completedCount == Self.limit)
    }

    @Test(.enabled(if: counterWorks, "a sanitizer has replaced malloc"))
    func passingOnAllocatesNothing() throws {
        let (_, responses, ids) = try open(5000)
        let all = results(ids)
        var before: UInt64 = 0
        all.withUnsafeBufferPointer { all in
            guard let start = all.baseAddress else { return }
            for place in stride(from: 0, to: 5000, by: 50) {
                if place == 500 { before = UInt64(malloc_counter_thread_allocations()) }
                _ = responses.firstToken(start + place, 50)
                _ = responses.complete(start + place, 50)
            }
        }
        #expect(UInt64(malloc_counter_thread_allocations()) == before)
        #expect(Self.arrivals.completions[4999].load(ordering: .relaxed) == 1)
    }
}
