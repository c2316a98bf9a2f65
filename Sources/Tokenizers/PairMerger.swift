/// Byte-pair merging as it is defined, merge by merge, with buffers that are reused from word to word.
///
/// The rule, the same in sentencepiece and tokenizers: among all adjacent symbols that join, the pair of the lowest rank
/// joins first, the leftmost of equals; until none is left.
///
/// ``BytePairEncoder`` gives the same faster; this is for what it cannot decide by its tables.
///
/// Not `Sendable`.
final class PairMerger {
    // Words of up to this many symbols are merged by scanning for the lowest rank, longer ones with a queue.
    private static let scanLimit = 40

    private var values: [UInt64] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var queue: [UInt64] = []

    /// Merges the symbols of one word in place.
    @inline(__always)
    func merge(_ symbols: inout [UInt32], _ table: MergeTable) {
        if symbols.count < 2 { return }
        if symbols.count <= Self.scanLimit {
            table.withLookup { scan(&symbols, $0) }
        } else {
            table.withLookup { mergeWithQueue(&symbols, $0) }
        }
    }

    private func scan(_ symbols: inout [UInt32], _ lookup: MergeTable.Lookup) {
        var count = symbols.count
        if values.count < Self.scanLimit { values = [UInt64](repeating: 0, count: Self.scanLimit) }
        symbols.withUnsafeMutableBufferPointer { symbols in
            values.withUnsafeMutableBufferPointer { values in
                for index in 0..<(count - 1) {
                    values[index] = lookup(symbols[index], symbols[index + 1])
                }
                while count > 1 {
                    var best = 0
                    var bestRank = values[0] >> 32
                    for index in 1..<max(count - 1, 1) where values[index] >> 32 < bestRank {
                        best = index
                        bestRank = values[index] >> 32
                    }
                    if values[best] == MergeTable.none { break }
                    symbols[best] = UInt32(truncatingIfNeeded: values[best])
                    count -= 1
                    var index = best + 1
                    while index < count {
                        symbols[index] = symbols[index + 1]
                        values[index - 1] = values[index]
                        index += 1
                    }
                    if best > 0 { values[best - 1] = lookup(symbols[best - 1], symbols[best]) }
                    if best + 1 < count { values[best] = lookup(symbols[best], symbols[best + 1]) }
                }
            }
        }
        symbols.removeLast(symbols.count - count)
    }

    /// A doubly linked list of symbols and a binary heap of `rank << 32 | position of the left symbol`.
    ///
    /// An entry is stale when the pair at its position no longer has its rank; joining never makes a pair return.
    private func mergeWithQueue(_ symbols: inout [UInt32], _ lookup: MergeTable.Lookup) {
        let count = symbols.count
        if next.count < count {
            next = [Int32](repeating: 0, count: count)
            previous = [Int32](repeating: 0, count: count)
        }
        if values.count < count { values = [UInt64](repeating: 0, count: count) }
        queue.removeAll(keepingCapacity: true)
        for index in 0..<count {
            next[index] = Int32(truncatingIfNeeded: index + 1)
            previous[index] = Int32(truncatingIfNeeded: index - 1)
            values[index] = index + 1 < count ? lookup(symbols[index], symbols[index + 1]) : MergeTable.none
            if values[index] != MergeTable.none { queue.append(Self.entry(values[index], at: index)) }
        }
        // A sorted array is a heap.
        queue.sort()
        while let entry = popQueue() {
            let left = Int(entry & 0xFFFF_FFFF)
            let value = values[left]
            if value == MergeTable.none || value >> 32 != entry >> 32 { continue }
            let right = Int(next[left])
            symbols[left] = UInt32(truncatingIfNeeded: value)
            values[right] = MergeTable.none
            let after = Int(next[right])
            next[left] = Int32(truncatingIfNeeded: after)
            if after < count {
                previous[after] = Int32(truncatingIfNeeded: left)
                setValue(lookup(symbols[left], symbols[after]), at: left)
            } else {
                values[left] = MergeTable.none
            }
            if previous[left] >= 0 {
                let before = Int(previous[left])
                setValue(lookup(symbols[before], symbols[left]), at: before)
            }
        }
        var kept = 0
        var index = 0
        while index < count {
            symbols[kept] = symbols[index]
            kept += 1
            index = Int(next[index])
        }
        symbols.removeLast(count - kept)
    }

    @inline(__always)
    private static func entry(_ value: UInt64, at position: Int) -> UInt64 {
        value & 0xFFFF_FFFF_0000_0000 | UInt64(truncatingIfNeeded: position)
    }

    @inline(__always)
    private func setValue(_ value: UInt64, at position: Int) {
        values[position] = value
        if value != MergeTable.none { pushQueue(Self.entry(value, at: position)) }
    }

    private func pushQueue(_ entry: UInt64) {
        queue.append(entry)
        queue.withUnsafeMutableBufferPointer { heap in
            var index = heap.count - 1
            while index > 0 {
                let parent = (index - 1) >> 1
                if heap[parent] <= entry { break }
                heap[index] = heap[parent]
                index = parent
            }
            heap[index] = entry
        }
    }

    private func popQueue() -> UInt64? {
        guard let last = queue.popLast() else { return nil }
        guard let first = queue.first else { return last }
        queue.withUnsafeMutableBufferPointer { heap in
            var index = 0
            while true {
                var child = 2 * index + 1
                if child >= heap.count { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                if last <= heap[child] { break }
                heap[index] = heap[child]
                index = child
            }
            heap[index] = last
        }
        return first
    }
}
