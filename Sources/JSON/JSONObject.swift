/// The members of a JSON object, in the order in which they were written, with lookup in constant time.
///
/// Keys are compared byte by byte, so `"é"` precomposed and decomposed are two keys.
public struct JSONObject: Sendable {
    /// The keys, in order.
    public private(set) var keys: [String]
    /// The values, in the order of `keys`.
    public private(set) var values: [JSON]

    /// Open addressing with linear probing: position + 1 in `keys`, 0 for free.
    ///
    /// Empty while the object is so small that
    /// a scan is quicker. The count is a power of two, at least twice that of the keys.
    private var slots: [UInt32] = []

    private static let largestScan = 8

    /// An object without members.
    public init() {
        keys = []
        values = []
    }

    /// An object with the given members; a repeated key keeps its first place and its last value.
    ///
    /// - Parameter members: Keys and values in order.
    public init(_ members: some Sequence<(String, JSON)>) {
        self.init()
        for (key, value) in members { updateValue(value, forKey: key) }
    }

    /// An object whose keys are known to differ.
    init(distinctKeys keys: [String], values: [JSON]) {
        self.keys = keys
        self.values = values
        rebuildSlots()
    }

    /// The number of members.
    public var count: Int { keys.count }

    /// Whether there are no members.
    public var isEmpty: Bool { keys.isEmpty }

    /// The value of a member, nil when there is none of that name.
    public subscript(key: String) -> JSON? {
        position(of: key).map { values[$0] }
    }

    /// The place of a key among `keys`, nil when there is none.
    ///
    /// - Parameter key: The key; compared byte by byte.
    /// - Returns: The position.
    public func position(of key: String) -> Int? {
        if slots.isEmpty { return keys.firstIndex { Self.sameBytes($0, key) } }
        let found = slots[slot(for: key)]
        return found == 0 ? nil : Int(found) - 1
    }

    /// Sets the value of a member; a new one goes to the end.
    ///
    /// - Parameters:
    ///   - value: The new value.
    ///   - key: The member's key.
    public mutating func updateValue(_ value: JSON, forKey key: String) {
        if let position = position(of: key) {
            values[position] = value
            return
        }
        keys.append(key)
        values.append(value)
        if keys.count * 2 > slots.count {
            rebuildSlots()
        } else {
            let free = slot(for: key)
            slots[free] = UInt32(keys.count)
        }
    }

    private mutating func rebuildSlots() {
        slots = []
        guard keys.count > Self.largestScan else { return }
        var size = 32
        while size < keys.count * 4 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for position in keys.indices {
            let free = slot(for: keys[position])
            slots[free] = UInt32(position + 1)
        }
    }

    /// The slot that holds `key`, or the free one where it belongs.
    private func slot(for key: String) -> Int {
        let mask = slots.count - 1
        var slot = Self.hash(key) & mask
        while slots[slot] != 0, !Self.sameBytes(keys[Int(slots[slot]) - 1], key) {
            slot = (slot + 1) & mask
        }
        return slot
    }

    /// A hash of the bytes, seeded anew in each process, so that no file can be written to make it slow.
    private static func hash(_ key: String) -> Int {
        var hasher = Hasher()
        if key.utf8.withContiguousStorageIfAvailable({ hasher.combine(bytes: UnsafeRawBufferPointer($0)) }) == nil {
            var copy = key
            copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
        return hasher.finalize()
    }

    private static func sameBytes(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
    }
}

extension JSONObject: Sequence {
    /// Iterates over the members in order.
    public func makeIterator() -> Zip2Sequence<[String], [JSON]>.Iterator {
        zip(keys, values).makeIterator()
    }

    /// The number of members, for callers that reserve room.
    public var underestimatedCount: Int { count }
}

extension JSONObject: Equatable {
    /// Whether both have the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.allSatisfy { key, value in right[key] == value }
    }
}
