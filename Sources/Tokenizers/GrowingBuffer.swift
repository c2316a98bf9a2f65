/// A list in memory of its own, for loops in which an array's checks would cost more than the work.
///
/// Whoever holds one calls ``deallocate()`` at the end.
struct GrowingBuffer<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private(set) var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    func deallocate() {
        base.deallocate()
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        base[count] = element
        count += 1
    }

    /// The last element, which there must be.
    @inline(__always)
    var last: Element { base[count - 1] }

    @inline(__always)
    mutating func removeLast() {
        count -= 1
    }

    @inline(__always)
    mutating func removeAll() {
        count = 0
    }

    private mutating func grow(to larger: Int = 0) {
        let capacity = max(larger, 2 * capacity)
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        memory.update(from: base, count: count)
        base.deallocate()
        base = memory
        self.capacity = capacity
    }
}

extension GrowingBuffer where Element == UInt8 {
    /// Appends bytes of `arena`, which goes on for ``DecodingVocabulary/padding`` bytes behind the last that are wanted.
    @inline(__always)
    mutating func append(_ arena: UnsafeBufferPointer<UInt8>, from start: Int, count length: Int) {
        let padding = DecodingVocabulary.padding
        if count + max(length, padding) > capacity { grow(to: count + length + padding) }
        guard let from = UnsafeRawPointer(arena.baseAddress) else { return }
        let to = UnsafeMutableRawPointer(base + count)
        if length <= padding {
            // Most tokens are short: sixteen bytes at once, of which only those that are wanted stay.
            let bytes = (from + start).loadUnaligned(as: SIMD16<UInt8>.self)
            to.storeBytes(of: bytes, as: SIMD16<UInt8>.self)
        } else {
            to.copyMemory(from: from + start, byteCount: length)
        }
        count += length
    }
}
