import CPluginAPI
import Glibc
import Kernels

/// `attention_join`: rows of one part, which stay as they are, and of several, whose maxima are far apart.
struct AttentionJoinExample: KernelExampleCase {
    let positions: [Int]
    let live, heads, headDim, context: Int
    var type = ExampleCacheType.float32

    /// Keys of a part.
    private static let part = 512

    static let cases = [
        AttentionJoinExample(positions: [512], live: 1, heads: 1, headDim: 1, context: 1024),
        AttentionJoinExample(
            positions: [1535, 511, -1, 2047, 512, 0, 1700],
            live: 6,
            heads: 6,
            headDim: 20,
            context: 2048
        ),
        AttentionJoinExample(
            positions: [4000, 100, 2999],
            live: 3,
            heads: 8,
            headDim: 128,
            context: 4096,
            type: .e4m3
        ),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let (rows, parts) = (positions.count, (context + Self.part - 1) / Self.part)
        var results = numbers.floats(rows * parts * heads * headDim)
        var statistics = numbers.floats(rows * parts * heads * 2)
        for index in 0..<rows * parts * heads {
            // Maxima of -20 to 20; sums of 0.5 to 512, and results of no more.
            let total = 0.5 + abs(statistics[2 * index + 1]) * 511
            statistics[2 * index] *= 20
            statistics[2 * index + 1] = total
            for i in 0..<headDim { results[index * headDim + i] *= total }
        }
        let valueScale = Double(type.factors.v)
        let initial = numbers.unwritten(rows: rows, live: live, width: heads * headDim)
        var expected = initial.map { Double($0) }
        var start = initial
        var absolute = 0.0
        for row in 0..<live {
            let last = max(positions[row], 0) / Self.part
            for head in 0..<heads {
                let first = (row * heads + head) * headDim
                guard last > 0 else {
                    // Complete already.
                    for i in first..<first + headDim {
                        start[i] = Float(i)
                        expected[i] = Double(i)
                    }
                    continue
                }
                let places = (0...last).map { (row * parts + $0) * heads + head }
                let highest = places.map { Double(statistics[2 * $0]) }.max() ?? 0
                let factors = places.map { exp(Double(statistics[2 * $0]) - highest) }
                let total = zip(places, factors).reduce(0) { $0 + Double(statistics[2 * $1.0 + 1]) * $1.1 }
                for i in 0..<headDim {
                    let sum = zip(places, factors).reduce(0) { $0 + Double(results[$1.0 * headDim + i]) * $1.1 }
                    expected[first + i] = sum / total * valueScale
                }
                // Numerator and denominator: at each part a difference of at most 40, e to it (4 roundings), and two
                // of the sum; then the quotient and the scale.  No quotient is larger than 1.
                let bound = 2 * (roundingBound(1) * 40 + roundingBound(6)) * Double(places.count) + roundingBound(2)
                absolute = max(absolute, bound * max(valueScale, 1e-3))
            }
        }
        let isCPU = numbers.backend == PODIUM_BACKEND_CPU
        let grid =
            isCPU
            ? mlp_grid(blocks: (1, UInt32(rows), 1), threads: (1, 1, 1), shared_bytes: 0)
            : podium_grid_attention_join(
                numbers.backend,
                Int32(rows),
                Int32(heads),
                Int32(heads),
                Int32(headDim),
                16,
                Int32(context / 16)
            )
        return WorkedExample(
            grid: grid,
            [
                type.argument, .output(start, expected: expected, absolute: absolute), .floats(results + statistics),
                .float(type.vScale), .ints(positions), .ints([live]), .int(rows), .int(heads), .int(headDim),
                .int(context),
            ]
        )
    }
}
