/// Length of a text as Python's `len(text.strip())` gives it.
enum StrippedText {
    /// Characters (Unicode scalars) between the white space at both ends.
    static func count(_ text: [UInt8]) -> Int {
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
        var start = scalars.startIndex
        var end = scalars.endIndex
        while start < end, isSpace(scalars[start]) { start = scalars.index(after: start) }
        while start < end, isSpace(scalars[scalars.index(before: end)]) { end = scalars.index(before: end) }
        return scalars[start..<end].count
    }

    /// Python's `str.isspace` of one character.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }
}
