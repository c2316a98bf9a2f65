import CPluginAPI
import PluginAPI

/// Decides what each step computes: continuous batching with chunked prefill, admission in the order of issue, and
/// preemption of the youngest when the pages run out.
///
/// `order[0..<running]` are the records with pages, oldest first; `order[running..<active]` those that lost theirs,
/// again oldest first. Every running record is older than every preempted one, because the youngest is preempted
/// first and nothing new is admitted while a preempted one waits.
///
/// A step may be planned while the one before it is in flight. What that one will choose counts as chosen then
/// (`SequenceRecord.awaited`), with its token taken on the device; a sequence that turns out to have ended has a row too
/// many, whose token is dropped because the record is no longer that sample's.
final class Scheduler {
    private let options: GenerationOptions
    private let geometry: ModelGeometry
    private let cache: PagedKVCache
    private let queue: QueryQueue
    private let results: ResultBatch
    private let refuse: (mlp_query, String) -> Void

    private let records: UnsafeMutablePointer<SequenceRecord>
    private let storage: UnsafeMutablePointer<Int32>
    private let order: UnsafeMutablePointer<Int>
    private let unused: UnsafeMutablePointer<Int>
    private let endTokens: UnsafeMutableBufferPointer<Int32>
    private var unusedCount: Int
    private var running = 0
    private var active = 0

    /// What has been done since `resetStatistics`.
    private(set) var statistics = GenerationStatistics()

    /// Allocates the records; `refuse` completes a query that can never be computed, and says why.
    init(
        options: GenerationOptions,
        geometry: ModelGeometry,
        cache: PagedKVCache,
        queue: QueryQueue,
        results: ResultBatch,
        refuse: @escaping (mlp_query, String) -> Void
    ) {
        self.options = options
        self.geometry = geometry
        self.cache = cache
        self.queue = queue
        self.results = results
        self.refuse = refuse
        let count = options.maxBatch
        let perRecord = min(options.maxNewTokens, geometry.context)
        storage = .allocate(capacity: count * perRecord)
        records = .allocate(capacity: count)
        order = .allocate(capacity: count)
        unused = .allocate(capacity: count)
        order.initialize(repeating: 0, count: count)
        for index in 0..<count {
            (records + index).initialize(to: SequenceRecord(generated: storage + index * perRecord))
            unused[index] = count - 1 - index
        }
        unusedCount = count
        endTokens = .allocate(capacity: options.endTokens.count)
        _ = endTokens.initialize(from: options.endTokens)
    }

    deinit {
        records.deallocate()
        storage.deallocate()
        order.deallocate()
        unused.deallocate()
        endTokens.deallocate()
    }

    /// Whether no sample is in flight; queries may wait all the same.
    var isIdle: Bool { active == 0 }

    func resetStatistics() { statistics = GenerationStatistics() }

    // MARK: Planning

    /// Writes the next step, while at most one is in flight.
    ///
    /// - Returns: False if there is nothing to compute.
    func plan(_ step: StagedStep) -> Bool {
        step.removeAll()
        var budget = options.rowCapacity
        scheduleDecoding(&budget, step)
        var chunk = min(budget, options.prefillChunk)
        schedulePrefill(&chunk)
        while chunk > 0, admitOne(step) { schedule(order[running - 1], &chunk) }
        return writeRows(step)
    }

    /// One position for every sequence that knows its next token, oldest first; the youngest give way for pages.
    private func scheduleDecoding(_ budget: inout Int, _ step: StagedStep) {
        for index in 0..<running { records[order[index]].scheduled = 0 }
        var index = 0
        while index < running {
            let slot = order[index]
            index += 1
            guard records[slot].pending == 1 else { continue }
            while !cache.reserve(slot: slot, positions: records[slot].total, in: step) {
                preemptYoungest()
                if running < index { return }
            }
            records[slot].scheduled = 1
            budget -= 1
        }
    }

    private func schedulePrefill(_ chunk: inout Int) {
        var index = 0
        while index < running && chunk > 0 {
            if records[order[index]].pending > 1 { schedule(order[index], &chunk) }
            index += 1
        }
    }

    private func schedule(_ slot: Int, _ chunk: inout Int) {
        let rows = min(records[slot].pending, chunk)
        records[slot].scheduled = rows
        chunk -= rows
    }

    /// Takes the pages of the youngest running sequence; its tokens stay, and it is computed again later.
    private func preemptYoungest() {
        running -= 1
        let slot = order[running]
        cache.release(slot: slot)
        records[slot].computedBefore = max(records[slot].computedBefore, records[slot].computed)
        records[slot].computed = 0
        records[slot].scheduled = 0
        statistics.preemptions += 1
    }

    /// Gives pages to the oldest preempted sequence, or else to the oldest query that waits.
    ///
    /// - Returns: True if there is one more running sequence.
    private func admitOne(_ step: StagedStep) -> Bool {
        if active > running {
            let slot = order[running]
            guard records[slot].pending > 0, reserveForAdmission(slot, records[slot].total, step) else { return false }
            running += 1
            return true
        }
        while unusedCount > 0, let query = queue.first() {
            if let reason = objection(to: query) {
                queue.removeFirst()
                statistics.refusals += 1
                refuse(query, reason)
                continue
            }
            let slot = unused[unusedCount - 1]
            let promptCount = Int(query.payload.size) / 4
            guard reserveForAdmission(slot, promptCount, step) else { return false }
            queue.removeFirst()
            unusedCount -= 1
            records[slot].id = query.id
            records[slot].prompt = query.payload.data
            records[slot].promptCount = promptCount
            records[slot].generatedCount = 0
            records[slot].awaited = 0
            records[slot].limit = min(options.maxNewTokens, geometry.context - promptCount)
            records[slot].computed = 0
            records[slot].computedBefore = 0
            order[active] = slot
            active += 1
            running += 1
            statistics.peakSequences = max(statistics.peakSequences, running)
            return true
        }
        return false
    }

    /// Pages for a whole prompt, with one to spare for every running sequence, lest the newcomer be preempted at once.
    private func reserveForAdmission(_ slot: Int, _ positions: Int, _ step: StagedStep) -> Bool {
        guard cache.pages(for: positions) + running <= cache.freePages || running == 0 else { return false }
        return cache.reserve(slot: slot, positions: positions, in: step)
    }

    /// Why a query can never be computed, or nil.
    private func objection(to query: mlp_query) -> String? {
        guard query.payload.size % 4 == 0, let ids = query.payload.data, query.payload.size > 0 else {
            return "the payload of \(query.payload.size) bytes is not a list of int32 token ids"
        }
        guard query.payload.size / 4 < UInt64(geometry.context) else {
            return """
                the prompt of \(query.payload.size / 4) tokens leaves no room to generate in the model's context of \
                \(geometry.context) (config.json: max_position_embeddings)
                """
        }
        let count = Int(query.payload.size) / 4
        for index in 0..<count {
            let token = Int32(littleEndian: ids.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
            guard token >= 0, token < geometry.vocabulary else {
                return """
                    token \(index) of the prompt is \(token), beyond the model's vocabulary of \(geometry.vocabulary) \
                    (config.json: vocab_size)
                    """
            }
        }
        // The last token generated is never computed, so it needs no place.
        let most = count + min(options.maxNewTokens, geometry.context - count) - 1
        guard cache.pages(for: most) <= cache.pages else {
            return """
                a prompt of \(count) tokens may need \(most) positions, but the cache holds \
                \(cache.pages * cache.pageSize): raise model_config.kv_cache_tokens or lower max_new_tokens
                """
        }
        return nil
    }

    private func writeRows(_ step: StagedStep) -> Bool {
        for index in 0..<running {
            let slot = order[index]
            let record = records + slot
            let first = record.pointee.computed
            let end = first + record.pointee.scheduled
            guard end > first else { continue }
            for position in first..<end {
                step.appendRow(token: record.pointee.token(at: position), position: position, slot: slot)
            }
            statistics.recomputedRows += max(0, min(end, record.pointee.computedBefore) - first)
            record.pointee.computed = end
            if end == record.pointee.total {
                record.pointee.awaitedRow = step.appendLogitRow(
                    of: StagedStep.Owner(slot: slot, id: record.pointee.id),
                    excludesEndTokens: record.pointee.generatedCount + record.pointee.awaited < options.minNewTokens
                )
                record.pointee.awaited += 1
            }
        }
        return step.rows > 0
    }

    // MARK: Results

    /// Takes over the tokens of a step that has ended and reports first tokens and completions.
    func advance(with step: StagedStep) {
        statistics.steps += 1
        statistics.rows += step.rows
        var ended = false
        for row in 0..<step.logits {
            let owner = step.owner(logitRow: row)
            if records[owner.slot].id != owner.id {
                statistics.discardedRows += 1
            } else if take(step.chosen[row], owner.slot) {
                retire(owner.slot)
                ended = true
            }
        }
        if ended { forgetRetired() }
        results.flush()
    }

    /// Adds a token to a sequence.
    ///
    /// - Returns: True if that completed it.
    private func take(_ token: Int32, _ slot: Int) -> Bool {
        let record = records + slot
        record.pointee.awaited -= 1
        record.pointee.generated[record.pointee.generatedCount] = token
        record.pointee.generatedCount += 1
        if record.pointee.generatedCount == 1 {
            results.addFirstToken(record.pointee.id, record.pointee.generated)
        }
        let ended =
            record.pointee.generatedCount == record.pointee.limit
            || (record.pointee.generatedCount >= options.minNewTokens && isEnd(token))
        if ended {
            results.addCompletion(
                record.pointee.id,
                status: .ok,
                tokens: record.pointee.generated,
                count: record.pointee.generatedCount
            )
        }
        return ended
    }

    /// Gives a slot and its pages back; its tokens stay until the next sequence takes it.
    private func retire(_ slot: Int) {
        cache.release(slot: slot)
        records[slot].id = 0
        unused[unusedCount] = slot
        unusedCount += 1
    }

    /// Takes retired slots out of the order.
    private func forgetRetired() {
        var kept = 0
        var keptRunning = 0
        for index in 0..<active where records[order[index]].id != 0 {
            if index < running { keptRunning += 1 }
            order[kept] = order[index]
            kept += 1
        }
        running = keptRunning
        active = kept
    }

    private func isEnd(_ token: Int32) -> Bool {
        for end in endTokens where end == token { return true }
        return false
    }

    // MARK: Ending early

    /// Ends one sample, if it is in flight or waits.
    func cancel(_ id: mlp_sample_id) {
        if queue.remove(id) {
            results.addCompletion(id, status: .cancelled, tokens: nil, count: 0)
        } else if let index = (0..<active).first(where: { records[order[$0]].id == id }) {
            results.addCompletion(id, status: .cancelled, tokens: nil, count: 0)
            retire(order[index])
            forgetRetired()
        }
    }

    /// Ends every sample, in flight or waiting, with one status.
    func endAll(_ status: mlp_status) {
        for index in 0..<active {
            results.addCompletion(records[order[index]].id, status: status, tokens: nil, count: 0)
            retire(order[index])
        }
        forgetRetired()
        endWaiting(status)
    }

    /// Ends every sample that waits, with one status.
    func endWaiting(_ status: mlp_status) {
        while let query = queue.first() {
            queue.removeFirst()
            results.addCompletion(query.id, status: status, tokens: nil, count: 0)
        }
        results.flush()
    }

    // MARK: Warm-up

    /// Writes a step of synthetic rows that belong to no sample, in a slot that nobody uses.
    ///
    /// - Returns: False if the step would have no row.
    func planWarmUp(rows wanted: Int, _ step: StagedStep) -> Bool {
        precondition(active == 0, "warm-up needs an idle engine")
        step.removeAll()
        let slot = unused[unusedCount - 1]
        let rows = min(wanted, geometry.context, cache.freePages * cache.pageSize)
        guard rows > 0, cache.reserve(slot: slot, positions: rows, in: step) else { return false }
        for position in 0..<rows {
            step.appendRow(token: Int32(position % geometry.vocabulary), position: position, slot: slot)
        }
        _ = step.appendLogitRow(of: StagedStep.Owner(slot: slot, id: 0), excludesEndTokens: false)
        return true
    }

    /// Gives the pages of `planWarmUp` back.
    func endWarmUp() { cache.release(slot: unused[unusedCount - 1]) }
}
