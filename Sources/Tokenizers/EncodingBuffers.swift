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
    /// What the innermost loops write; it stays where it is as long as the buffers live.
    let lists: UnsafeMutablePointer<Lists>

    struct Lists {
        /// The ids of the text so far.
        var ids = GrowingBuffer<UInt32>(capacity: 1024)
        /// The tokens of the stretch that is being encoded.
        var stack = GrowingBuffer<UInt32>(capacity: 64)
        /// Bits, one for each byte of that stretch: whether its tokens are known not to end there.
        var dead = GrowingBuffer<UInt64>(capacity: 8)
    }

    // What a larger text needed is not kept.
    private static let kept = 1 << 22

    init() {
        lists = .allocate(capacity: 1)
        lists.initialize(to: Lists())
    }

    deinit {
        lists.pointee.ids.deallocate()
        lists.pointee.stack.deallocate()
        lists.pointee.dead.deallocate()
        lists.deallocate()
    }

    @inline(__always)
    func append(_ id: UInt32) {
        lists.pointee.ids.append(id)
    }

    func append(contentsOf list: [UInt32]) {
        for id in list { append(id) }
    }

    /// The ids, which are forgotten here.
    func takeIDs() -> [UInt32] {
        let ids = Array(UnsafeBufferPointer(start: lists.pointee.ids.base, count: lists.pointee.ids.count))
        lists.pointee.ids.removeAll()
        if lists.pointee.ids.capacity > Self.kept {
            lists.pointee.ids.deallocate()
            lists.pointee.ids = GrowingBuffer(capacity: 1024)
        }
        if text.capacity > Self.kept { text = [] }
        return ids
    }
}
