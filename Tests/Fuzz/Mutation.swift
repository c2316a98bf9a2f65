/// One way to change an input.
enum Mutation: CaseIterable {
    case flipBit
    case setByte
    case truncate
    case removeRange
    case repeatRange
    case insertBytes
    case overwriteInteger
    case overwriteLeadingLength
    case insertToken
    case replaceToken
    case replaceDigits
    case splice

    /// Integers at which readers break: ends of ranges, and their neighbours.
    private static let integers: [UInt64] = [
        0, 1, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000,
        99_999_999, 100_000_000, 100_000_001, 1 << 40, 1 << 53, 1 << 61, 1 << 62, UInt64(Int64.max) - 7,
        UInt64(Int64.max),
        1 << 63, .max - 7, .max,
    ]

    func apply(to bytes: inout [UInt8], fuzzer: Fuzzer, _ random: inout SplitMix64) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch self {
        case .flipBit:
            guard place < bytes.count else { return }
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case .setByte:
            guard place < bytes.count else { return }
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        case .truncate:
            bytes.removeSubrange(place...)
        case .removeRange:
            bytes.removeSubrange(Self.range(from: place, in: bytes, &random))
        case .repeatRange:
            let range = Self.range(from: place, in: bytes, &random)
            bytes.insert(contentsOf: Array(bytes[range]), at: place)
        case .insertBytes:
            let count = Int.random(in: 1...8, using: &random)
            bytes.insert(contentsOf: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
        case .overwriteInteger:
            Self.overwrite(&bytes, at: place, &random)
        case .overwriteLeadingLength:
            Self.overwrite(&bytes, at: 0, &random)
        case .insertToken:
            guard let token = fuzzer.tokens.randomElement(using: &random) else { return }
            bytes.insert(contentsOf: token, at: place)
        case .replaceToken:
            guard let token = fuzzer.tokens.randomElement(using: &random) else { return }
            bytes.replaceSubrange(Self.token(around: place, in: bytes), with: token)
        case .replaceDigits:
            guard let digits = Self.digits(after: place, in: bytes) else { return }
            let number = Self.integers.randomElement(using: &random) ?? 0
            bytes.replaceSubrange(digits, with: Array(String(number).utf8))
        case .splice:
            guard let other = fuzzer.seeds.randomElement(using: &random) else { return }
            let range = Self.range(from: Int.random(in: 0...other.count, using: &random), in: other, &random)
            bytes.insert(contentsOf: other[range], at: place)
        }
    }

    private static func range(from place: Int, in bytes: [UInt8], _ random: inout SplitMix64) -> Range<Int> {
        place..<min(bytes.count, place + Int.random(in: 1...64, using: &random))
    }

    private static func overwrite(_ bytes: inout [UInt8], at place: Int, _ random: inout SplitMix64) {
        let value = integers.randomElement(using: &random) ?? 0
        let width = [1, 2, 4, 8].randomElement(using: &random) ?? 8
        for byte in 0..<width where place + byte < bytes.count {
            bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
        }
    }

    /// The word or number at a place, or the one byte there.
    private static func token(around place: Int, in bytes: [UInt8]) -> Range<Int> {
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        var start = place
        var end = place
        while start > 0, isWord(bytes[start - 1]) { start -= 1 }
        while end < bytes.count, isWord(bytes[end]) { end += 1 }
        return start..<(start == end ? min(end + 1, bytes.count) : end)
    }

    private static func digits(after place: Int, in bytes: [UInt8]) -> Range<Int>? {
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        guard let start = bytes[place...].firstIndex(where: isDigit) else { return nil }
        return start..<(bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count)
    }
}
