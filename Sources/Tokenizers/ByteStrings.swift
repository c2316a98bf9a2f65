/// Byte strings by number, one behind the other in one array.
struct ByteStrings: Sendable {
    private(set) var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    var count: Int { ends.count }

    mutating func reserveCapacity(strings: Int, bytes: Int) {
        ends.reserveCapacity(strings)
        self.bytes.reserveCapacity(bytes)
    }

    /// Adds the next string.
    mutating func append(_ string: some Sequence<UInt8>) {
        bytes.append(contentsOf: string)
        ends.append(UInt32(truncatingIfNeeded: bytes.count))
    }

    @inline(__always)
    func start(_ index: UInt32) -> Int {
        index == 0 ? 0 : Int(ends[Int(index) - 1])
    }

    @inline(__always)
    func length(_ index: UInt32) -> Int {
        Int(ends[Int(index)]) - start(index)
    }

    subscript(index: UInt32) -> Range<Int> {
        start(index)..<Int(ends[Int(index)])
    }

    /// The numbers of the strings in the order of their bytes, a string before those that it starts.
    func sorted() -> [UInt32] {
        struct Key {
            // The first eight bytes; missing ones are zero.
            var front: UInt64
            var index: UInt32
        }
        return bytes.withUnsafeBufferPointer { bytes in
            var keys = (0..<UInt32(truncatingIfNeeded: count)).map { index in
                let range = self[index]
                var front: UInt64 = 0
                for offset in 0..<8 {
                    let byte = offset < range.count ? bytes[range.lowerBound + offset] : 0
                    front = front << 8 | UInt64(byte)
                }
                return Key(front: front, index: index)
            }
            keys.sort { left, right in
                if left.front != right.front { return left.front < right.front }
                return UnsafeBufferPointer(rebasing: bytes[self[left.index]])
                    .lexicographicallyPrecedes(UnsafeBufferPointer(rebasing: bytes[self[right.index]]))
            }
            return keys.map { $0.index }
        }
    }
}
