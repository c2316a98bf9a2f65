/// Writes the fields of one frame, little-endian.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    mutating func put(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    mutating func put(_ value: Int32) { put(UInt32(bitPattern: value)) }
    mutating func put(_ value: Double) { put(value.bitPattern) }

    mutating func put(_ content: UnsafeRawBufferPointer) {
        put(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    mutating func put(_ content: [UInt8]) { content.withUnsafeBytes { put($0) } }
    mutating func put(_ text: String) { put(Array(text.utf8)) }

    mutating func put(_ text: String?) {
        put(UInt32(text == nil ? 0 : 1))
        if let text { put(text) }
    }

    mutating func put(_ values: [UInt64]) {
        put(UInt64(values.count))
        for value in values { put(value) }
    }

    mutating func put(_ values: [UInt32]) {
        put(UInt64(values.count))
        for value in values { put(value) }
    }
}

/// Reads the fields of one frame; nothing that a peer sends makes it trap.
struct WireReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether every byte has been read.
    var isAtEnd: Bool { position == bytes.count }

    private mutating func take(_ count: Int) throws -> Range<Int> {
        guard count >= 0, count <= bytes.count - position else {
            throw WireError(reason: "a frame of \(bytes.count) bytes ends at \(position), where \(count) more are due")
        }
        defer { position += count }
        return position..<(position + count)
    }

    mutating func uint64() throws -> UInt64 {
        var value: UInt64 = 0
        for byte in bytes[try take(8)].reversed() { value = value << 8 | UInt64(byte) }
        return value
    }

    mutating func uint32() throws -> UInt32 {
        var value: UInt32 = 0
        for byte in bytes[try take(4)].reversed() { value = value << 8 | UInt32(byte) }
        return value
    }

    mutating func int32() throws -> Int32 { Int32(bitPattern: try uint32()) }
    mutating func double() throws -> Double { Double(bitPattern: try uint64()) }

    private mutating func count(of size: Int) throws -> Int {
        let count = try uint64()
        guard count <= UInt64((bytes.count - position) / size) else {
            throw WireError(reason: "a frame of \(bytes.count) bytes announces \(count) elements of \(size) bytes")
        }
        return Int(count)
    }

    mutating func content() throws -> [UInt8] { Array(bytes[try take(try count(of: 1))]) }
    mutating func string() throws -> String { String(decoding: try content(), as: UTF8.self) }
    mutating func optionalString() throws -> String? { try uint32() == 0 ? nil : try string() }

    mutating func uint64s() throws -> [UInt64] {
        let count = try count(of: 8)
        return try (0..<count).map { _ in try uint64() }
    }

    mutating func uint32s() throws -> [UInt32] {
        let count = try count(of: 4)
        return try (0..<count).map { _ in try uint32() }
    }
}

/// The peer sent something that is no frame of this protocol.
struct WireError: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
}
