import COfficialLoadGen
import Synchronization

/// What the library calls, all of it on the thread that runs the test. A callback that returns 1 ends the test: the library's
/// frames are unwound and the records that ids point to are gone, so nothing may be passed on from then on.
extension OfficialRun {
    var callbacks: olg_callbacks {
        var callbacks = olg_callbacks()
        callbacks.context = Unmanaged.passUnretained(self).toOpaque()
        callbacks.total_sample_count = qsl.totalCount
        callbacks.performance_sample_count = qsl.performanceCount
        callbacks.load = { context, indices, count in
            OfficialRun.at(context)?.load([UInt64](UnsafeBufferPointer(start: indices, count: Int(count)))) ?? 1
        }
        callbacks.unload = { context, indices, count in
            OfficialRun.at(context)?.unload([UInt64](UnsafeBufferPointer(start: indices, count: Int(count)))) ?? 1
        }
        callbacks.issue = { context, samples, count in
            OfficialRun.at(context)?.issue(UnsafeBufferPointer(start: samples, count: Int(count))) ?? 1
        }
        callbacks.flush = { context in OfficialRun.at(context)?.flush() ?? 1 }
        return callbacks
    }

    @inline(__always)
    private static func at(_ context: UnsafeMutableRawPointer?) -> OfficialRun? {
        context.map { Unmanaged<OfficialRun>.fromOpaque($0).takeUnretainedValue() }
    }

    private func endNow() -> Int32 {
        passing.close()
        return 1
    }

    /// Notes what `run()` is to throw.
    private func fail(_ error: any Error) -> Int32 {
        state.withLock { $0.failure = $0.failure ?? error }
        ledger.stop()
        return endNow()
    }

    private func load(_ indices: [UInt64]) -> Int32 {
        closePhase()
        board.enter(.preparing)
        guard !ledger.isStopped else { return endNow() }
        do {
            try qsl.load(indices)
            try conduct.planPhase(indices)
            guard let plan = conduct.plan else { return endNow() }
            try sut.reserve(samplesPerQuery: plan.samplesPerQuery, sampleCount: plan.indices.count)
            openPhase(plan)
            return 0
        } catch {
            return fail(error)
        }
    }

    private func unload(_ indices: [UInt64]) -> Int32 {
        board.enter(.reporting)
        // A test that was stopped while the library waited for the last answers ends by itself.
        guard !ledger.isStopped else { return 0 }
        offerSampleTimes()
        closePhase()
        do {
            try qsl.unload(indices)
            return 0
        } catch {
            return fail(error)
        }
    }

    private func openPhase(_ plan: QueryPlan) {
        ledger.prepare(plan, keepsAll: false, mailbox: nil)
        passing.reserve(plan.indices.count)
        conduct.nextSlot = 0
        conduct.awaitsPhase = false
        conduct.isOpen = false
    }

    private func issue(_ samples: UnsafeBufferPointer<olg_sample>) -> Int32 {
        guard !ledger.isStopped else { return endNow() }
        if conduct.awaitsPhase, let plan = conduct.plan {
            // The bisection of a peak search issues again and again from one loaded set.
            closePhase()
            openPhase(plan)
            conduct.knowsSchedule = false
        }
        guard let phase = ledger.phase, let plan = conduct.plan, conduct.nextSlot + samples.count <= phase.count else {
            abort(reason: "The official LoadGen issues more samples than its settings ask for.")
            return endNow()
        }
        let now = MonotonicClock.now()
        if !conduct.isOpen { beginIssuing(plan, now) }
        let first = conduct.nextSlot
        let end = first + samples.count
        for (place, sample) in samples.enumerated() {
            passing.set(sample.id, slot: first + place)
            phase.samples[first + place].index = sample.index
        }
        for query in first / phase.samplesPerQuery..<end / phase.samplesPerQuery {
            phase.issued[query] = now
            phase.scheduled[query] =
                conduct.knowsSchedule
                ? conduct.start + plan.scheduledOffsets[query]
                : conduct.settings?.scenario == .offline ? conduct.start : now
        }
        conduct.nextSlot = end
        ledger.markIssued(through: end)
        do {
            try sut.issue(UnsafeBufferPointer(start: phase.samples + first, count: samples.count))
        } catch {
            abort(reason: "The system under test did not take a query: \(error)")
        }
        return ledger.isStopped ? endNow() : 0
    }

    private func beginIssuing(_ plan: QueryPlan, _ now: Int64) {
        conduct.isOpen = true
        conduct.start = now
        conduct.wallStart = WallClock.now()
        let timed = conduct.isTimed ? conduct.settings : nil
        board.announcePhase(
            planned: plan.indices.count,
            least: timed.map(plan.leastSamples) ?? plan.indices.count,
            start: now,
            target: timed?.targetDurationNs ?? 0,
            longest: timed?.maxDurationNs ?? 0
        )
        board.enter(.issuing)
    }

    private func flush() -> Int32 {
        board.enter(.flushing)
        if !ledger.isStopped {
            do {
                try sut.flush()
            } catch {
                abort(reason: "The system under test did not take the flush: \(error)")
            }
        }
        conduct.awaitsPhase = true
        board.enter(.draining)
        return ledger.isStopped ? endNow() : 0
    }

    private func closePhase() {
        guard conduct.isOpen else { return }
        conduct.isOpen = false
        let issued = ledger.issuedCount
        let completed = ledger.completedCount
        state.withLock { state in
            state.issuedBefore += issued
            state.completedBefore += completed
        }
        ledger.retire()
    }

    private func offerSampleTimes() {
        guard let take = options.sampleTimes, conduct.isOpen, conduct.isTimed, let phase = ledger.phase,
            let settings = conduct.settings, settings.mode != .findPeakPerformance
        else { return }
        take(
            IssuedSampleTimes(
                phase,
                settings: settings,
                start: conduct.start,
                queriesIssued: conduct.nextSlot / max(1, phase.samplesPerQuery),
                wallStart: conduct.wallStart
            )
        )
    }
}
