import CPluginAPI

/// One sample in flight.
///
/// The records of an engine are allocated once; a record's index is its slot in the cache.
struct SequenceRecord {
    /// 0 when the record is unused.
    var id: mlp_sample_id = 0
    /// Little-endian int32 token ids in the query's payload, which stays valid until the sample completes.
    var prompt: UnsafeRawPointer?
    var promptCount = 0
    /// Tokens generated so far and known to the host, in storage of the record's own that survives preemption.
    var generated: UnsafeMutablePointer<Int32>
    var generatedCount = 0
    /// Tokens that steps in flight choose: 0, or 1 while a step is planned before the one ahead of it has ended.
    var awaited = 0
    /// The logit row that yields the awaited token.
    var awaitedRow = 0
    /// Tokens to generate at most.
    var limit = 0
    /// Positions whose keys and values are in the cache when the steps submitted so far have ended.
    var computed = 0
    /// Positions computed before the last preemption, for the statistics.
    var computedBefore = 0
    /// Positions that the step being planned computes.
    var scheduled = 0

    /// Positions that must be in the cache before the next token is chosen.
    var total: Int { promptCount + generatedCount + awaited }
    /// Those that no step computes yet; none once the last token is awaited.
    var pending: Int { generatedCount + awaited < limit ? total - computed : 0 }

    /// The token at a position below `total`, or -1 - r for the one that logit row r of the step in flight yields.
    func token(at position: Int) -> Int32 {
        guard position < promptCount else {
            let index = position - promptCount
            return index < generatedCount ? generated[index] : Int32(truncatingIfNeeded: -1 - awaitedRow)
        }
        guard let prompt else { return 0 }
        return Int32(littleEndian: prompt.loadUnaligned(fromByteOffset: 4 * position, as: Int32.self))
    }
}
