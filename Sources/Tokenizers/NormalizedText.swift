/// Collects the text that is encoded: valid UTF-8, in which one byte may stand for U+2581.
struct NormalizedText {
    private var bytes: [UInt8]

    /// Takes the memory of `bytes`, whose content is lost; ``finish(_:)`` gives it back.
    init(reusing bytes: inout [UInt8], capacity: Int) {
        self.bytes = []
        swap(&self.bytes, &bytes)
        self.bytes.removeAll(keepingCapacity: true)
        self.bytes.reserveCapacity(capacity)
    }

    mutating func finish(_ bytes: inout [UInt8]) {
        swap(&self.bytes, &bytes)
    }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// Appends a text with U+FFFD for each byte that belongs to no well-formed sequence, and with a space for U+2581 if
    /// `foldsMark` is true.
    mutating func append(_ text: UnsafePointer<UInt8>, _ count: Int, foldsMark: Bool) {
        var position = 0
        // What is copied as it is, at once.
        var unchanged = 0
        while position < count {
            position = asciiEnd(text, position, count)
            if position == count { break }
            let sequence = UTF8Sequence(text, at: position, end: count)
            if case .scalar(let value, let length) = sequence, !foldsMark || value != 0x2581 {
                position += length
                continue
            }
            bytes.append(contentsOf: UnsafeBufferPointer(start: text + unchanged, count: position - unchanged))
            if case .scalar(_, let length) = sequence {
                bytes.append(0x20)
                position += length
            } else {
                bytes.append(contentsOf: UTF8Sequence.replacement)
                position += 1
            }
            unchanged = position
        }
        bytes.append(contentsOf: UnsafeBufferPointer(start: text + unchanged, count: count - unchanged))
    }
}

/// Where the run of ASCII from `start` ends.
@inline(__always)
func asciiEnd(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var position = start
    while position + 8 <= end {
        let word = UnsafeRawPointer(text + position).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080
        if word != 0 { return position + word.littleEndian.trailingZeroBitCount >> 3 }
        position += 8
    }
    while position < end, text[position] < 0x80 { position += 1 }
    return position
}
