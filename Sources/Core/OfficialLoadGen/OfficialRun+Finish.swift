import CPluginAPI
import Synchronization

/// The end of a test, natural or not.
extension OfficialRun {
    /// Ends the test from any thread: nothing more is issued, and what is outstanding is answered with nothing, because the library
    /// waits for it without limit.
    func stop() {
        ledger.stop()
        let isFirst = state.withLock { state in
            guard state.atStop == nil else { return false }
            state.atStop = (ledger.outstanding(limit: .max), ledger.misuse)
            return true
        }
        guard isFirst, state.withLock({ $0.settings }) != nil else { return }
        do {
            _ = try BackgroundThread { [self] in
                while !isFinished {
                    answerOutstanding()
                    MonotonicClock.sleep(until: MonotonicClock.now() + 2_000_000)
                }
            }
        } catch {
            answerOutstanding()
        }
    }

    private func answerOutstanding() {
        for sample in ledger.outstanding(limit: .max).first {
            var result = mlp_result()
            result.id = sample.id
            _ = passing.complete(&result, 1)
        }
    }

    /// Reads what the library wrote, and says in its logs what it does not know.
    func close() -> RunResult {
        board.enter(.reporting)
        let (settings, abortReasons, atStop, issuedBefore, completedBefore) = state.withLock {
            ($0.settings, $0.abortReasons, $0.atStop, $0.issuedBefore, $0.completedBefore)
        }
        let misuse = atStop?.misuse ?? ledger.misuse
        var outstanding = atStop?.outstanding ?? OutstandingSamples()
        outstanding.first = Array(outstanding.first.prefix(16))
        var reasons = abortReasons + misuse.reasons
        if outstanding.count > 0 { reasons.append("\(outstanding.count) samples were issued and never completed.") }
        var verdict = OfficialVerdict(folder: output, mode: settings?.mode ?? requested.mode)
        verdict.version = engine.versionText
        verdict.overridesSeeds = overridesSeeds
        WithdrawnResult.mark(output, because: reasons)
        let base = output.hasSuffix("/") ? output : output + "/"
        let isOpen = ledger.phase != nil
        let issued = issuedBefore + (isOpen ? ledger.issuedCount : 0)
        let completed = completedBefore + (isOpen ? ledger.completedCount : 0)
        return RunResult(
            settings: settings ?? EffectiveSettings(unchecked: requested),
            summary: nil,
            // Of a test that was cut short the library has no verdict, or one on answers that the host made up.
            reasons: abortReasons.isEmpty ? reasons + verdict.reasons : reasons,
            errors: verdict.errors + UInt64(reasons.count),
            warnings: verdict.warnings,
            problems: verdict.problems,
            misuse: misuse,
            outstanding: outstanding,
            issuedSamples: issued,
            completedSamples: atStop == nil ? completed : issued - outstanding.count,
            logFiles: ["summary.txt", "detail.txt", "accuracy.json"].map { base + "mlperf_log_" + $0 },
            official: verdict
        )
    }

    /// Tells the system what it need not answer any more, and gives it a moment to answer it all the same.
    func giveUpOutstanding() {
        guard let (outstanding, before) = state.withLock({ $0.atStop }), outstanding.count > 0 else { return }
        outstanding.first.map(\.id).withUnsafeBufferPointer { sut.cancel($0) }
        // The host has answered these samples itself; when the system does, the ledger counts a second completion.
        let deadline = MonotonicClock.now() + options.cancelGrace
        while ledger.misuse.double < before.double + outstanding.count, MonotonicClock.now() < deadline {
            MonotonicClock.sleep(until: MonotonicClock.now() + 5_000_000)
        }
    }
}
