import Kernels
import Numerics

/// `round_to_fp8`: every value of E4M3, what lies halfway between two, too small and too large numbers.
struct RoundToFP8Example: KernelExampleCase {
    let rows, live, width: Int
    let scale: Float

    static let cases = [
        RoundToFP8Example(rows: 1, live: 1, width: 1, scale: 1),
        RoundToFP8Example(rows: 5, live: 4, width: 300, scale: 0.0123),
        RoundToFP8Example(rows: 3, live: 3, width: 517, scale: 3),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let codes = (0..<0x7f).map { UInt8($0) }
        let values = codes.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: $0.count) }
        let halves = zip(values, values.dropFirst()).map { ($0 + $1) / 2 }
        let chosen = values + halves + [449, 464, 465, 1e30, .infinity, 0x1p-11, 0x1p-140, -0.0]
        let x = (0..<rows * width).map { index -> Float in
            let size = chosen[index % chosen.count]
            switch index / chosen.count % 3 {
            case 0: return size * scale
            case 1: return -size * scale
            default: return numbers.floats(1, bound: 500)[0] * scale
            }
        }
        let initial = numbers.unwritten(rows: rows, live: live, width: width)
        var expected = initial.map { Double($0) }
        for index in 0..<live * width {
            let quotient = Double(x[index] / scale)
            // The nearest value; of two as near, the one with the even code.
            var best = 0
            for code in values.indices where code > 0 {
                let better = abs(Double(values[best]) - abs(quotient)) - abs(Double(values[code]) - abs(quotient))
                if better > 0 || better == 0 && code.isMultiple(of: 2) { best = code }
            }
            if quotient.magnitude > 448 { best = 0x7e }
            expected[index] = Double(values[best]) * (quotient < 0 ? -1 : 1) * Double(scale)
        }
        return WorkedExample(
            grid: podium_grid_round_to_fp8(numbers.backend, Int32(rows)),
            [
                .output(initial, expected: expected, relative: roundingBound(1)), .floats(x), .float(scale),
                .ints([live]), .int(rows), .int(width),
            ]
        )
    }
}
