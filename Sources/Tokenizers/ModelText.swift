/// The two large parts of a tokenizer.json, `model.vocab` and `model.merges`, read from the text without a tree of values.
///
/// Nearly all of a published file is these two, hundreds of thousands of strings. Only what is plainly right is read here;
/// whatever else the file holds, there is no `ModelText` of it, and the general reader decides what it is or says what is
/// wrong with it.
struct ModelText {
    /// The tokens' names, and the parts of merges two by two.
    private(set) var names = ByteStrings()
    private(set) var ids: [UInt32] = []
    private(set) var mergeParts = ByteStrings()
    /// The file with `{}` and `[]` in the places of the two.
    private(set) var rest: [UInt8] = []

    /// - Returns: nil where the two parts are not there once each in the form of published files.
    init?(_ bytes: [UInt8]) {
        guard bytes.withUnsafeBufferPointer(UTF8Sequence.isValid) else { return nil }
        let isRead = bytes.withUnsafeBufferPointer { bytes -> Bool in
            guard let base = bytes.baseAddress else { return false }
            var scanner = Scanner(base: base, end: bytes.count)
            return read(&scanner)
        }
        if !isRead { return nil }
    }

    private mutating func read(_ scanner: inout Scanner) -> Bool {
        var models = 0
        var done = 0
        var parts = 0
        let isRead = scanner.members { key, scanner in
            guard key.elementsEqual("model".utf8) else { return scanner.skipValue() }
            models += 1
            return scanner.members { key, scanner in
                let isVocabulary = key.elementsEqual("vocab".utf8)
                guard isVocabulary || key.elementsEqual("merges".utf8) else { return scanner.skipValue() }
                rest.append(contentsOf: UnsafeBufferPointer(start: scanner.base + done, count: scanner.position - done))
                rest.append(contentsOf: (isVocabulary ? "{}" : "[]").utf8)
                parts += isVocabulary ? 1 : 1 << 8
                guard isVocabulary ? readVocabulary(&scanner) : readMerges(&scanner) else { return false }
                done = scanner.position
                return true
            }
        }
        guard isRead, models == 1, parts == 1 + 1 << 8 else { return false }
        rest.append(contentsOf: UnsafeBufferPointer(start: scanner.base + done, count: scanner.end - done))
        return true
    }

    private mutating func readVocabulary(_ scanner: inout Scanner) -> Bool {
        guard scanner.take("{") else { return false }
        if scanner.take("}") { return true }
        var name: [UInt8] = []
        repeat {
            guard scanner.string(&name), scanner.take(":"), let id = scanner.number(),
                ids.count < TokenizerLimits.vocabulary, name.count <= TokenizerLimits.pieceBytes
            else { return false }
            names.append(name)
            ids.append(id)
        } while scanner.take(",")
        return scanner.take("}")
    }

    private mutating func readMerges(_ scanner: inout Scanner) -> Bool {
        guard scanner.take("[") else { return false }
        if scanner.take("]") { return true }
        var part: [UInt8] = []
        repeat {
            guard mergeParts.count < 2 * TokenizerLimits.merges else { return false }
            if scanner.take("[") {
                guard scanner.string(&part) else { return false }
                mergeParts.append(part)
                guard scanner.take(","), scanner.string(&part), scanner.take("]") else { return false }
                mergeParts.append(part)
            } else {
                let space = UInt8(ascii: " ")
                guard scanner.string(&part), let cut = part.firstIndex(of: space), part.lastIndex(of: space) == cut
                else { return false }
                mergeParts.append(part[..<cut])
                mergeParts.append(part[(cut + 1)...])
            }
        } while scanner.take(",")
        return scanner.take("]")
    }

    /// Reads JSON from left to right; each function moves on only past what it has recognised.
    private struct Scanner {
        let base: UnsafePointer<UInt8>
        let end: Int
        var position = 0

        init(base: UnsafePointer<UInt8>, end: Int) {
            self.base = base
            self.end = end
        }

        private mutating func skipSpace() {
            while position < end, [0x20, 0x0A, 0x0D, 0x09].contains(base[position]) { position += 1 }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < end, base[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        /// Calls `body` behind each key of an object; it must read or skip the value.
        mutating func members(_ body: ([UInt8], inout Scanner) -> Bool) -> Bool {
            guard take("{") else { return false }
            if take("}") { return true }
            var key: [UInt8] = []
            repeat {
                guard string(&key), take(":") else { return false }
                skipSpace()
                guard body(key, &self) else { return false }
            } while take(",")
            return take("}")
        }

        /// Skips a value whatever it is; the general reader looks at it again.
        mutating func skipValue() -> Bool {
            var depth = 0
            while position < end {
                let byte = base[position]
                switch byte {
                case UInt8(ascii: "\""):
                    position += 1
                    while position < end, base[position] != UInt8(ascii: "\"") {
                        position += base[position] == UInt8(ascii: "\\") ? 2 : 1
                    }
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                    if depth == 0 { return true }
                    if byte != UInt8(ascii: ",") { depth -= 1 }
                default:
                    break
                }
                position += 1
            }
            return false
        }

        /// An integer from 0 to 9,999,999.
        mutating func number() -> UInt32? {
            skipSpace()
            let start = position
            var value: UInt32 = 0
            while position < end, position - start < 8, case let digit = base[position] &- 0x30, digit < 10 {
                value = 10 * value + UInt32(digit)
                position += 1
            }
            let digits = position - start
            guard digits > 0, digits < 8, digits == 1 || base[start] != 0x30, position < end,
                [0x20, 0x0A, 0x0D, 0x09, 0x2C, 0x7D].contains(base[position])
            else { return nil }
            return value
        }

        /// A string without its escapes.
        mutating func string(_ text: inout [UInt8]) -> Bool {
            guard take("\"") else { return false }
            text.removeAll(keepingCapacity: true)
            while position < end {
                let start = position
                while position < end, case let byte = base[position], byte != 0x22, byte != 0x5C, byte >= 0x20 {
                    position += 1
                }
                text.append(contentsOf: UnsafeBufferPointer(start: base + start, count: position - start))
                guard position < end, base[position] >= 0x20 else { return false }
                position += 1
                if base[position - 1] == 0x22 { return true }
                guard escape(&text) else { return false }
            }
            return false
        }

        private mutating func escape(_ text: inout [UInt8]) -> Bool {
            guard position < end else { return false }
            position += 1
            switch base[position - 1] {
            case UInt8(ascii: "\""): text.append(0x22)
            case UInt8(ascii: "\\"): text.append(0x5C)
            case UInt8(ascii: "/"): text.append(0x2F)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                guard var value = hexadecimal(), value != 0 else { return false }
                if value >> 10 == 0x36 {
                    guard position + 1 < end, base[position] == 0x5C, base[position + 1] == UInt8(ascii: "u") else {
                        return false
                    }
                    position += 2
                    guard let low = hexadecimal(), low >> 10 == 0x37 else { return false }
                    value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
                } else if value >> 10 == 0x37 {
                    return false
                }
                appendUTF8(value, to: &text)
            default: return false
            }
            return true
        }

        private mutating func hexadecimal() -> UInt32? {
            guard position + 4 <= end else { return nil }
            var value: UInt32 = 0
            for _ in 0..<4 {
                let byte = base[position]
                switch byte {
                case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
                case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
                case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
                default: return nil
                }
                position += 1
            }
            return value
        }
    }
}
