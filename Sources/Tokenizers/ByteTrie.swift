/// Byte strings with a value each, found by walking a text: a double-array trie.
///
/// From state `s` byte `b` leads to `units[s].base ^ b`, if that unit names `s` as its parent: one load for each byte.
struct ByteTrie: Sendable {
    /// No value and no state.
    static let none = UInt32.max

    fileprivate struct Unit {
        // Where the children are; the two highest bits tell whether a string ends here.
        var base: UInt32
        var parent: UInt32
    }

    private static let isListed: UInt32 = 1 << 31
    private static let isString: UInt32 = 1 << 30
    private static let baseMask: UInt32 = isString - 1

    // A multiple of 256 units, so that no byte leads outside.
    private var units: [Unit] = []
    private var values: [UInt32] = []

    /// Builds the trie.
    ///
    /// - Parameters:
    ///   - strings: The strings; empty ones are left out.
    ///   - shorter: Receives, for each string, the longest other one that it starts with, or ``none``.
    init(_ strings: ByteStrings, shorter: inout [UInt32]) {
        shorter = [UInt32](repeating: Self.none, count: strings.count)
        var builder = Builder(strings)
        builder.build(&shorter)
        units = builder.units
        values = builder.values
    }

    /// Makes the strings with `isListed` the ones that ``View/longest(_:_:_:)`` finds.
    mutating func list(_ isListed: [Bool]) {
        for state in units.indices where units[state].base & Self.isString != 0 && isListed[Int(values[state])] {
            units[state].base |= Self.isListed
        }
    }

    @inline(__always)
    func withView<Result>(_ body: (View) throws -> Result) rethrows -> Result {
        try units.withUnsafeBufferPointer { units in
            try values.withUnsafeBufferPointer { values in
                guard let units = units.baseAddress, let values = values.baseAddress else {
                    preconditionFailure("a trie has at least one block")
                }
                return try body(View(units: units, values: values))
            }
        }
    }

    /// A view that lives as long as the closure of ``withView(_:)``.
    struct View {
        fileprivate let units: UnsafePointer<Unit>
        fileprivate let values: UnsafePointer<UInt32>

        /// The longest listed string at `start`, and where it ends; ``ByteTrie/none`` if there is none.
        @inline(__always)
        func longest(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (value: UInt32, end: Int) {
            var state: UInt32 = 0
            var base = units[0].base
            var found: UInt32 = 0
            var foundEnd = start
            var position = start
            while position < end {
                let child = base & ByteTrie.baseMask ^ UInt32(text[position])
                let unit = units[Int(child)]
                if unit.parent != state { break }
                position += 1
                state = child
                base = unit.base
                if base & ByteTrie.isListed != 0 {
                    found = child
                    foundEnd = position
                }
            }
            return found == 0 ? (ByteTrie.none, start) : (values[Int(found)], foundEnd)
        }

        /// The string that is all of the text from `start` to `end`, listed or not.
        @inline(__always)
        func whole(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> UInt32 {
            var state: UInt32 = 0
            var base = units[0].base
            for position in start..<end {
                let child = base & ByteTrie.baseMask ^ UInt32(text[position])
                let unit = units[Int(child)]
                if unit.parent != state { return ByteTrie.none }
                state = child
                base = unit.base
            }
            return base & ByteTrie.isString != 0 ? values[Int(state)] : ByteTrie.none
        }
    }

    // Children that stand together are sought a place among the free units of the last blocks, up to so many tries.
    private static let tries = 64
    private static let recentUnits = 4 * 256

    private struct Builder {
        let strings: ByteStrings
        var units: [Unit] = []
        var values: [UInt32] = []
        // One bit for each unit, set where it is taken.
        private var taken: [UInt64] = []
        // No unit of a lower word is free.
        private var firstFreeWord = 0

        init(_ strings: ByteStrings) {
            self.strings = strings
            units.reserveCapacity(2 * strings.bytes.count)
        }

        private struct Node {
            var state: UInt32
            var first: Int
            var end: Int
            var depth: Int
            /// The string that ends nearest above.
            var shorter: UInt32
        }

        mutating func build(_ shorter: inout [UInt32]) {
            let sorted = strings.sorted()
            addBlock()
            take(0)
            units[0].parent = ByteTrie.none
            var nodes = [Node(state: 0, first: 0, end: sorted.count, depth: 0, shorter: ByteTrie.none)]
            var labels: [UInt8] = []
            var starts: [Int] = []
            strings.bytes.withUnsafeBufferPointer { bytes in
                while var node = nodes.popLast() {
                    // Shorter strings come first.
                    while node.first < node.end, strings.length(sorted[node.first]) == node.depth {
                        let string = sorted[node.first]
                        node.first += 1
                        if node.depth == 0 { continue }
                        units[Int(node.state)].base |= ByteTrie.isString
                        values[Int(node.state)] = string
                        shorter[Int(string)] = node.shorter
                        node.shorter = string
                    }
                    if node.first == node.end { continue }
                    labels.removeAll(keepingCapacity: true)
                    starts.removeAll(keepingCapacity: true)
                    for index in node.first..<node.end {
                        let label = bytes[strings.start(sorted[index]) + node.depth]
                        if labels.last != label {
                            labels.append(label)
                            starts.append(index)
                        }
                    }
                    starts.append(node.end)
                    let base = place(labels)
                    units[Int(node.state)].base |= base
                    for (index, label) in labels.enumerated() {
                        let child = base ^ UInt32(label)
                        take(Int(child))
                        units[Int(child)].parent = node.state
                        nodes.append(
                            Node(
                                state: child,
                                first: starts[index],
                                end: starts[index + 1],
                                depth: node.depth + 1,
                                shorter: node.shorter
                            )
                        )
                    }
                }
            }
        }

        /// A base from which all labels lead to free units.
        private mutating func place(_ labels: [UInt8]) -> UInt32 {
            while firstFreeWord < taken.count, taken[firstFreeWord] == UInt64.max { firstFreeWord += 1 }
            let first = UInt32(labels[0])
            var word = firstFreeWord
            if labels.count > 1 { word = max(word, (units.count - min(ByteTrie.recentUnits, units.count)) >> 6) }
            var tries = 0
            while word < taken.count, tries < ByteTrie.tries {
                var free = ~taken[word]
                while free != 0, tries < ByteTrie.tries {
                    let unit = UInt32(truncatingIfNeeded: word << 6 + free.trailingZeroBitCount)
                    free &= free - 1
                    tries += 1
                    let base = unit ^ first
                    if labels.dropFirst().allSatisfy({ isFree(base ^ UInt32($0)) }) { return base }
                }
                word += 1
            }
            addBlock()
            return UInt32(truncatingIfNeeded: units.count - 256)
        }

        private func isFree(_ unit: UInt32) -> Bool {
            taken[Int(unit >> 6)] >> UInt64(unit & 63) & 1 == 0
        }

        private mutating func take(_ unit: Int) {
            taken[unit >> 6] |= 1 << UInt64(unit & 63)
        }

        private mutating func addBlock() {
            for _ in 0..<256 {
                units.append(Unit(base: 0, parent: ByteTrie.none))
                values.append(ByteTrie.none)
            }
            for _ in 0..<4 { taken.append(0) }
        }
    }
}
