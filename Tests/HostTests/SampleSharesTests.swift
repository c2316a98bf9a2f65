import Testing

@testable import Core

/// Which instance gets which sample, with nobody but the test finishing samples.
@Suite struct SampleSharesTests {
    /// Gives out one sample for each number of tokens; ids begin at `first`.
    private func give(_ shares: SampleShares, _ tokens: [UInt64], first: UInt64 = 1) -> [Int?] {
        tokens.enumerated().map { shares.give(first + UInt64($0.offset), tokens: $0.element) }
    }

    private func shares(_ instances: Int, _ policy: SharingPolicy) -> SampleShares {
        let shares = SampleShares(instances: instances, policy: policy)
        shares.reserve(slots: 64)
        return shares
    }

    @Test func roundRobinTakesTurnsWhateverIsFinished() {
        let shares = shares(3, .roundRobin)
        #expect(give(shares, [1, 1, 1, 1]) == [0, 1, 2, 0])
        #expect(shares.finish(2, by: 1) == .counted)
        #expect(give(shares, [1, 1], first: 5) == [1, 2])
    }

    @Test func shortestQueueTakesTheFewestUnderWay() {
        let shares = shares(3, .shortestQueue)
        #expect(give(shares, [900, 1, 1, 1]) == [0, 1, 2, 0])
        // 2, 1, 1 under way; then 2, 1, 0.
        #expect(shares.finish(3, by: 2) == .counted)
        #expect(give(shares, [1], first: 5) == [2])
        // 2, 1, 1: the second was given fewer than the third.
        #expect(give(shares, [1, 1], first: 6) == [1, 2])
        #expect((0..<3).map(shares.outstandingSamples) == [2, 2, 2])
        #expect((0..<3).map(shares.givenSamples) == [2, 2, 3])
    }

    @Test func tokensUnderWayCount() {
        let shares = shares(2, .shortestQueueWithTokens(weight: 0.02, window: 0))
        // Loads: 0 and 0; 1 + 20 and 0; then 21 against 3, 6, 9, ...
        #expect(give(shares, [1000, 100, 100, 100]) == [0, 1, 1, 1])
        #expect((0..<2).map(shares.outstandingTokens) == [1000, 300])
        // The long one is done: 0 against 9.
        #expect(shares.finish(1, by: 0) == .counted)
        #expect(shares.outstandingTokens(0) == 0)
        #expect(give(shares, [100], first: 5) == [0])
    }

    @Test func aWindowCountsTheLastTokensAsAMDsHarnessDoes() {
        let shares = shares(2, .shortestQueueWithTokens(weight: 0.02, window: 2))
        #expect(give(shares, [1000, 10]) == [0, 1])
        // Finished, and still counted: 0 + 20 against 1 + 0.2.
        #expect(shares.finish(1, by: 0) == .counted)
        #expect(give(shares, [10, 10, 10], first: 3) == [1, 1, 1])
        #expect(give(shares, [Self.many], first: 6) == [1])
        // 4 + 0.2 + much: the other one's turn, twice, by which its first sample leaves the window.
        #expect(give(shares, [10, 10], first: 7) == [0, 0])
        #expect(give(shares, [10], first: 9) == [0])
    }

    private static let many: UInt64 = 100_000

    @Test func whoMayFinishWhat() {
        let shares = shares(2, .roundRobin)
        let id: UInt64 = 7 << 32 | 1
        #expect(shares.give(id, tokens: 5) == 0)
        #expect(shares.owner(of: id) == 0)
        #expect(shares.finish(id, by: 1) == .foreign)
        #expect(shares.finish(6 << 32 | 1, by: 0) == .unknown)
        #expect(shares.finish(id, by: 0) == .counted)
        #expect(shares.finish(id, by: 0) == .unknown)
        #expect(shares.finish(0, by: 0) == .unknown)
        #expect(shares.finish(.max, by: 0) == .unknown)
        #expect(shares.owner(of: id) == nil)
        #expect(shares.give(65, tokens: 0) == nil)
        #expect(shares.outstandingSamples(0) == 0 && shares.outstandingTokens(0) == 0)
        // Room for a longer phase: the slots begin anew.
        shares.reserve(slots: 100)
        #expect(shares.give(8 << 32 | 100, tokens: 0) == 1)
        #expect(shares.finish(8 << 32 | 100, by: 1) == .counted)
    }
}
