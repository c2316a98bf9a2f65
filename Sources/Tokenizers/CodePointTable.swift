/// A value for each of the 0x110000 code points, in pages of 256 of which only the used ones take memory.
struct CodePointTable: Sendable {
    private var pages: [UInt16]
    private var values: [UInt32]

    init(default value: UInt32) {
        pages = [UInt16](repeating: 0, count: 0x1100)
        values = [UInt32](repeating: value, count: 256)
    }

    subscript(codePoint: UInt32) -> UInt32 {
        @inline(__always) get { values[Int(pages[Int(codePoint >> 8)]) << 8 | Int(codePoint & 0xFF)] }
        set {
            let page = Int(codePoint >> 8)
            if pages[page] == 0 {
                pages[page] = UInt16(truncatingIfNeeded: values.count >> 8)
                // Page 0 is never written, so it still holds the default everywhere.
                values.append(contentsOf: values[0..<256])
            }
            values[Int(pages[page]) << 8 | Int(codePoint & 0xFF)] = newValue
        }
    }
}
