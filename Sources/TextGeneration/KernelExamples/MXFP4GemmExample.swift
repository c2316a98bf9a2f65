import Kernels

/// `gemm_mxfp4`: one row and many, with and without bias and residual, panels and lines of scales half full.
struct MXFP4GemmExample: KernelExampleCase {
    let rows, live, n, k: Int
    let hasBias, accumulates: Bool

    static let cases = [
        MXFP4GemmExample(rows: 1, live: 1, n: 1, k: 32, hasBias: false, accumulates: false),
        MXFP4GemmExample(rows: 1, live: 1, n: 50, k: 544, hasBias: true, accumulates: false),
        MXFP4GemmExample(rows: 7, live: 5, n: 37, k: 96, hasBias: true, accumulates: true),
        MXFP4GemmExample(rows: 50, live: 49, n: 33, k: 1056, hasBias: false, accumulates: true),
        MXFP4GemmExample(rows: 3, live: 0, n: 16, k: 128, hasBias: true, accumulates: true),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = ExampleQuantizedRows(&numbers, rows: rows, k: k)
        let w = ExampleMXFP4Weights(&numbers, n: n, k: k)
        let bias = hasBias ? numbers.floats(n) : nil
        let initial =
            accumulates ? numbers.floats(rows * n) : numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var largest = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let product = InnerProduct(x.values, row * k, w.values, i * k, count: k)
                let added = (bias.map { Double($0[i]) } ?? 0, accumulates ? Double(initial[row * n + i]) : 0)
                expected[row * n + i] = product.value + added.0 + added.1
                largest = max(largest, product.magnitude + abs(added.0) + abs(added.1))
            }
        }
        // The sum, a rounding of each activation where a kernel takes it out of its block, the bias, the residual.
        let absolute = roundingBound(k + 3) * largest
        return WorkedExample(
            grid: podium_grid_gemm_mxfp4(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [.output(initial, expected: expected, absolute: absolute)] + x.arguments + [
                .bytes(w.packed(n: n, k: k, for: numbers.backend)), bias.map { .floats($0) } ?? .null, .ints([live]),
                .int(rows), .int(n),
                .int(k), .int(accumulates ? 1 : 0),
            ]
        )
    }
}
