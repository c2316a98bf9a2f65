/// Binary16 by integer arithmetic.
///
/// `Float16` of the standard library gives the same results, but without the F16C instructions, which a portable build
/// does not use, it calls a function per element; these expressions have no branches and vectorise.
@usableFromInline enum HalfPrecision {
    /// The value of a binary16, exactly; a signalling NaN becomes quiet.
    @inlinable static func float(_ half: UInt16) -> Float {
        let magnitude = UInt32(half & 0x7FFF) << 13
        let sign = UInt32(half & 0x8000) << 16
        let exponent = magnitude & 0x0F80_0000
        let normal = magnitude &+ 112 << 23
        // A subnormal is fraction * 2^-24: with the exponent of 2^-14 and an implicit one, that one has to go again.
        let subnormal = (Float(bitPattern: magnitude &+ 113 << 23) - Float(bitPattern: 113 << 23)).bitPattern
        let special = magnitude | 0x7F80_0000 | (magnitude > 0x0F80_0000 ? 0x0040_0000 : 0)
        let bits = exponent == 0x0F80_0000 ? special : exponent == 0 ? subnormal : normal
        return Float(bitPattern: bits | sign)
    }

    /// The bits of the nearest binary16, ties to even; NaN stays NaN, quiet, with its sign and upper payload.
    @inlinable static func bits(rounding value: Float) -> UInt16 {
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        let sign = value.bitPattern >> 16 & 0x8000
        let special = magnitude > 0x7F80_0000 ? 0x7E00 | (magnitude >> 13 & 0x1FF) : 0x7C00
        // Adding 2^-1 leaves the multiple of 2^-24 in the low bits, rounded by the addition itself.
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- (Float(0.5)).bitPattern
        let normal = (magnitude &- 112 << 23 &+ 0xFFF &+ (magnitude >> 13 & 1)) >> 13
        let bits = magnitude >= 143 << 23 ? special : magnitude < 113 << 23 ? subnormal : normal
        return UInt16(truncatingIfNeeded: bits | sign)
    }
}
