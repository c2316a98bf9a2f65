/// A search for the nearest code in double precision, written without the bit arithmetic that it checks.
struct NearestCode {
    private let format: SmallFloat
    /// The finite magnitudes, ascending; the position is the code.
    private let magnitudes: [Double]
    private let signBit: UInt8

    init(_ format: SmallFloat) {
        self.format = format
        let codes = 1 << (format.exponentBits + format.fractionBits)
        signBit = UInt8(codes)
        magnitudes = format.table[..<codes].filter(\.isFinite).map(Double.init)
    }

    /// The values and the midpoints between neighbours, and the midpoint that would come after the largest.
    var boundaries: [Float] {
        let beyond = 2 * magnitudes[magnitudes.count - 1] - magnitudes[magnitudes.count - 2]
        let all = magnitudes + [beyond]
        return all.map { Float($0) } + zip(all, all.dropFirst()).map { Float(($0 + $1) / 2) }
    }

    func isNaN(_ code: UInt8) -> Bool { format.value(of: Int(code)).isNaN }

    func code(of value: Float, saturating: Bool) -> UInt8 {
        if value.isNaN {
            switch format.specials {
            case .none: return value.sign == .minus ? signBit | 7 : 7
            case .negativeZeroIsNaN: return signBit
            case .allOnesIsNaN: return signBit - 1
            case .ieee: return signBit - 2
            }
        }
        let magnitude = Double(value.magnitude)
        let largest = magnitudes.count - 1
        // The next number that the format would have had, and whose code would be even.
        let beyond = 2 * magnitudes[largest] - magnitudes[largest - 1]
        let tie = (magnitudes[largest] + beyond) / 2
        var code: UInt8
        if magnitude > tie || magnitude == tie && !largest.isMultiple(of: 2) {
            code = UInt8(largest)
            if !saturating {
                switch format.specials {
                case .none: break
                case .negativeZeroIsNaN: return signBit
                case .allOnesIsNaN, .ieee: code += 1
                }
            }
        } else {
            var low = 0
            while low < largest, magnitudes[low + 1] <= magnitude { low += 1 }
            code = UInt8(low)
            if low < largest {
                let down = magnitude - magnitudes[low]
                let up = magnitudes[low + 1] - magnitude
                if up < down || up == down && !low.isMultiple(of: 2) { code += 1 }
            }
        }
        if value.sign == .minus, !(code == 0 && format.specials == .negativeZeroIsNaN) { code |= signBit }
        return code
    }
}
