/// Which adjacent symbols join: (left, right) to (rank, joined symbol), in one open-addressing hash table.
///
/// Lower ranks merge first. Immutable once built; key and value share a cache line because nearly every lookup while
/// encoding is a miss in the data cache.
struct MergeTable: Sendable {
    /// What a lookup gives for symbols that do not join; its rank is larger than any real one.
    static let none = UInt64.max

    fileprivate struct Entry {
        var key = UInt64.max
        var value = MergeTable.none
    }

    private var entries: [Entry]
    private var mask: UInt64
    private(set) var count = 0

    /// Makes an empty table that takes `capacity` merges without growing.
    init(capacity: Int = 0) {
        var size = 64
        while size < 2 * (capacity + 1) { size *= 2 }
        entries = [Entry](repeating: Entry(), count: size)
        mask = UInt64(size - 1)
    }

    /// Adds a merge; of two with the same pair the first stays unless `replacing` is true.
    mutating func insert(left: UInt32, right: UInt32, rank: UInt32, joined: UInt32, replacing: Bool = false) {
        if 2 * (count + 1) > entries.count { grow() }
        let key = UInt64(left) << 32 | UInt64(right)
        let slot = slot(of: key)
        let isNew = entries[slot].key != key
        if !isNew, !replacing { return }
        entries[slot] = Entry(key: key, value: UInt64(rank) << 32 | UInt64(joined))
        if isNew { count += 1 }
    }

    /// Runs `body` with a fast view of the table.
    @inline(__always)
    func withLookup<Result>(_ body: (Lookup) throws -> Result) rethrows -> Result {
        try entries.withUnsafeBufferPointer { entries in
            try body(Lookup(entries: entries.baseAddress, mask: mask))
        }
    }

    /// A view that lives as long as the closure of ``withLookup(_:)``.
    struct Lookup {
        fileprivate let entries: UnsafePointer<Entry>?
        fileprivate let mask: UInt64

        /// `rank << 32 | joined`, or ``MergeTable/none``.
        @inline(__always)
        func callAsFunction(_ left: UInt32, _ right: UInt32) -> UInt64 {
            guard let entries else { return MergeTable.none }
            let key = UInt64(left) << 32 | UInt64(right)
            var slot = MergeTable.hash(key) & mask
            while true {
                let entry = entries[Int(truncatingIfNeeded: slot)]
                if entry.key == key || entry.key == UInt64.max { return entry.value }
                slot = (slot &+ 1) & mask
            }
        }
    }

    @inline(__always)
    fileprivate static func hash(_ key: UInt64) -> UInt64 {
        let product = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
        return product >> 32
    }

    private func slot(of key: UInt64) -> Int {
        var slot = Self.hash(key) & mask
        while entries[Int(slot)].key != key, entries[Int(slot)].key != UInt64.max {
            slot = (slot &+ 1) & mask
        }
        return Int(slot)
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: 2 * old.count)
        mask = UInt64(entries.count - 1)
        for entry in old where entry.key != UInt64.max {
            entries[slot(of: entry.key)] = entry
        }
    }
}
