import Glibc

/// The FP8 format of OCP by its definition (OFP8 1.0): 4 bits of exponent with bias 7, 3 of fraction, NaN 0x7f and 0xff.
enum E4M3 {
    static func value(_ code: UInt8) -> Double {
        let (exponent, fraction) = (Int(code >> 3 & 15), Double(code & 7))
        if code & 0x7f == 0x7f { return .nan }
        let magnitude = exponent == 0 ? fraction * 0x1p-9 : scalbn(1 + fraction / 8, Int32(exponent - 7))
        return code < 0x80 ? magnitude : -magnitude
    }

    /// Codes of the values from 0 to 448, which ascend with them.
    private static let magnitudes = (UInt8(0)..<0x7f).map(value)

    /// The nearest code, ties to even, saturating.
    static func code(_ x: Float) -> UInt8 {
        let sign: UInt8 = x.sign == .minus ? 0x80 : 0
        if x.isNaN { return sign | 0x7f }
        let size = Double(abs(x))
        guard let above = magnitudes.firstIndex(where: { $0 >= size }) else { return sign | 0x7e }
        if above == 0 || magnitudes[above] == size { return sign | UInt8(above) }
        let (down, up) = (size - magnitudes[above - 1], magnitudes[above] - size)
        let code = down < up || down == up && above.isMultiple(of: 2) == false ? above - 1 : above
        return sign | UInt8(code)
    }
}
