/// What the bytes at the front of a buffer are, read as UTF-8 (Unicode 16, table 3-7: no overlong forms, no surrogates,
/// nothing above U+10FFFF).
enum UTF8Sequence: Equatable {
    /// A well-formed sequence.
    case scalar(value: UInt32, length: Int)

    /// No well-formed sequence starts here; `length` is that of the maximal subpart, at least 1.
    case malformed(length: Int)

    /// The buffer ended inside a sequence that is well-formed so far.
    case incomplete

    /// Reads the sequence at `start`, which must lie below `end`.
    @inline(__always)
    init(_ bytes: UnsafePointer<UInt8>, at start: Int, end: Int) {
        let lead = bytes[start]
        if lead < 0x80 {
            self = .scalar(value: UInt32(lead), length: 1)
            return
        }
        let length: Int
        var value: UInt32
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0xC2...0xDF:
            length = 2
            value = UInt32(lead & 0x1F)
        case 0xE0...0xEF:
            length = 3
            value = UInt32(lead & 0x0F)
            if lead == 0xE0 { low = 0xA0 }
            if lead == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            value = UInt32(lead & 0x07)
            if lead == 0xF0 { low = 0x90 }
            if lead == 0xF4 { high = 0x8F }
        default:
            self = .malformed(length: 1)
            return
        }
        var index = 1
        while index < length {
            if start + index >= end {
                self = .incomplete
                return
            }
            let byte = bytes[start + index]
            if byte < low || byte > high {
                self = .malformed(length: index)
                return
            }
            low = 0x80
            high = 0xBF
            value = value << 6 | UInt32(byte & 0x3F)
            index += 1
        }
        self = .scalar(value: value, length: length)
    }

    /// U+FFFD in UTF-8.
    static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// Whether all of `bytes` is well-formed UTF-8.
    static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var position = 0
        while true {
            position = asciiEnd(base, position, bytes.count)
            if position == bytes.count { return true }
            guard case .scalar(_, let length) = UTF8Sequence(base, at: position, end: bytes.count) else { return false }
            position += length
        }
    }
}

/// Calls `body` with each code point of `bytes` and the offset and length it was read from; a byte that belongs to no
/// well-formed sequence counts as one U+FFFD of length 1.
@inline(__always)
func forEachCodePoint(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ body: (_ value: UInt32, _ offset: Int, _ length: Int) -> Void
) {
    guard let base = bytes.baseAddress else { return }
    var position = 0
    while position < bytes.count {
        let lead = base[position]
        if lead < 0x80 {
            body(UInt32(lead), position, 1)
            position += 1
        } else if case .scalar(let value, let length) = UTF8Sequence(base, at: position, end: bytes.count) {
            body(value, position, length)
            position += length
        } else {
            body(0xFFFD, position, 1)
            position += 1
        }
    }
}

/// Appends the UTF-8 form of a code point that is known to be a Unicode scalar value.
@inline(__always)
func appendUTF8(_ value: UInt32, to bytes: inout [UInt8]) {
    forEachUTF8Byte(of: value) { bytes.append($0) }
}

/// Calls `body` with each UTF-8 byte of a code point.
@inline(__always)
func forEachUTF8Byte(of value: UInt32, _ body: (UInt8) -> Void) {
    switch value {
    case 0..<0x80:
        body(UInt8(truncatingIfNeeded: value))
    case 0x80..<0x800:
        body(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
        body(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    case 0x800..<0x10000:
        body(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
        body(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
        body(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    default:
        body(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
        body(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
        body(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
        body(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    }
}
