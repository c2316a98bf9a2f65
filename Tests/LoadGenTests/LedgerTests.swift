@testable import Core
import CPluginAPI
import Synchronization
import Testing

/// The ledger's checks on ids, and what it refuses.
@Suite struct LedgerTests {
    private let ok = mlp_status(MLP_OK)
    private let unknown = mlp_status(MLP_UNKNOWN_SAMPLE)
    private let already = mlp_status(MLP_ALREADY_COMPLETE)
    private let invalidState = mlp_status(MLP_INVALID_STATE)
    private let invalidArgument = mlp_status(MLP_INVALID_ARGUMENT)

    /// A ledger with `count` samples planned, `issued` of them issued.
    private func ledger(count: UInt64, issued: Int) throws -> SampleLedger {
        let ledger = SampleLedger()
        try prepare(ledger, count: count, issued: issued)
        return ledger
    }

    private func prepare(_ ledger: SampleLedger, count: UInt64, issued: Int) throws {
        var settings = TestSettings()
        settings.scenario = .server
        settings.serverTargetQps = 1000
        settings.minDurationMs = 0
        settings.minQueryCount = count
        let effective = try EffectiveSettings(settings, performanceCount: 8, totalCount: 8)
        let set = LoadableSet.sets(settings: effective, totalCount: 8, mode: .performanceOnly)[0]
        var sequence = SampleSequence()
        let plan = try QueryPlan(settings: effective, loaded: set, mode: .performanceOnly, sequence: &sequence)
        ledger.prepare(plan, keepsAll: false, mailbox: nil)
        ledger.markIssued(through: issued)
    }

    private func ids(_ ledger: SampleLedger) throws -> [UInt64] {
        let phase = try #require(ledger.phase)
        return (0..<phase.count).map { phase.samples[$0].id }
    }

    private func complete(_ ledger: SampleLedger, _ ids: [UInt64], status: mlp_status = 0) -> mlp_status {
        let results = ids.map { id in
            var result = mlp_result()
            result.id = id
            result.status = status
            return result
        }
        return ledger.complete(results, UInt64(results.count))
    }

    private func firstToken(_ ledger: SampleLedger, _ id: UInt64) -> mlp_status {
        var result = mlp_result()
        result.id = id
        return ledger.firstToken(&result, 1)
    }

    @Test func idsAreNeverZeroAndNeverUsedAgain() throws {
        let ledger = SampleLedger()
        var all: Set<UInt64> = []
        for _ in 0..<3 {
            try prepare(ledger, count: 100, issued: 100)
            all.formUnion(try ids(ledger))
        }
        all.formUnion(try ids(try self.ledger(count: 100, issued: 0)))
        #expect(all.count == 400)
        #expect(!all.contains(0))
    }

    @Test func eachSampleCompletesOnce() throws {
        let ledger = try ledger(count: 4, issued: 4)
        let ids = try ids(ledger)
        #expect(complete(ledger, [ids[0], ids[1]]) == ok)
        #expect(complete(ledger, [ids[1]]) == already)
        #expect(complete(ledger, [ids[2], ids[2], ids[3]]) == already, "good entries count, the first bad one is told")
        #expect(ledger.completedCount == 4)
        #expect(ledger.misuse == SampleMisuse(double: 2))
        #expect(ledger.outstanding(limit: 4).count == 0)
    }

    @Test func forgedIdsAreUnknown() throws {
        let ledger = try ledger(count: 4, issued: 2)
        let ids = try ids(ledger)
        let forged: [UInt64] = [0, 1, .max, ids[0] + 100, ids[0] &+ 1 << 40, ids[3], ids[2], (ids[0] >> 32) << 32]
        for id in forged {
            #expect(complete(ledger, [id]) == unknown, "\(id)")
            #expect(firstToken(ledger, id) == unknown, "\(id)")
        }
        #expect(ledger.misuse == SampleMisuse(unknown: 2 * forged.count))
        #expect(ledger.completedCount == 0)
        #expect(complete(ledger, [ids[0], ids[1]]) == ok)
    }

    @Test func idsOfAnEarlierPhaseAreStale() throws {
        let ledger = try ledger(count: 4, issued: 4)
        let old = try ids(ledger)
        #expect(complete(ledger, [old[0]]) == ok)
        try prepare(ledger, count: 4, issued: 4)
        #expect(complete(ledger, [old[0]]) == unknown)
        #expect(complete(ledger, [old[1]]) == unknown)
        #expect(firstToken(ledger, old[2]) == unknown)
        #expect(ledger.misuse == SampleMisuse(stale: 3))
        #expect(ledger.completedCount == 0)
        let new = try ids(ledger)
        ledger.retire()
        #expect(complete(ledger, [new[0]]) == unknown)
        #expect(ledger.misuse == SampleMisuse(stale: 4))
    }

    @Test func firstTokensComeOnceAndBeforeCompletion() throws {
        let ledger = try ledger(count: 3, issued: 3)
        let ids = try ids(ledger)
        #expect(firstToken(ledger, ids[0]) == ok)
        #expect(firstToken(ledger, ids[0]) == invalidState)
        #expect(complete(ledger, [ids[0], ids[1]]) == ok)
        #expect(firstToken(ledger, ids[0]) == already)
        #expect(firstToken(ledger, ids[1]) == already)
        #expect(ledger.misuse == SampleMisuse(firstTokenTwice: 1, firstTokenLate: 2))
        #expect(ledger.firstTokenCount == 1)
    }

    @Test func failedSamplesCompleteAndAreCounted() throws {
        let ledger = try ledger(count: 2, issued: 2)
        #expect(complete(ledger, try ids(ledger), status: -7) == ok)
        #expect(ledger.completedCount == 2)
        #expect(ledger.misuse == SampleMisuse(failed: 2))
    }

    @Test func badCallsAreRefused() throws {
        let ledger = try ledger(count: 2, issued: 2)
        #expect(ledger.complete(nil, 0) == ok)
        #expect(ledger.firstToken(nil, 0) == ok)
        #expect(ledger.complete(nil, 3) == invalidArgument)
        #expect(ledger.firstToken(nil, 3) == invalidArgument)
        var result = mlp_result()
        result.id = try ids(ledger)[0]
        #expect(ledger.complete(&result, .max) == invalidArgument)
        result.data = mlp_bytes(data: nil, size: 8)
        #expect(ledger.complete(&result, 1) == invalidArgument, "the sample is complete, so that the run does not hang")
        #expect(ledger.completedCount == 1)
        #expect(ledger.misuse == SampleMisuse(badArguments: 4))
    }

    /// Many threads, each sample offered by several: exactly one wins.
    @Test func oneOfManyThreadsCompletesASample() throws {
        let count = 20_000
        let ledger = try ledger(count: UInt64(count), issued: count)
        let ids = try ids(ledger)
        let wins = Atomic<Int>(0)
        try withThreads(4) { _ in
            for id in ids where self.complete(ledger, [id]) == 0 {
                wins.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(wins.load(ordering: .relaxed) == count)
        #expect(ledger.completedCount == count)
        #expect(ledger.misuse == SampleMisuse(double: 3 * count))
    }

    /// Threads that keep completing old ids while phases change must not disturb the new phase.
    @Test func lateThreadsDoNotDisturbTheNextPhase() throws {
        let ledger = try ledger(count: 64, issued: 64)
        let old = try ids(ledger)
        #expect(complete(ledger, old) == ok)
        let isDone = Atomic<Bool>(false)
        let late = try BackgroundThread {
            while !isDoneNow(isDone) {
                _ = self.complete(ledger, old)
            }
        }
        for round in 0..<200 {
            try prepare(ledger, count: UInt64(64 + round), issued: 64 + round)
            #expect(ledger.completedCount == 0)
            #expect(complete(ledger, try ids(ledger)) == ok)
            #expect(ledger.completedCount == 64 + round)
        }
        isDone.store(true, ordering: .releasing)
        late.join()
    }
}

private func isDoneNow(_ flag: borrowing Atomic<Bool>) -> Bool {
    flag.load(ordering: .acquiring)
}

/// Runs a body on several threads at once and waits for all.
func withThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let threads = try (0..<count).map { number in try BackgroundThread { body(number) } }
    for thread in threads {
        thread.join()
    }
}
