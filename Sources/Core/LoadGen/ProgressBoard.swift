import Synchronization

/// How far a test is, written by its thread and read by any.
final class ProgressBoard: Sendable {
    private let stage = Atomic<Int>(RunStage.preparing.rawValue)
    private let phaseNumber = Atomic<Int>(0)
    private let phaseCount = Atomic<Int>(0)
    private let phaseStart = Atomic<Int64>(0)
    private let phasePlanned = Atomic<Int>(0)
    private let phaseTarget = Atomic<Int64>(0)
    private let phaseLeast = Atomic<Int>(0)
    private let phaseLongest = Atomic<Int64>(0)

    func enter(_ new: RunStage) {
        stage.store(new.rawValue, ordering: .releasing)
    }

    func announce(phases count: Int) {
        phaseCount.store(count, ordering: .relaxed)
    }

    func announcePhase(planned: Int, least: Int, start: Int64, target: Int64, longest: Int64) {
        phaseNumber.wrappingAdd(1, ordering: .relaxed)
        phasePlanned.store(planned, ordering: .relaxed)
        phaseStart.store(start, ordering: .relaxed)
        phaseTarget.store(target, ordering: .relaxed)
        phaseLeast.store(least, ordering: .relaxed)
        phaseLongest.store(longest, ordering: .relaxed)
    }

    /// A snapshot, taken without locks.
    func snapshot(_ ledger: SampleLedger) -> RunProgress {
        let start = phaseStart.load(ordering: .relaxed)
        let firstTokens = ledger.firstTokenCount
        return RunProgress(
            stage: RunStage(rawValue: stage.load(ordering: .acquiring)) ?? .preparing,
            phase: phaseNumber.load(ordering: .relaxed),
            phaseCount: phaseCount.load(ordering: .relaxed),
            issued: ledger.issuedCount,
            completed: ledger.completedCount,
            firstTokens: firstTokens,
            meanTimeToFirstToken: firstTokens == 0 ? 0 : Int64(ledger.firstTokenSum / firstTokens),
            planned: phasePlanned.load(ordering: .relaxed),
            elapsed: start == 0 ? 0 : MonotonicClock.now() - start,
            targetDuration: phaseTarget.load(ordering: .relaxed),
            leastSamples: phaseLeast.load(ordering: .relaxed),
            longestDuration: phaseLongest.load(ordering: .relaxed)
        )
    }
}

extension QueryPlan {
    /// Samples that must be answered before the test may end: those of single and multi-stream end by time as well, and
    /// plan more than they issue.
    func leastSamples(_ settings: EffectiveSettings) -> Int {
        guard mode != .accuracyOnly else { return indices.count }
        switch settings.scenario {
        case .offline, .server: return indices.count
        case .singleStream, .multiStream: return min(indices.count, Int(clamping: settings.minSampleCount))
        }
    }
}
