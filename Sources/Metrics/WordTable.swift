/// Gives each distinct word a small number.
struct WordTable {
    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private var starts: [Int] = [0]
    private var letters: [UInt8] = []

    /// An empty table.
    init() { slots = [Int32](repeating: -1, count: 1 << 12) }

    /// How many distinct words there are.
    var count: Int { hashes.count }

    /// The number of a word, and whether it is a new one.
    mutating func number(of word: [UInt8]) -> (number: Int, isNew: Bool) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in word { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 29
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let known = Int(slots[slot])
            if hashes[known] == hash, equals(known, word) { return (known, false) }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = hashes.count
        slots[slot] = Int32(number)
        hashes.append(hash)
        letters.append(contentsOf: word)
        starts.append(letters.count)
        if 2 * count > slots.count { grow() }
        return (number, true)
    }

    /// The letters of a word.
    func word(_ number: Int) -> ArraySlice<UInt8> { letters[starts[number]..<starts[number + 1]] }

    private func equals(_ number: Int, _ word: [UInt8]) -> Bool {
        let start = starts[number]
        guard starts[number + 1] - start == word.count else { return false }
        for position in word.indices where letters[start + position] != word[position] { return false }
        return true
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: 2 * slots.count)
        for (number, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }
}
