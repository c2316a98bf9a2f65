import CPluginAPI
import Kernels
import Testing

extension KernelTests {
    @Suite struct Gemm {
        struct Shape: CustomTestStringConvertible {
            let rows, n, k: Int
            var testDescription: String { "\(rows)x\(n)x\(k)" }
        }

        /// Tails in every direction, one element, rows around the tile and panel limits.
        static let shapes = [
            Shape(rows: 1, n: 1, k: 1), Shape(rows: 1, n: 5, k: 3), Shape(rows: 1, n: 33, k: 17),
            Shape(rows: 2, n: 16, k: 16), Shape(rows: 3, n: 31, k: 64), Shape(rows: 5, n: 48, k: 100),
            Shape(rows: 6, n: 32, k: 31), Shape(rows: 7, n: 65, k: 130), Shape(rows: 13, n: 7, k: 513),
            Shape(rows: 48, n: 32, k: 48), Shape(rows: 49, n: 20, k: 1031), Shape(rows: 101, n: 3, k: 515),
        ]

        /// What rounding can add to a dot product by the rule: at most k/16 + 1 fused operations in a lane, 4 in the
        /// tree, and the additions after it, each of half a unit of 2^-23.
        static func bound(_ k: Int) -> Double { Double(k / 16 + 8) * 0x1p-24 }

        @Test(arguments: shapes, dtypes)
        func productEqualsTheDoubleReference(shape: Shape, dtype: podium_dtype) {
            var random = SeededGenerator(seed: UInt64(shape.rows * 31 + shape.n * 7 + shape.k))
            let (rows, n, k) = (shape.rows, shape.n, shape.k)
            let x = GuardedMemory(random.floats(rows * k))
            let w = Weights(random.floats(n * k), dtype)
            let bias = Weights(random.floats(n), dtype)
            let residual = random.floats(rows * n)
            let live = GuardedMemory([Int32(rows)])
            let y = GuardedMemory(byteCount: rows * n * 4)
            let grid = podium_grid_gemm(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
            let xs = x.floatArray
            for (useBias, accumulate) in [(false, false), (true, false), (false, true), (true, true)] {
                let got = runEverywhere(grid, output: y, initial: accumulate ? residual : nil, "\(shape)") {
                    podium_gemm(
                        $0,
                        $1,
                        $2,
                        w.dtype,
                        y.floats,
                        x.floats,
                        w.memory.base,
                        nil,
                        useBias ? bias.memory.base : nil,
                        bias.dtype,
                        live.ints,
                        Int32(rows),
                        Int32(n),
                        Int32(k),
                        accumulate ? 1 : 0
                    )
                }
                var wanted: [Double] = []
                var magnitude: [Double] = []
                for row in 0..<rows {
                    for i in 0..<n {
                        var sum = 0.0
                        var size = 0.0
                        for j in 0..<k {
                            let product = Double(xs[row * k + j]) * Double(w.values[i * k + j])
                            sum += product
                            size += abs(product)
                        }
                        if useBias { sum += Double(bias.values[i]) }
                        if useBias { size += abs(Double(bias.values[i])) }
                        if accumulate { sum += Double(residual[row * n + i]) }
                        if accumulate { size += abs(Double(residual[row * n + i])) }
                        wanted.append(sum)
                        magnitude.append(size)
                    }
                }
                let error = worst(got, wanted) { Self.bound(k) * magnitude[$0] }
                #expect(error <= 1, "worst error is \(error) of the bound")
            }
        }

        @Test(arguments: shapes, dtypes)
        func gatedProductEqualsTheDoubleReference(shape: Shape, dtype: podium_dtype) {
            var random = SeededGenerator(seed: UInt64(shape.rows * 131 + shape.n * 17 + shape.k))
            let (rows, n, k) = (shape.rows, shape.n, shape.k)
            let x = GuardedMemory(random.floats(rows * k, in: -2...2))
            let gate = Weights(random.floats(n * k), dtype)
            let up = Weights(random.floats(n * k), dtype)
            let live = GuardedMemory([Int32(rows)])
            let h = GuardedMemory(byteCount: rows * n * 4)
            let grid = podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
            let xs = x.floatArray
            let got = runEverywhere(grid, output: h, "\(shape)") {
                podium_gemm_silu_gate(
                    $0,
                    $1,
                    $2,
                    gate.dtype,
                    h.floats,
                    x.floats,
                    gate.memory.base,
                    up.memory.base,
                    nil,
                    nil,
                    live.ints,
                    Int32(rows),
                    Int32(n),
                    Int32(k)
                )
            }
            var wanted: [Double] = []
            var allowed: [Double] = []
            for row in 0..<rows {
                for i in 0..<n {
                    var (g, u, gSize, uSize) = (0.0, 0.0, 0.0, 0.0)
                    for j in 0..<k {
                        let value = Double(xs[row * k + j])
                        g += value * Double(gate.values[i * k + j])
                        u += value * Double(up.values[i * k + j])
                        gSize += abs(value * Double(gate.values[i * k + j]))
                        uSize += abs(value * Double(up.values[i * k + j]))
                    }
                    let silu = g / (1 + exponential(-g))
                    wanted.append(silu * u)
                    // |silu'| <= 1.1; exp, division and product add a few roundings.
                    allowed.append(
                        Self.bound(k) * (1.1 * gSize * (abs(u) + uSize * Self.bound(k)) + abs(silu) * uSize)
                            + 0x1p-20 * abs(silu * u) + 1e-37
                    )
                }
            }
            let error = worst(got, wanted) { allowed[$0] }
            #expect(error <= 1, "worst error is \(error) of the bound")
        }

        /// A row has the same bits alone, in any batch and at any place in it.
        @Test(arguments: [(n: 40, k: 2048 + 5), (n: 17, k: 512), (n: 64, k: 1536)], dtypes)
        func rowsDoNotDependOnTheirBatch(shape: (n: Int, k: Int), dtype: podium_dtype) {
            var random = SeededGenerator(seed: 77)
            let (n, k) = shape
            let most = 512
            let x = GuardedMemory(random.floats(most * k))
            let w = Weights(random.floats(n * k), dtype)
            let up = Weights(random.floats(n * k), dtype)
            for isa in instructionSets where isa != PODIUM_ISA_PLAIN || instructionSets.count == 1 {
                #expect(podium_select_isa(isa))
                var alone: [UInt32] = []
                var aloneGated: [UInt32] = []
                for batch in [1, 2, 5, 6, 7, 12, 33, 48, 49, 100, 512] {
                    let y = GuardedMemory(byteCount: batch * n * 4)
                    let live = GuardedMemory([Int32(batch)])
                    var grid = podium_grid_gemm(PODIUM_BACKEND_CPU, Int32(batch), Int32(n), Int32(k))
                    podium_gemm(
                        &grid,
                        0,
                        blockCount(grid),
                        w.dtype,
                        y.floats,
                        x.floats,
                        w.memory.base,
                        nil,
                        nil,
                        0,
                        live.ints,
                        Int32(batch),
                        Int32(n),
                        Int32(k),
                        0
                    )
                    let bits = y.bits
                    grid = podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, Int32(batch), Int32(n), Int32(k))
                    podium_gemm_silu_gate(
                        &grid,
                        0,
                        blockCount(grid),
                        w.dtype,
                        y.floats,
                        x.floats,
                        w.memory.base,
                        up.memory.base,
                        nil,
                        nil,
                        live.ints,
                        Int32(batch),
                        Int32(n),
                        Int32(k)
                    )
                    // Each batch must repeat, row for row, what smaller ones gave.
                    let repeated = bits.starts(with: alone)
                    let repeatedGated = y.bits.starts(with: aloneGated)
                    #expect(repeated, "gemm, batch \(batch)")
                    #expect(repeatedGated, "gate, batch \(batch)")
                    alone = bits
                    aloneGated = y.bits
                }
                // And the last row of the largest batch, computed alone.
                let y = GuardedMemory(byteCount: n * 4)
                let one = GuardedMemory([Int32(1)])
                var grid = podium_grid_gemm(PODIUM_BACKEND_CPU, 1, Int32(n), Int32(k))
                podium_gemm(
                    &grid,
                    0,
                    blockCount(grid),
                    w.dtype,
                    y.floats,
                    x.floats + (most - 1) * k,
                    w.memory.base,
                    nil,
                    nil,
                    0,
                    one.ints,
                    1,
                    Int32(n),
                    Int32(k),
                    0
                )
                let same = y.bits == Array(alone.suffix(n))
                #expect(same, "last row alone")
            }
            _ = instructionSets.last.map { podium_select_isa($0) }
        }

        @Test func onlyLiveRowsAreWritten() {
            let (n, k) = (20, 24)
            var random = SeededGenerator(seed: 3)
            let x = GuardedMemory(random.floats(8 * k))
            let w = Weights(random.floats(n * k), PODIUM_F32)
            for (count, kept) in [(Int32(0), 0), (-4, 0), (3, 3), (8, 8), (900, 8)] {
                let y = GuardedMemory([Float](repeating: 7, count: 8 * n))
                let live = GuardedMemory([count])
                var grid = podium_grid_gemm(PODIUM_BACKEND_CPU, 8, Int32(n), Int32(k))
                podium_gemm(
                    &grid,
                    0,
                    blockCount(grid),
                    w.dtype,
                    y.floats,
                    x.floats,
                    w.memory.base,
                    nil,
                    nil,
                    0,
                    live.ints,
                    8,
                    Int32(n),
                    Int32(k),
                    0
                )
                let written = y.floatArray.enumerated().filter { $0.element != 7 }.map { $0.offset / n }
                #expect(Set(written) == Set(0..<kept))
            }
        }

        /// The exponential behind silu (and softmax), to a few units in the last place.
        @Test func siluIsAccurate() {
            let gates = (0..<20_000).map { Float($0 - 10_000) * 0.008 }
            let gate = Weights(gates, PODIUM_F32)
            let up = Weights([Float](repeating: 1, count: gates.count), PODIUM_F32)
            let one = GuardedMemory([Float(1)])
            let live = GuardedMemory([Int32(1)])
            let h = GuardedMemory(byteCount: gates.count * 4)
            let n = Int32(gates.count)
            let got = runEverywhere(podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, 1, n, 1), output: h, "silu") {
                podium_gemm_silu_gate(
                    $0,
                    $1,
                    $2,
                    0,
                    h.floats,
                    one.floats,
                    gate.memory.base,
                    up.memory.base,
                    nil,
                    nil,
                    live.ints,
                    1,
                    n,
                    1
                )
            }
            let wanted = gates.map { Double($0) / (1 + exponential(-Double($0))) }
            let error = worst(got, wanted) { 5 * 0x1p-24 * abs(wanted[$0]) }
            #expect(error <= 1, "worst error is \(error) of 5 * 2^-24")
        }

        /// silu over the whole range of its argument, through a product with a single element.
        @Test func siluFromSubnormalToOverflow() {
            let gates: [Float] = [
                0, -0.0, 0x1p-130, -0x1p-130, 1e-6, -1, 1, 10, -20, -87, -88.5, -100, -104, -1e4, 88, 1e4, 1e30, -1e30,
                .infinity, -.infinity, .nan,
            ]
            let gate = Weights(gates, PODIUM_F32)
            let up = Weights([Float](repeating: 1, count: gates.count), PODIUM_F32)
            let one = GuardedMemory([Float(1)])
            let live = GuardedMemory([Int32(1)])
            let h = GuardedMemory(byteCount: gates.count * 4)
            let n = Int32(gates.count)
            let got = runEverywhere(podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, 1, n, 1), output: h, "silu") {
                podium_gemm_silu_gate(
                    $0,
                    $1,
                    $2,
                    0,
                    h.floats,
                    one.floats,
                    gate.memory.base,
                    up.memory.base,
                    nil,
                    nil,
                    live.ints,
                    1,
                    n,
                    1
                )
            }
            for (g, value) in zip(gates, got) {
                if g.isNaN || g == -.infinity {
                    #expect(value.isNaN, "silu(\(g)) is \(value)")  // -inf / inf, as in the formula
                } else if g == .infinity {
                    #expect(value == .infinity)
                } else {
                    let wanted = Double(g) / (1 + exponential(-Double(g)))
                    #expect(abs(Double(value) - wanted) <= 1e-6 * abs(wanted) + 1e-36, "silu(\(g)) is \(value)")
                }
            }
        }
    }
}
