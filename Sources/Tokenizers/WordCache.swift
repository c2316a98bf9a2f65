/// Remembers how short words merged: direct-mapped, a newer word replaces an older one.
///
/// Natural text repeats its words, and a hit costs one hash and one comparison instead of a chain of merges.
struct WordCache {
    /// Symbols in the longest word that is remembered.
    static let wordLimit = 16

    private static let slotCount = 1 << 13
    // Per slot: symbols in the word (0 if empty), symbols in the result, the word, the result.
    private static let slotWidth = 2 + 2 * wordLimit

    private var slots: [UInt32] = []

    /// A word and where it belongs.
    struct Key {
        fileprivate let slot: Int
        fileprivate let count: Int
        fileprivate var word: InlineArray<16, UInt32>
    }

    func key(of word: [UInt32]) -> Key {
        var copy = InlineArray<16, UInt32>(repeating: 0)
        var hash = UInt64(word.count)
        for index in 0..<min(word.count, Self.wordLimit) {
            copy[index] = word[index]
            hash = (hash ^ UInt64(word[index])) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Key(slot: Int(truncatingIfNeeded: hash >> 8) & (Self.slotCount - 1), count: word.count, word: copy)
    }

    /// Replaces `word`, from which `key` was made, by its result if that is known.
    func load(_ key: Key, into word: inout [UInt32]) -> Bool {
        guard !slots.isEmpty else { return false }
        let base = key.slot * Self.slotWidth
        return slots.withUnsafeBufferPointer { slots in
            guard slots[base] == UInt32(truncatingIfNeeded: key.count) else { return false }
            for index in 0..<key.count where slots[base + 2 + index] != word[index] { return false }
            let resultCount = Int(slots[base + 1])
            let result = base + 2 + Self.wordLimit
            for index in 0..<resultCount { word[index] = slots[result + index] }
            word.removeLast(key.count - resultCount)
            return true
        }
    }

    mutating func store(_ key: Key, result: [UInt32]) {
        if slots.isEmpty { slots = [UInt32](repeating: 0, count: Self.slotCount * Self.slotWidth) }
        let base = key.slot * Self.slotWidth
        slots[base] = UInt32(truncatingIfNeeded: key.count)
        slots[base + 1] = UInt32(truncatingIfNeeded: result.count)
        for index in 0..<key.count { slots[base + 2 + index] = key.word[index] }
        for index in 0..<result.count { slots[base + 2 + Self.wordLimit + index] = result[index] }
    }
}
