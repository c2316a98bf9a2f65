internal import Glibc

/// The vocabulary's texts: all bytes in one arena, found by id or, through an open-addressing hash table, by content.
struct PieceTable: Sendable {
    /// No id.
    static let none = UInt32.max

    private(set) var arena: [UInt8] = []
    private var starts: [UInt32]
    private var lengths: [UInt32]
    private var slots: [UInt32]
    private var stored = 0

    /// Makes a table for ids below `capacity`, all of them empty.
    init(capacity: Int) {
        starts = [UInt32](repeating: 0, count: capacity)
        lengths = [UInt32](repeating: 0, count: capacity)
        var size = 64
        while size < 2 * capacity { size *= 2 }
        slots = [UInt32](repeating: Self.none, count: size)
    }

    /// One more than the largest id.
    var count: Int { starts.count }

    /// The hash of a text is polynomial, so that the hash of any part follows from two prefix hashes.
    static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    static func extend(_ hash: UInt64, by byte: UInt8) -> UInt64 {
        hash &* multiplier &+ UInt64(byte) &+ 1
    }

    static func hash(_ text: some Sequence<UInt8>) -> UInt64 {
        text.reduce(0) { extend($0, by: $1) }
    }

    /// Stores the text of an id.
    ///
    /// - Parameters:
    ///   - text: At most `TokenizerLimits.pieceBytes` bytes.
    ///   - id: Below the capacity and not yet in use.
    /// - Returns: False if another id has the same text: that one stays the answer of `id(of:)`.
    @discardableResult
    mutating func insert(_ text: [UInt8], id: UInt32) -> Bool {
        text.withUnsafeBufferPointer { insert($0, id: id, hash: Self.hash($0)) }
    }

    /// The same for a text whose hash is known.
    mutating func insert(_ text: UnsafeBufferPointer<UInt8>, id: UInt32, hash: UInt64) -> Bool {
        starts[Int(id)] = UInt32(truncatingIfNeeded: arena.count)
        lengths[Int(id)] = UInt32(truncatingIfNeeded: text.count)
        arena.append(contentsOf: text)
        if 2 * (stored + 1) > slots.count { grow() }
        let slot = find(text, hash: hash)
        guard slots[slot] == Self.none else { return false }
        slots[slot] = id
        stored += 1
        return true
    }

    /// The bytes of an id; empty for an id without text.
    @inline(__always)
    func range(of id: UInt32) -> Range<Int> {
        let start = Int(starts[Int(id)])
        return start..<(start + Int(lengths[Int(id)]))
    }

    func text(of id: UInt32) -> ArraySlice<UInt8> {
        arena[range(of: id)]
    }

    /// The id of a text, or ``none``.
    func id(of text: UnsafeBufferPointer<UInt8>, hash: UInt64) -> UInt32 {
        slots[find(text, hash: hash)]
    }

    func id(of text: [UInt8]) -> UInt32 {
        text.withUnsafeBufferPointer { id(of: $0, hash: Self.hash(text)) }
    }

    private func find(_ text: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: mix(hash)) & mask
        return slots.withUnsafeBufferPointer { slots in
            arena.withUnsafeBufferPointer { arena in
                while slots[slot] != Self.none {
                    let id = Int(slots[slot])
                    if Int(lengths[id]) == text.count, let base = text.baseAddress, let arena = arena.baseAddress,
                        memcmp(arena + Int(starts[id]), base, text.count) == 0
                    {
                        return slot
                    }
                    slot = (slot + 1) & mask
                }
                return slot
            }
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt32](repeating: Self.none, count: 2 * old.count)
        let mask = slots.count - 1
        for id in old where id != Self.none {
            var slot = Int(truncatingIfNeeded: mix(Self.hash(text(of: id)))) & mask
            while slots[slot] != Self.none { slot = (slot + 1) & mask }
            slots[slot] = id
        }
    }

    private func mix(_ hash: UInt64) -> UInt64 {
        let folded = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
        return folded ^ folded >> 32
    }
}
