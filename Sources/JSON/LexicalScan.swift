/// One pass over the tokens of a JSON text, before json-c builds the tree.
///
/// json-c is lenient, and its strict mode closes only some of the gaps: it takes `NaN`, replaces lone surrogates, cuts a
/// key at U+0000, and lets a later member replace an earlier one of the same name. This pass accepts only the tokens of
/// RFC 8259 and counts the members, so that a lost one is noticed. The order of tokens is json-c's concern.
struct LexicalScan {
    /// Something that is no token, and where.
    struct Fault: Error {
        var offset: Int
        var reason: String
    }

    /// The number of `:` outside strings, which is that of the members when the text is well formed.
    private(set) var memberCount = 0
    /// In order of the text, the integers that json-c reads as `Int64.min` or `UInt64.max`, exactly or because it clamps.
    private(set) var extremeIntegers: [JSON] = []

    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        self.bytes = bytes
        try scan()
    }

    private mutating func scan() throws(Fault) {
        var afterComma = false
        var nulInLastString = false
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                index += 1
                continue
            case UInt8(ascii: "\""):
                nulInLastString = try skipString()
            case UInt8(ascii: ":"):
                if nulInLastString {
                    throw Fault(
                        offset: index,
                        reason: "the key before this ':' contains U+0000, which is not supported"
                    )
                }
                memberCount += 1
                index += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if afterComma { throw Fault(offset: index, reason: "expected a value after ','") }
                index += 1
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ","):
                index += 1
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try skipNumber()
            case UInt8(ascii: "t"): try skipWord("true")
            case UInt8(ascii: "f"): try skipWord("false")
            case UInt8(ascii: "n"): try skipWord("null")
            default: throw Fault(offset: index, reason: "expected a JSON value, found \(Self.name(of: byte))")
            }
            afterComma = byte == UInt8(ascii: ",")
        }
    }

    /// Moves past a string; true when it has an escaped U+0000.
    private mutating func skipString() throws(Fault) -> Bool {
        let start = index
        var hasNul = false
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return hasNul
            }
            if byte == UInt8(ascii: "\\") {
                if try skipEscape() { hasNul = true }
            } else if byte < 0x20 {
                throw Fault(offset: index, reason: "a string may hold \(Self.name(of: byte)) only as an escape")
            } else {
                index += 1
            }
        }
        throw Fault(offset: start, reason: "the string that starts here has no end")
    }

    /// Moves past an escape; true when it is that of U+0000.
    private mutating func skipEscape() throws(Fault) -> Bool {
        let start = index
        guard index + 1 < bytes.count else { throw Fault(offset: start, reason: "the text ends in an escape") }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            index += 2
            return false
        case UInt8(ascii: "u"):
            index += 2
            let unit = try codeUnit(of: start)
            if unit & 0xFC00 == 0xD800 {
                guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
                else { throw Fault(offset: start, reason: "a high surrogate without the low one that must follow") }
                index += 2
                guard try codeUnit(of: start) & 0xFC00 == 0xDC00 else {
                    throw Fault(offset: start, reason: "a high surrogate without the low one that must follow")
                }
            } else if unit & 0xFC00 == 0xDC00 {
                throw Fault(offset: start, reason: "a low surrogate without the high one that must precede it")
            }
            return unit == 0
        default:
            throw Fault(offset: start, reason: "an unknown escape")
        }
    }

    /// The four hexadecimal digits of an escape that began at `start`.
    private mutating func codeUnit(of start: Int) throws(Fault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw Fault(offset: start, reason: "the text ends in an escape") }
            let digit: UInt8
            switch bytes[index] {
            case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"):
                digit = byte - UInt8(ascii: "a") + 10
            case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"):
                digit = byte - UInt8(ascii: "A") + 10
            default: throw Fault(offset: start, reason: "expected four hexadecimal digits after \\u")
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    private mutating func skipNumber() throws(Fault) {
        let start = index
        var isInteger = true
        var exponentDigits = 0
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        guard skipDigits() > 0 else { throw Fault(offset: start, reason: "expected digits after '-'") }
        if bytes[firstDigit] == UInt8(ascii: "0"), index > firstDigit + 1 {
            throw Fault(offset: start, reason: "a number may not start with 0")
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            guard skipDigits() > 0 else { throw Fault(offset: start, reason: "expected digits after '.'") }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            exponentDigits = skipDigits()
            guard exponentDigits > 0 else { throw Fault(offset: start, reason: "expected digits in the exponent") }
        }
        if index < bytes.count, "+-.eE".utf8.contains(bytes[index]) {
            throw Fault(offset: start, reason: "malformed number")
        }
        // Int64.min and UInt64.max have 19 and 20 digits.
        if isInteger, index - firstDigit >= 19 { try noteExtremeInteger(start..<index) }
        // 200 digits and an exponent of two digits stay below 1e300; only other numbers need a closer look.
        if !isInteger, index - start > 200 || exponentDigits > 2 {
            guard let number = Double(String(decoding: bytes[start..<index], as: UTF8.self)), number.isFinite else {
                throw Self.tooLarge(at: start)
            }
        }
    }

    private static func tooLarge(at offset: Int) -> Fault {
        Fault(offset: offset, reason: "the number is too large for 64-bit floating point")
    }

    private mutating func noteExtremeInteger(_ range: Range<Int>) throws(Fault) {
        let literal = String(decoding: bytes[range], as: UTF8.self)
        if let signed = Int64(literal) {
            if signed == .min { extremeIntegers.append(.integer(signed)) }
        } else if let unsigned = UInt64(literal) {
            if unsigned == .max { extremeIntegers.append(.unsigned(unsigned)) }
        } else if let number = Double(literal), number.isFinite {
            extremeIntegers.append(.number(number))
        } else {
            throw Self.tooLarge(at: range.lowerBound)
        }
    }

    private mutating func skipDigits() -> Int {
        let start = index
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") { index += 1 }
        return index - start
    }

    private mutating func skipWord(_ word: StaticString) throws(Fault) {
        let length = word.utf8CodeUnitCount
        for place in 0..<length {
            guard index + place < bytes.count, bytes[index + place] == word.utf8Start[place] else {
                throw Fault(offset: index, reason: "expected \(word)")
            }
        }
        index += length
    }

    private static func name(of byte: UInt8) -> String {
        if byte > 0x20, byte < 0x7F { return "'\(Character(UnicodeScalar(byte)))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "the byte 0x" + (digits.count < 2 ? "0" : "") + digits
    }
}
