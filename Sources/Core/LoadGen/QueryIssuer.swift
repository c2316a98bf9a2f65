/// Issues the queries of one phase at their times, on the calling thread.
struct QueryIssuer {
    let settings: EffectiveSettings
    let plan: QueryPlan
    let ledger: SampleLedger
    let sut: any SystemUnderTest
    /// How long before a due time sleeping gives way to spinning; a sleep ends late by about this much.
    let spin: Int64
    /// Whether the end by an upper limit is no error.
    let isLenient: Bool
    /// Start of the phase by the clock of latencies.
    let start: Int64

    /// Issues until the plan or the settings end the phase; does not wait for the last answers.
    func run() -> IssueOutcome {
        var outcome = IssueOutcome(start: start)
        guard let phase = ledger.phase else { return outcome }
        do {
            switch settings.scenario {
            case .server: try TimerSlack.minimal { try issueServer(phase, &outcome) }
            case .singleStream, .multiStream, .offline: try issueInTurn(phase, &outcome)
            }
        } catch {
            outcome.failure = "The system under test did not take a query: \(error)"
        }
        return outcome
    }

    private var isAccuracy: Bool { plan.mode == .accuracyOnly }

    private func issueInTurn(_ phase: LedgerPhase, _ outcome: inout IssueOutcome) throws {
        let size = plan.samplesPerQuery
        let waits = settings.scenario != .offline
        let least = settings.minQueryCount
        for query in 0..<plan.queryCount {
            let first = query * size
            if waits {
                guard ledger.wait(completed: first) else { return }
            } else if ledger.isStopped {
                return
            }
            let now = MonotonicClock.now()
            phase.scheduled[query] = waits ? now : start
            phase.issued[query] = now
            ledger.markIssued(through: first + size)
            outcome.queriesIssued = query + 1
            try sut.issue(UnsafeBufferPointer(start: phase.samples + first, count: size))
            if isAccuracy { continue }
            let duration = now - start
            if UInt64(query + 1) >= least && duration >= settings.targetDurationNs {
                outcome.messages.append(
                    LogMessage(
                        key: "generic_message",
                        text: "Ending naturally: Minimum query count and test duration met."
                    )
                )
                return
            }
            if let limit = limitReached(queries: query + 1, duration: duration) {
                outcome.messages.append(limit)
                return
            }
        }
        outcome.ranOut = true
    }

    private func issueServer(_ phase: LedgerPhase, _ outcome: inout IssueOutcome) throws {
        // Where queries come faster than a sleep can be timed, spinning would take a whole processor from the system under
        // test; a sleep that ends a little late, with several queries due, costs less.
        let spin = settings.targetQps * Double(self.spin) * 4 > 1e9 ? 0 : self.spin
        let coalesces = settings.requested.serverCoalesceQueries
        var query = 0
        while query < plan.queryCount {
            let first = query
            let due = start + plan.scheduledOffsets[query]
            guard let now = ledger.sleep(until: due, spin: spin) else { return }
            phase.scheduled[query] = due
            phase.issued[query] = now
            query += 1
            while coalesces, query < plan.queryCount, now >= start + plan.scheduledOffsets[query] {
                phase.scheduled[query] = start + plan.scheduledOffsets[query]
                phase.issued[query] = now
                query += 1
            }
            ledger.markIssued(through: query)
            outcome.queriesIssued = query
            try sut.issue(UnsafeBufferPointer(start: phase.samples + first, count: query - first))
            if isAccuracy { continue }
            if settings.maxAsyncQueries != 0 {
                let outstanding = query - ledger.completedCount
                if outstanding > Int(clamping: settings.maxAsyncQueries) {
                    outcome.messages.append(
                        .error(
                            "error_runtime",
                            "IssueQueryThread 0 Ending early: Too many outstanding queries. issued \(query) outstanding "
                                + "\(outstanding)"
                        )
                    )
                    return
                }
            }
            if let limit = limitReached(queries: query, duration: now - start) {
                outcome.messages.append(limit)
                return
            }
        }
    }

    private func limitReached(queries: Int, duration: Int64) -> LogMessage? {
        let most = settings.requested.maxQueryCount
        if most != 0 && UInt64(queries) >= most {
            return limit(
                "IssueQueryThread 0 Ending early: Max query count reached. query_count \(queries)"
            )
        }
        if settings.maxDurationNs != 0 && duration > settings.maxDurationNs {
            return limit(
                "IssueQueryThread 0 Ending early: Max test duration reached. duration_ns \(duration)"
            )
        }
        return nil
    }

    private func limit(_ text: String) -> LogMessage {
        isLenient ? LogMessage(key: "generic_message", text: text) : .error("error_runtime", text)
    }
}
