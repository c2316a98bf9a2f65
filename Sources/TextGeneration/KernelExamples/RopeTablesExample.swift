import Glibc
import Kernels

/// `rope_tables`, from position 0 to the largest.
struct RopeTablesExample: KernelExampleCase {
    let positions: [Int]
    let live, pairs: Int
    var scaling: RotaryScaling = .none
    var factor: Float = 1

    static let cases = [
        RopeTablesExample(positions: [1], live: 1, pairs: 1),
        RopeTablesExample(positions: [4095, 0, 1, 777, 3, 5], live: 4, pairs: 37),
        RopeTablesExample(
            positions: [131_071, 8191, 2],
            live: 3,
            pairs: 64,
            scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
        ),
        // 2^24 + 1 has no float32 of its own.
        RopeTablesExample(positions: [16_777_217, 2_147_483_647, 100], live: 3, pairs: 17, factor: 1.25),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let frequencies = rotaryFrequencies(headDimension: 2 * pairs, base: 500_000, scaling: scaling)
        let rows = positions.count
        let initialCosines = numbers.unwritten(rows: rows, live: live, width: pairs)
        let initialSines = numbers.unwritten(rows: rows, live: live, width: pairs)
        var cosines = initialCosines.map { Double($0) }
        var sines = initialSines.map { Double($0) }
        for row in 0..<live {
            for i in 0..<pairs {
                // The float32 angle is part of the definition, not an error.
                let angle = Double(Float(positions[row]) * frequencies[i])
                cosines[row * pairs + i] = Double(factor) * cos(angle)
                sines[row * pairs + i] = Double(factor) * sin(angle)
            }
        }
        // 0.51 ulp is at most 1.02 roundings; the product with the factor is one more.
        let relative = 2.03 * 0x1p-24
        return WorkedExample(
            grid: podium_grid_rope_tables(numbers.backend, Int32(rows)),
            [
                .output(initialCosines, expected: cosines, relative: relative),
                .output(initialSines, expected: sines, relative: relative), .ints(positions), .floats(frequencies),
                .ints([live]), .int(rows), .int(pairs), .float(factor),
            ]
        )
    }
}
