import Glibc

/// Remembers how short words merged: direct-mapped, a newer word replaces an older one.
///
/// Natural text repeats its words, and a hit costs one hash and one comparison instead of a chain of merges.
struct WordCache {
    /// Symbols in the longest word that is remembered.
    static let wordLimit = 16

    private static let slotCount = 1 << 13
    // Per slot: symbols in the word (0 if empty), symbols in the result, the word, the result.
    private static let slotWidth = 2 + 2 * wordLimit

    private var slots: Slots?

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
        guard let slot = slots?.words else { return false }
        let base = key.slot * Self.slotWidth
        guard slot[base] == UInt32(truncatingIfNeeded: key.count) else { return false }
        for index in 0..<key.count where slot[base + 2 + index] != word[index] { return false }
        let resultCount = Int(slot[base + 1])
        let result = base + 2 + Self.wordLimit
        for index in 0..<resultCount { word[index] = slot[result + index] }
        word.removeLast(key.count - resultCount)
        return true
    }

    mutating func store(_ key: Key, result: [UInt32]) {
        let known = slots ?? Slots(count: Self.slotCount * Self.slotWidth)
        slots = known
        guard let slot = known?.words else { return }
        let base = key.slot * Self.slotWidth
        slot[base] = UInt32(truncatingIfNeeded: key.count)
        slot[base + 1] = UInt32(truncatingIfNeeded: result.count)
        for index in 0..<key.count { slot[base + 2 + index] = key.word[index] }
        for index in 0..<result.count { slot[base + 2 + Self.wordLimit + index] = result[index] }
    }
}

/// Zeroed words whose pages cost nothing until they are used: most tokenizers of a test encode a few words each.
private final class Slots {
    let words: UnsafeMutablePointer<UInt32>

    /// - Returns: nil where there is no memory; the cache then remembers nothing.
    init?(count: Int) {
        guard let memory = calloc(count, MemoryLayout<UInt32>.stride) else { return nil }
        words = memory.bindMemory(to: UInt32.self, capacity: count)
    }

    deinit { free(words) }
}
