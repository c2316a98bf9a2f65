import Glibc
import Kernels

/// A block of 32 numbers quantised by the formulas of `podium_quantize_rows`.
struct ExampleBlock {
    let codes: [Int]
    /// E2M1 codes of MXFP4.
    let elements: [Int]
    let scale: Double
    /// No code and no scale would differ if every number were off by a few units in its last place.
    let isStable: Bool

    var offset: Int { -12 * codes.reduce(0, +) }

    /// The magnitudes of E2M1, by code.
    static let magnitudes: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

    init(_ numbers: ArraySlice<Double>, _ format: podium_activation) {
        let largest = numbers.reduce(0) { max($0, abs($1)) }
        if format == PODIUM_ACTIVATION_INT8 {
            let scale = Double(max(Float(largest) / 127, 0x1p-126))
            let quotients = numbers.map { $0 / scale }
            codes = quotients.map { Int($0.rounded(.toNearestOrEven)) }
            isStable = quotients.allSatisfy { abs(abs($0 - $0.rounded(.down)) - 0.5) > 1e-4 }
            elements = []
            self.scale = scale
            return
        }
        // A significand from 1.75 on counts as the next power of two; the largest E2M1 has the exponent 2.
        let exponent =
            largest == 0 ? -127 : max(Int(largest.exponent) + (largest.significand >= 1.75 ? 1 : 0) - 2, -127)
        let scaled = numbers.map { $0 * exp2(Double(-exponent)) }
        elements = scaled.map { element in
            // The nearest; of two, the one with an even code.
            let code = Self.magnitudes.indices.min { a, b in
                let distances = (abs(Self.magnitudes[a] - abs(element)), abs(Self.magnitudes[b] - abs(element)))
                return distances.0 != distances.1 ? distances.0 < distances.1 : a % 2 < b % 2
            }
            return (code ?? 0) + (element.sign == .minus ? 8 : 0)
        }
        codes = elements.map { code in
            let doubled = Int(2 * Self.magnitudes[code % 8])
            return code < 8 ? doubled : -doubled
        }
        let edges = zip(Self.magnitudes, Self.magnitudes.dropFirst()).map { ($0 + $1) / 2 }
        isStable =
            scaled.allSatisfy { element in edges.allSatisfy { abs(abs(element) - $0) > 1e-4 } }
            && (largest == 0 || abs(largest.significand - 1.75) > 1e-4)
        scale = exp2(Double(exponent - 1))
    }
}
