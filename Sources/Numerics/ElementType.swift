/// The type of a tensor's elements; the raw value is its name in safetensors files.
public enum ElementType: String, CaseIterable, Sendable {
    /// IEEE 754 binary64.
    case f64 = "F64"
    /// IEEE 754 binary32.
    case f32 = "F32"
    /// IEEE 754 binary16.
    case f16 = "F16"
    /// The upper half of a binary32.
    case bf16 = "BF16"
    /// OCP 8-bit float, 4 exponent bits, bias 7, no infinity, NaN is 0x7F and 0xFF (also called E4M3FN).
    case f8e4m3 = "F8_E4M3"
    /// 8-bit float, 4 exponent bits, bias 8, no infinity, no negative zero, NaN is 0x80 (AMD Instinct MI300).
    case f8e4m3fnuz = "F8_E4M3FNUZ"
    /// OCP 8-bit float, 5 exponent bits, bias 15, with infinities and NaN as in IEEE 754.
    case f8e5m2 = "F8_E5M2"
    /// 8-bit float, 5 exponent bits, bias 16, no infinity, no negative zero, NaN is 0x80.
    case f8e5m2fnuz = "F8_E5M2FNUZ"
    /// OCP 6-bit float, 2 exponent bits, packed.
    case f6e2m3 = "F6_E2M3"
    /// OCP 6-bit float, 3 exponent bits, packed.
    case f6e3m2 = "F6_E3M2"
    /// OCP 4-bit float, 2 exponent bits, two to a byte, the first in the low half.
    case f4e2m1 = "F4"
    /// OCP scale: a power of two, 2^(code - 127); NaN is 0xFF.
    case e8m0 = "F8_E8M0"
    /// Signed 64-bit integer.
    case i64 = "I64"
    /// Unsigned 64-bit integer.
    case u64 = "U64"
    /// Signed 32-bit integer.
    case i32 = "I32"
    /// Unsigned 32-bit integer.
    case u32 = "U32"
    /// Signed 16-bit integer.
    case i16 = "I16"
    /// Unsigned 16-bit integer.
    case u16 = "U16"
    /// Signed 8-bit integer.
    case i8 = "I8"
    /// Unsigned 8-bit integer.
    case u8 = "U8"
    /// One byte, 0 or 1.
    case bool = "BOOL"
    /// Two binary32: real and imaginary part.
    case c64 = "C64"

    /// The size of one element, in bits.
    public var bitWidth: Int {
        switch self {
        case .f4e2m1: 4
        case .f6e2m3, .f6e3m2: 6
        case .f8e4m3, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .e8m0, .i8, .u8, .bool: 8
        case .f16, .bf16, .i16, .u16: 16
        case .f32, .i32, .u32: 32
        case .f64, .i64, .u64, .c64: 64
        }
    }

    /// The bytes that a tensor of this type takes, elements packed without gaps.
    ///
    /// - Parameter shape: The extents; empty for a scalar.
    /// - Returns: The bytes, nil when an extent is negative, the product overflows, or the bits fill no whole byte.
    public func byteCount(shape: some Sequence<Int>) -> Int? {
        var bits = bitWidth
        var elements = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            elements = product
        }
        let (product, overflow) = elements.multipliedReportingOverflow(by: bits)
        if overflow { return nil }
        bits = product
        return bits.isMultiple(of: 8) ? bits / 8 : nil
    }
}

extension ElementType: CustomStringConvertible {
    /// The name in safetensors files.
    public var description: String { rawValue }
}
