/// A bfloat16: the sign, the 8 exponent bits and the first 7 fraction bits of a binary32.
public struct BFloat16: Sendable, Equatable, BitwiseCopyable {
    /// The 16 bits.
    public var bitPattern: UInt16

    /// The value with the given bits.
    ///
    /// - Parameter bitPattern: The 16 bits.
    @inlinable public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

    /// The nearest bfloat16, ties to even; NaN stays NaN, quiet, with its sign and the upper bits of its payload.
    ///
    /// - Parameter value: The value to round.
    @inlinable public init(_ value: Float) {
        let bits = value.bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
        bitPattern = UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? bits >> 16 | 0x40 : rounded)
    }

    /// Whether both have the same value, as for `Float`: NaN equals nothing, and the zeros equal each other.
    @inlinable public static func == (left: BFloat16, right: BFloat16) -> Bool { Float(left) == Float(right) }
}

extension Float {
    /// The value of a bfloat16, exactly.
    ///
    /// - Parameter value: The bfloat16.
    @inlinable public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}
