import Kernels

/// `gemm_fp8`: one row, a few and many, with and without scales, bias and residual, sizes that fill no tile.
struct FP8GemmExample: KernelExampleCase {
    let rows, live, n, k: Int
    var biasType: podium_dtype?
    var accumulates = false
    var hasScales = true

    static let cases = [
        FP8GemmExample(rows: 1, live: 1, n: 1, k: 1, hasScales: false),
        FP8GemmExample(rows: 7, live: 5, n: 37, k: 100, biasType: PODIUM_BF16, accumulates: true),
        FP8GemmExample(rows: 1, live: 1, n: 33, k: 1104),
        FP8GemmExample(rows: 50, live: 49, n: 40, k: 1040, accumulates: true),
        FP8GemmExample(rows: 129, live: 70, n: 70, k: 144, biasType: PODIUM_F32),
        FP8GemmExample(rows: 3, live: 0, n: 16, k: 16, accumulates: true),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = ExampleFP8.activations(&numbers, rows * k)
        let w = ExampleFP8.weights(&numbers, n * k, bound: 300)
        let xScale: Float = 0.0123
        let bias = biasType.map { ExampleWeights(numbers.floats(n), $0) }
        let scales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let initial =
            accumulates ? numbers.floats(rows * n) : numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var largest = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let product = InnerProduct(x.values, row * k, w.values, i * k, count: k)
                let scale = Double(xScale) * (scales.map { Double($0[i]) } ?? 1)
                let added = (bias?.values[i] ?? 0, accumulates ? Double(initial[row * n + i]) : 0)
                expected[row * n + i] = scale * product.value + added.0 + added.1
                largest = max(largest, scale * product.magnitude + abs(added.0) + abs(added.1))
            }
        }
        // The sum, the scale and its product with the sum, the bias, the residual.
        let absolute = roundingBound(k + 4) * largest
        return WorkedExample(
            grid: podium_grid_gemm_fp8(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [
                .output(initial, expected: expected, absolute: absolute), .weights(x), .float(xScale), .weights(w),
                scales.map { .floats($0) } ?? .null, bias.map { .weights($0) } ?? .null, bias?.dtype ?? .int(0),
                .ints([live]), .int(rows), .int(n), .int(k), .int(accumulates ? 1 : 0),
            ]
        )
    }
}
