/// The values of the codes of a float format of at most 8 bits.
struct SmallFloat {
    /// What the codes with the largest exponent mean.
    enum Specials {
        /// Infinity and NaN as in IEEE 754.
        case ieee
        /// Only the code of all ones is NaN, with either sign; there is no infinity.
        case allOnesIsNaN
        /// Only what would be negative zero is NaN; there is no infinity.
        case negativeZeroIsNaN
        /// Every code is a number.
        case none
    }

    let exponentBits: Int
    let fractionBits: Int
    let bias: Int
    let specials: Specials

    static let e4m3 = SmallFloat(exponentBits: 4, fractionBits: 3, bias: 7, specials: .allOnesIsNaN)
    static let e4m3fnuz = SmallFloat(exponentBits: 4, fractionBits: 3, bias: 8, specials: .negativeZeroIsNaN)
    static let e5m2 = SmallFloat(exponentBits: 5, fractionBits: 2, bias: 15, specials: .ieee)
    static let e5m2fnuz = SmallFloat(exponentBits: 5, fractionBits: 2, bias: 16, specials: .negativeZeroIsNaN)
    static let e2m1 = SmallFloat(exponentBits: 2, fractionBits: 1, bias: 1, specials: .none)

    /// The value of a code, exactly.
    func value(of code: Int) -> Float {
        let fractionScale = 1 << fractionBits
        let fraction = code & (fractionScale - 1)
        let largestExponent = 1 << exponentBits - 1
        let exponent = code >> fractionBits & largestExponent
        let isNegative = code >> (exponentBits + fractionBits) & 1 == 1

        switch specials {
        case .ieee where exponent == largestExponent:
            return fraction != 0 ? .nan : isNegative ? -.infinity : .infinity
        case .allOnesIsNaN where exponent == largestExponent && fraction == fractionScale - 1: return .nan
        case .negativeZeroIsNaN where isNegative && exponent == 0 && fraction == 0: return .nan
        default: break
        }
        // Subnormals have the exponent of 1 and no implicit one.
        let significand = Float(fraction + (exponent == 0 ? 0 : fractionScale))
        let power = max(exponent, 1) - bias - fractionBits
        return Float(sign: isNegative ? .minus : .plus, exponent: power, significand: significand)
    }

    /// The values of all codes.
    var table: [Float] { (0..<(1 << (1 + exponentBits + fractionBits))).map(value(of:)) }

    /// The values of the scale format E8M0: 2^(code - 127), NaN for 0xFF.
    static let e8m0Table: [Float] = (0..<256).map { code in
        code == 255 ? .nan : Float(sign: .plus, exponent: code - 127, significand: 1)
    }
    static let e4m3Table = e4m3.table
    static let e4m3fnuzTable = e4m3fnuz.table
    static let e5m2Table = e5m2.table
    static let e5m2fnuzTable = e5m2fnuz.table
    static let e2m1Table = e2m1.table
}
