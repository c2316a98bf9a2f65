import Glibc
import Kernels

/// `gemm_silu_gate`, where e^-g is ordinary and where it is beyond float32.
struct GatedGemmExample: KernelExampleCase {
    let type: podium_dtype
    let rows, live, n, k: Int
    /// Of the gate's weights.
    var bound: Float = 1
    var hasScales = false

    static let cases = [
        GatedGemmExample(type: PODIUM_F32, rows: 1, live: 1, n: 1, k: 1),
        GatedGemmExample(type: PODIUM_BF16, rows: 7, live: 6, n: 37, k: 100),
        GatedGemmExample(type: PODIUM_F32, rows: 4, live: 4, n: 49, k: 5, bound: 128),
        GatedGemmExample(type: PODIUM_BF16, rows: 50, live: 49, n: 20, k: 528),
        GatedGemmExample(type: PODIUM_F8E4M3, rows: 1, live: 1, n: 39, k: 130, bound: 8, hasScales: true),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = numbers.floats(rows * k)
        let gate = ExampleWeights(numbers.floats(n * k, bound: bound), type)
        let up = ExampleWeights(numbers.floats(n * k), type)
        let gateScales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let upScales = hasScales ? numbers.floats(n).map { abs($0) + 0x1p-8 } : nil
        let initial = numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var absolute = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let gateSum = InnerProduct(x, row * k, gate.values, i * k, count: k)
                let upSum = InnerProduct(x, row * k, up.values, i * k, count: k)
                let gateScale = gateScales.map { Double($0[i]) } ?? 1
                let upScale = upScales.map { Double($0[i]) } ?? 1
                let g = gateScale * gateSum.value
                let u = upScale * upSum.value
                let silu = g / (1 + exp(-g))
                expected[row * n + i] = silu * u
                // The sum and the scale.  The slope of silu is at most 1.1, so an error of g moves it by that much.
                let siluError = 1.1 * roundingBound(k + 1) * gateScale * gateSum.magnitude
                let upError = roundingBound(k + 1) * upScale * upSum.magnitude
                absolute = max(absolute, siluError * abs(u) + (abs(silu) + siluError) * upError)
            }
        }
        // Of a good exp four roundings (2 ulp), then sum, quotient and product; one in reserve for their products.
        let relative = roundingBound(4 + 3 + 1)
        return WorkedExample(
            grid: podium_grid_gemm_silu_gate(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [
                gate.dtype, .output(initial, expected: expected, absolute: absolute, relative: relative), .floats(x),
                .weights(gate), .weights(up), gateScales.map { .floats($0) } ?? .null,
                upScales.map { .floats($0) } ?? .null, .ints([live]), .int(rows), .int(n), .int(k),
            ]
        )
    }
}
