/// Memory that encoding one text after the other uses again; it holds nothing that a later text could profit from.
///
/// Not `Sendable`: one per thread, see ``BufferPool``.
final class EncodingBuffers {
    /// For the merges that are done one by one.
    let merger = PairMerger()
    /// Symbols of a word, for the same.
    var symbols: [UInt32] = []
    /// A normalised text.
    var text: [UInt8] = []
    /// The tokens of the stretch that is being encoded.
    var stack: [UInt32] = []
    /// Bits, one for each byte of that stretch: whether its tokens are known not to end there.
    var dead: [UInt64] = []
    /// The ids of the text so far.
    private(set) var ids: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private var capacity = 1024

    init() {
        ids = .allocate(capacity: capacity)
    }

    deinit { ids.deallocate() }

    @inline(__always)
    func append(_ id: UInt32) {
        if count == capacity { grow(by: 1) }
        ids[count] = id
        count += 1
    }

    func append(contentsOf list: [UInt32]) {
        for id in list { append(id) }
    }

    private func grow(by more: Int) {
        let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * capacity + more)
        larger.update(from: ids, count: count)
        ids.deallocate()
        ids = larger
        capacity = 2 * capacity + more
    }

    /// The ids, which are forgotten here.
    func takeIDs() -> [UInt32] {
        defer {
            count = 0
            // What a large text needed is not kept.
            if capacity > 1 << 22 {
                ids.deallocate()
                capacity = 1024
                ids = .allocate(capacity: capacity)
                text = []
            }
        }
        return Array(UnsafeBufferPointer(start: ids, count: count))
    }
}
