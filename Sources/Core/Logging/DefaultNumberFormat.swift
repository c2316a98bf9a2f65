import Glibc

/// Numbers as a C++ stream prints them, which is how the official logs show them.
enum DefaultNumberFormat {
    /// Six significant digits, in the shorter of fixed and exponent form: `%g`.
    static func text(_ value: Double) -> String {
        formatted("%g", value)
    }

    /// A fixed number of digits behind the point.
    static func fixed(_ value: Double, digits: Int = 2) -> String {
        formatted("%.\(digits)f", value)
    }

    /// So many significant digits, in the shorter of fixed and exponent form.
    static func significant(_ value: Double, digits: Int) -> String {
        formatted("%.\(digits)g", value)
    }

    private static func formatted(_ format: String, _ value: Double) -> String {
        // A double in fixed form has at most 309 digits before the point.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
            let length = withVaList([value]) { vsnprintf(buffer.baseAddress, buffer.count, format, $0) }
            let bytes = UnsafeRawBufferPointer(buffer)[0..<max(0, min(Int(length), buffer.count - 1))]
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
