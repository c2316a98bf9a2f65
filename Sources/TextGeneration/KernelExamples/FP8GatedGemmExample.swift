import Glibc
import Kernels

/// `gemm_fp8_silu_gate`, where e^-g is ordinary and where it is beyond float32.
struct FP8GatedGemmExample: KernelExampleCase {
    let rows, live, n, k: Int
    /// Of the scale of activations; the gate is about a hundred times as large.
    let xScale: Float
    var hasScales = true

    static let cases = [
        FP8GatedGemmExample(rows: 1, live: 1, n: 1, k: 1, xScale: 0.01, hasScales: false),
        FP8GatedGemmExample(rows: 7, live: 6, n: 37, k: 100, xScale: 1e-4),
        FP8GatedGemmExample(rows: 20, live: 20, n: 20, k: 528, xScale: 1e-5),
        FP8GatedGemmExample(rows: 130, live: 40, n: 35, k: 160, xScale: 1e-2),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = ExampleFP8.activations(&numbers, rows * k)
        let gate = ExampleFP8.weights(&numbers, n * k, bound: 8)
        let up = ExampleFP8.weights(&numbers, n * k, bound: 1)
        let gateScales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let upScales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let initial = numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var absolute = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let gateSum = InnerProduct(x.values, row * k, gate.values, i * k, count: k)
                let upSum = InnerProduct(x.values, row * k, up.values, i * k, count: k)
                let gateScale = Double(xScale) * (gateScales.map { Double($0[i]) } ?? 1)
                let upScale = Double(xScale) * (upScales.map { Double($0[i]) } ?? 1)
                let g = gateScale * gateSum.value
                let u = upScale * upSum.value
                let silu = g / (1 + exp(-g))
                expected[row * n + i] = silu * u
                // The sum, the scale and their product.  The slope of silu is at most 1.1.
                let siluError = 1.1 * roundingBound(k + 2) * gateScale * gateSum.magnitude
                let upError = roundingBound(k + 2) * upScale * upSum.magnitude
                absolute = max(absolute, siluError * abs(u) + (abs(silu) + siluError) * upError)
            }
        }
        // As for gemm_silu_gate: exp, sum, quotient, product.
        let relative = roundingBound(4 + 3 + 1)
        return WorkedExample(
            grid: podium_grid_gemm_fp8_silu_gate(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [
                .output(initial, expected: expected, absolute: absolute, relative: relative), .weights(x),
                .float(xScale), .weights(gate), .weights(up), gateScales.map { .floats($0) } ?? .null,
                upScales.map { .floats($0) } ?? .null, .ints([live]), .int(rows), .int(n), .int(k),
            ]
        )
    }
}
