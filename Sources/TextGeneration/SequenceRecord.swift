import CPluginAPI

/// One sample in flight.
///
/// The records of an engine are allocated once; a record's index is its slot in the cache.
struct SequenceRecord {
    var id: mlp_sample_id = 0
    /// Little-endian int32 token ids in the query's payload, which stays valid until the sample completes.
    var prompt: UnsafeRawPointer?
    var promptCount = 0
    /// Tokens generated so far, in storage of the record's own that survives preemption.
    var generated: UnsafeMutablePointer<Int32>
    var generatedCount = 0
    /// Tokens to generate at most.
    var limit = 0
    /// Positions whose keys and values are in the cache.
    var computed = 0
    /// Positions computed before the last preemption, for the statistics.
    var computedBefore = 0
    /// Positions that the current step computes.
    var scheduled = 0
    /// Which of the step's logit rows is this sequence's, or -1.
    var logitRow = -1

    /// Positions that must be in the cache before the next token is known.
    var total: Int { promptCount + generatedCount }
    /// Those that are not there yet.
    var pending: Int { total - computed }

    func token(at position: Int) -> Int32 {
        guard position < promptCount else { return generated[position - promptCount] }
        guard let prompt else { return 0 }
        return Int32(littleEndian: prompt.loadUnaligned(fromByteOffset: 4 * position, as: Int32.self))
    }
}
