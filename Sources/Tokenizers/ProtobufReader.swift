/// Reads the protobuf wire format (https://protobuf.dev/programming-guides/encoding) from a range of bytes.
///
/// Only what sentencepiece's model file uses: varints, 32- and 64-bit words and length-delimited fields. Groups are an
/// error.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(Range<Int>)
        case fixed32(UInt32)
    }

    let bytes: UnsafeBufferPointer<UInt8>
    let source: String
    /// The message being read, for errors.
    let message: String
    private var position: Int
    private let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, range: Range<Int>, message: String, source: String) {
        self.bytes = bytes
        self.source = source
        self.message = message
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field's number and value, or nil at the end of the message.
    mutating func next() throws -> (field: Int, value: Value)? {
        guard position < end else { return nil }
        let start = position
        let tag = try varint()
        let field = tag >> 3
        guard field >= 1, field <= 0x1FFF_FFFF else {
            throw failure("byte \(start) holds field number \(field), outside 1...536870911")
        }
        switch tag & 7 {
        case 0:
            return (Int(field), .varint(try varint()))
        case 1:
            return (Int(field), .fixed64(try word(8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - position) else {
                throw failure("byte \(start): field \(field) claims \(length) bytes, \(end - position) are left")
            }
            let range = position..<(position + Int(length))
            position = range.upperBound
            return (Int(field), .bytes(range))
        case 5:
            return (Int(field), .fixed32(UInt32(truncatingIfNeeded: try word(4))))
        default:
            throw failure("byte \(start): field \(field) has wire type \(tag & 7), which this file type never uses")
        }
    }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw failure("byte \(position): a varint is longer than 10 bytes") }
        }
        throw failure("the message ends inside a varint at byte \(end)")
    }

    private mutating func word(_ size: Int) throws -> UInt64 {
        guard end - position >= size else {
            throw failure("the message ends inside a \(size)-byte word at byte \(end)")
        }
        var value: UInt64 = 0
        for index in 0..<size {
            value |= UInt64(bytes[position + index]) << UInt64(8 * index)
        }
        position += size
        return value
    }

    func failure(_ problem: String) -> TokenizerError {
        TokenizerError(
            source: source,
            field: message,
            problem: problem,
            advice: "the file is damaged or no sentencepiece model, fetch it again"
        )
    }
}
