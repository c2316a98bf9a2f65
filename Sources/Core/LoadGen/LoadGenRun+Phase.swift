import Glibc
import Synchronization

extension LoadGenRun {
    /// Issues a plan, waits for all answers, and gathers what was measured.
    func runPhase(_ settings: EffectiveSettings, _ plan: QueryPlan, _ logs: RunLogs) throws -> SampleLedger.Harvest {
        board.enter(.preparing)
        let isAccuracy = plan.mode == .accuracyOnly
        logs.detail.entry("generated_query_count", .count(UInt64(plan.queryCount)))
        logs.detail.entry("generated_samples_per_query", .count(UInt64(plan.samplesPerQuery)))
        logs.detail.entry("generated_query_duration", .integer(plan.generatedDuration))
        logs.detail.flush()
        try sut.reserve(samplesPerQuery: plan.samplesPerQuery, sampleCount: plan.indices.count)
        let keeps = isAccuracy || !plan.loggedSamples.isEmpty
        ledger.prepare(plan, keepsAll: isAccuracy, mailbox: keeps ? logs.accuracy.mailbox : nil)

        let wallStart = WallClock.now()
        let start = MonotonicClock.now()
        state.withLock {
            $0.phase = Phase(settings: settings, plan: plan, start: start, isTimed: !isAccuracy)
        }
        board.announcePhase(
            planned: plan.indices.count,
            least: plan.leastSamples(settings),
            start: start,
            target: isAccuracy ? 0 : settings.targetDurationNs,
            longest: isAccuracy ? 0 : settings.maxDurationNs
        )
        board.enter(.issuing)
        let issuer = QueryIssuer(
            settings: settings,
            plan: plan,
            ledger: ledger,
            sut: sut,
            spin: options.spin,
            isLenient: options.isLenient,
            start: start
        )
        let outcome = issuer.run()
        for message in outcome.messages {
            logs.detail.entry(message)
        }
        if let failure = outcome.failure {
            abort(reason: failure)
        }
        board.enter(.flushing)
        if !ledger.isStopped {
            do {
                try sut.flush()
            } catch {
                abort(reason: "The system under test did not take the flush: \(error)")
            }
        }
        if outcome.ranOut && !isAccuracy {
            logs.detail.entry(
                .error(
                    "error_runtime",
                    "Ending early: Ran out of generated queries to issue before the minimum query count and test duration "
                        + "were reached. Please update the relevant expected latency or target qps in the TestSettings so "
                        + "they are more accurate."
                )
            )
        }
        board.enter(.draining)
        _ = ledger.wait(completed: outcome.queriesIssued * plan.samplesPerQuery)
        board.enter(.reporting)
        guard !ledger.isStopped else { return SampleLedger.Harvest() }
        let harvest = ledger.harvest(settings: settings, plan: plan, outcome: outcome)
        write(harvest, wallStart: wallStart, logs)
        if !isAccuracy {
            offerSampleTimes(settings, start: start, queriesIssued: outcome.queriesIssued, wallStart: wallStart)
        }
        trace(plan, queriesIssued: outcome.queriesIssued, logs)
        closePhase()
        return harvest
    }

    func write(_ harvest: SampleLedger.Harvest, wallStart: WallClock, _ logs: RunLogs) {
        for complaint in harvest.complaints {
            logs.detail.entry(.error("error_runtime", complaint))
        }
        // Contention counters of the official logger; this one has nothing that could contend.
        for key in [
            "swap_request_slots_retry_count", "swap_request_slots_retry_retry_count",
            "swap_request_slots_retry_reencounter_count", "start_reading_entries_retry_count",
            "tls_total_log_cas_fail_count", "tls_total_swap_buffers_slot_retry_count",
        ] {
            logs.detail.entry("logger_\(key)", .count(0))
        }
        logs.detail.entry("power_begin", .text(wallStart.forPower))
        logs.detail.entry("power_end", .text(wallStart.advanced(by: harvest.activeDuration).forPower))
        logs.detail.flush()
    }

    /// Hands the times of the phase's samples to whoever asked for them.
    func offerSampleTimes(_ settings: EffectiveSettings, start: Int64, queriesIssued: Int, wallStart: WallClock) {
        guard let take = options.sampleTimes, settings.mode != .findPeakPerformance, let phase = ledger.phase else {
            return
        }
        take(
            IssuedSampleTimes(
                phase,
                settings: settings,
                start: start,
                queriesIssued: queriesIssued,
                wallStart: wallStart
            )
        )
    }

    /// Adds the phase's samples to the trace, where there is one.
    func trace(_ plan: QueryPlan, queriesIssued: Int, _ logs: RunLogs) {
        guard let trace = logs.trace, let phase = ledger.phase else { return }
        trace.append(
            phase,
            firstQueryID: plan.firstQueryID,
            issued: queriesIssued * plan.samplesPerQuery,
            pid: getpid()
        )
    }

    private func closePhase() {
        let issued = ledger.issuedCount
        let completed = ledger.completedCount
        state.withLock { state in
            state.phase = nil
            state.issuedBefore += issued
            state.completedBefore += completed
        }
    }

    /// What the host found wrong so far, apart from outstanding samples.
    func hostReasons() -> [String] {
        state.withLock { $0.abortReasons } + ledger.misuse.reasons
    }
}
