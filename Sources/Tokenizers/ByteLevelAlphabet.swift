/// The one-to-one spelling of bytes as printable code points that byte-level vocabularies are written in (GPT-2's
/// `bytes_to_unicode`): printable Latin-1 stands for itself, the other 68 bytes are U+0100 and up in order.
enum ByteLevelAlphabet {
    /// The code point of each byte.
    static let codePoints: [UInt32] = {
        var next: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                return byte
            default:
                defer { next += 1 }
                return next
            }
        }
    }()

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x144)
        for (byte, codePoint) in codePoints.enumerated() { bytes[Int(codePoint)] = UInt8(byte) }
        return bytes
    }()

    /// The bytes that a vocabulary entry spells, or nil if a code point of it stands for no byte.
    static func bytes(of text: [UInt8]) -> [UInt8]? {
        let table = bytes
        var isSpelled = true
        let result = [UInt8](unsafeUninitializedCapacity: text.count) { result, count in
            text.withUnsafeBufferPointer { text in
                forEachCodePoint(text) { codePoint, _, _ in
                    if codePoint < table.count, let byte = table[Int(codePoint)] {
                        result[count] = byte
                        count += 1
                    } else {
                        isSpelled = false
                    }
                }
            }
        }
        return isSpelled ? result : nil
    }
}
