import Synchronization

extension LoadGenRun {
    /// Closes the logs of a test whose thread does not come back, from another thread.
    ///
    /// Whatever completed is written and judged; the result is invalid. Only the first of this call and the test's own end
    /// writes; if the test's thread does come back, its `run()` returns this result.
    ///
    /// - Parameter reason: Why, as a sentence.
    /// - Returns: The result, or nil where the test has not begun or ends by itself.
    public func finishFromWatchdog(reason: String) -> RunResult? {
        guard let logs = state.withLock({ $0.logs }), state.withLock({ $0.settings }) != nil else { return nil }
        guard claim() else { return nil }
        abort(reason: reason)
        let result = close(logs)
        state.withLock { $0.result = result }
        board.enter(.finished)
        return result
    }

    private func claim() -> Bool {
        isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    /// The end of `run()`: closes the logs, then gives up what is outstanding.
    func finish(_ logs: RunLogs) -> RunResult {
        guard claim() else { return awaitResult() }
        let result = close(logs)
        state.withLock { $0.result = result }
        if result.outstanding.count > 0 {
            cancelOutstanding()
        }
        ledger.retire()
        board.enter(.finished)
        return result
    }

    /// Another thread is closing the logs; it needs no more than a moment.
    private func awaitResult() -> RunResult {
        while true {
            if let result = state.withLock({ $0.result }) {
                ledger.retire()
                return result
            }
            MonotonicClock.sleep(until: MonotonicClock.now() + 1_000_000)
        }
    }

    private func close(_ logs: RunLogs) -> RunResult {
        board.enter(.reporting)
        let outstanding = ledger.isStopped ? ledger.outstanding(limit: 16) : OutstandingSamples()
        let (settings, phase, judged) = state.withLock { ($0.settings, $0.phase, $0.summary) }
        var summary = judged
        if ledger.isStopped {
            describe(outstanding, logs)
            if summary == nil {
                summary = salvage(phase, outstanding, logs)
            }
        }
        var reasons = hostReasons() + Self.reasons(outstanding)
        if let summary {
            reasons = summary.validity.reasons
            // What came after the verdict was written, such as a second completion during the unloading.
            for late in hostReasons() where !summary.validity.hostReasons.contains(late) {
                reasons.append(late)
                logs.detail.entry(.error("error_runtime", late))
            }
        } else {
            for reason in reasons {
                logs.detail.entry(.error("error_runtime", reason))
            }
        }
        let mode = settings?.mode ?? requested.mode
        if mode == .accuracyOnly && logs.detail.errors > 0 && reasons.isEmpty {
            reasons.append("The detail log holds errors, which an accuracy run must not have.")
        }
        logs.finish()
        reasons += logs.failures
        return makeResult(settings, summary, reasons, outstanding, logs)
    }

    private func makeResult(
        _ settings: EffectiveSettings?,
        _ summary: PerformanceSummary?,
        _ reasons: [String],
        _ outstanding: OutstandingSamples,
        _ logs: RunLogs
    ) -> RunResult {
        let (issuedBefore, completedBefore, isOpen) = state.withLock {
            ($0.issuedBefore, $0.completedBefore, $0.phase != nil)
        }
        return RunResult(
            settings: settings ?? EffectiveSettings(unchecked: requested),
            summary: summary,
            reasons: reasons,
            errors: logs.detail.errors,
            warnings: logs.detail.warnings,
            problems: logs.detail.problems,
            misuse: ledger.misuse,
            outstanding: outstanding,
            issuedSamples: issuedBefore + (isOpen ? ledger.issuedCount : 0),
            completedSamples: completedBefore + (isOpen ? ledger.completedCount : 0),
            logFiles: logs.paths
        )
    }

    private static func reasons(_ outstanding: OutstandingSamples) -> [String] {
        outstanding.count == 0 ? [] : ["\(outstanding.count) samples were issued and never completed."]
    }

    private func describe(_ outstanding: OutstandingSamples, _ logs: RunLogs) {
        guard outstanding.count > 0 else { return }
        logs.detail.entry(
            .error(
                "error_runtime",
                "Encountered incomplete samples at the end of a series of queries. count: \(outstanding.count)"
            )
        )
        let listed = outstanding.first.map { sample in
            "id \(sample.id) index \(sample.index) age \(DefaultNumberFormat.fixed(Double(sample.age) / 1e9, digits: 3)) s"
                + (sample.sawFirstToken ? " after its first token" : "")
        }
        logs.detail.entry("generic_message", .text("Outstanding samples: " + listed.joined(separator: "; ")))
    }

    /// The verdict on what completed before a performance run was cut short.
    private func salvage(_ phase: Phase?, _ outstanding: OutstandingSamples, _ logs: RunLogs) -> PerformanceSummary? {
        guard let phase, phase.isTimed else { return nil }
        var outcome = IssueOutcome(start: phase.start)
        outcome.queriesIssued = ledger.issuedCount / max(1, phase.plan.samplesPerQuery)
        let harvest = ledger.harvest(settings: phase.settings, plan: phase.plan, outcome: outcome)
        let wallStart = WallClock.now().advanced(by: phase.start - MonotonicClock.now())
        write(harvest, wallStart: wallStart, logs)
        trace(phase.plan, queriesIssued: outcome.queriesIssued, logs)
        offerSampleTimes(
            phase.settings,
            start: phase.start,
            queriesIssued: outcome.queriesIssued,
            wallStart: wallStart
        )
        let reasons = hostReasons() + Self.reasons(outstanding)
        for reason in reasons {
            logs.detail.entry(.error("error_runtime", reason))
        }
        let summary = PerformanceSummary(
            sutName: sut.name,
            settings: phase.settings,
            measurements: harvest.measurements,
            hostReasons: reasons
        )
        logs.write(summary)
        return summary
    }

    private func cancelOutstanding() {
        var ids: [UInt64] = []
        if let phase = ledger.phase {
            let all = ledger.outstanding(limit: phase.count)
            ids = all.first.map(\.id)
        }
        guard !ids.isEmpty else { return }
        ids.withUnsafeBufferPointer { sut.cancel($0) }
        let deadline = MonotonicClock.now() + options.cancelGrace
        while ledger.completedCount < ledger.issuedCount && MonotonicClock.now() < deadline {
            MonotonicClock.sleep(until: MonotonicClock.now() + 5_000_000)
        }
    }
}
