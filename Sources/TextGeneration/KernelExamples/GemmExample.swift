import Kernels

/// `gemm`: one row and many, with and without scales, bias and residual, sizes that fill no tile.
struct GemmExample: KernelExampleCase {
    let type: podium_dtype
    let rows, live, n, k: Int
    let hasBias, accumulates: Bool
    var hasScales = false
    /// Of the bias, if it is not that of the weights.
    var biasType: podium_dtype?

    static let cases = [
        GemmExample(type: PODIUM_F32, rows: 1, live: 1, n: 1, k: 1, hasBias: false, accumulates: false),
        GemmExample(type: PODIUM_F32, rows: 7, live: 5, n: 37, k: 100, hasBias: true, accumulates: true),
        GemmExample(type: PODIUM_BF16, rows: 1, live: 1, n: 65, k: 513, hasBias: true, accumulates: false),
        GemmExample(type: PODIUM_BF16, rows: 53, live: 50, n: 33, k: 1040, hasBias: false, accumulates: true),
        GemmExample(type: PODIUM_F16, rows: 5, live: 4, n: 38, k: 75, hasBias: true, accumulates: false),
        GemmExample(type: PODIUM_F32, rows: 9, live: 8, n: 20, k: 1024, hasBias: false, accumulates: false),
        GemmExample(
            type: PODIUM_F8E4M3,
            rows: 1,
            live: 1,
            n: 35,
            k: 333,
            hasBias: true,
            accumulates: true,
            hasScales: true,
            biasType: PODIUM_BF16
        ),
        GemmExample(
            type: PODIUM_F8E4M3,
            rows: 11,
            live: 10,
            n: 49,
            k: 1056,
            hasBias: false,
            accumulates: false,
            hasScales: true
        ),
        GemmExample(type: PODIUM_F32, rows: 3, live: 0, n: 16, k: 16, hasBias: true, accumulates: true),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = numbers.floats(rows * k)
        let w = ExampleWeights(numbers.floats(n * k), type)
        let bias = hasBias ? ExampleWeights(numbers.floats(n), biasType ?? type) : nil
        let scales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let initial =
            accumulates ? numbers.floats(rows * n) : numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var largest = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let product = InnerProduct(x, row * k, w.values, i * k, count: k)
                let scale = scales.map { Double($0[i]) } ?? 1
                let added = (bias?.values[i] ?? 0, accumulates ? Double(initial[row * n + i]) : 0)
                expected[row * n + i] = scale * product.value + added.0 + added.1
                largest = max(largest, scale * product.magnitude + abs(added.0) + abs(added.1))
            }
        }
        // The sum, the scale, the bias, the residual.
        let absolute = roundingBound(k + 3) * largest
        return WorkedExample(
            grid: podium_grid_gemm(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [
                w.dtype, .output(initial, expected: expected, absolute: absolute), .floats(x), .weights(w),
                scales.map { .floats($0) } ?? .null, bias.map { .weights($0) } ?? .null, bias?.dtype ?? .int(0),
                .ints([live]), .int(rows), .int(n), .int(k), .int(accumulates ? 1 : 0),
            ]
        )
    }
}
