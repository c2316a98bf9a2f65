import Glibc
import Kernels

/// `gemm_mxfp4_silu_gate`, where e^-g is ordinary and where it is beyond float32.
struct MXFP4GatedGemmExample: KernelExampleCase {
    let rows, live, n, k: Int
    /// Of the gate's scales.
    var exponents = -4 ... -1

    static let cases = [
        MXFP4GatedGemmExample(rows: 1, live: 1, n: 1, k: 32),
        MXFP4GatedGemmExample(rows: 7, live: 6, n: 37, k: 96),
        MXFP4GatedGemmExample(rows: 4, live: 4, n: 49, k: 160, exponents: 3...5),
        MXFP4GatedGemmExample(rows: 19, live: 18, n: 20, k: 544),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = ExampleQuantizedRows(&numbers, rows: rows, k: k)
        let gate = ExampleMXFP4Weights(&numbers, n: n, k: k, exponents: exponents)
        let up = ExampleMXFP4Weights(&numbers, n: n, k: k)
        let initial = numbers.unwritten(rows: rows, live: live, width: n)
        var expected = initial.map { Double($0) }
        var absolute = 0.0
        for row in 0..<live {
            for i in 0..<n {
                let g = InnerProduct(x.values, row * k, gate.values, i * k, count: k)
                let u = InnerProduct(x.values, row * k, up.values, i * k, count: k)
                let silu = g.value / (1 + exp(-g.value))
                expected[row * n + i] = silu * u.value
                // The slope of silu is at most 1.1, so an error of g moves it by that much.
                let siluError = 1.1 * roundingBound(k + 1) * g.magnitude
                let upError = roundingBound(k + 1) * u.magnitude
                absolute = max(absolute, siluError * abs(u.value) + (abs(silu) + siluError) * upError)
            }
        }
        // As for gemm_silu_gate.
        let relative = roundingBound(4 + 3 + 1)
        return WorkedExample(
            grid: podium_grid_gemm_mxfp4_silu_gate(numbers.backend, Int32(rows), Int32(n), Int32(k)),
            [.output(initial, expected: expected, absolute: absolute, relative: relative)] + x.arguments + [
                .bytes(ExampleMXFP4Weights.packed(n: n, k: k, gate: gate, up: up, for: numbers.backend)), .ints([live]),
                .int(rows), .int(n), .int(k),
            ]
        )
    }
}
