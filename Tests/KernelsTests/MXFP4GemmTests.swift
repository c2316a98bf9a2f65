import CPluginAPI
import Kernels
import Testing

extension KernelTests {
    @Suite struct MXFP4Gemm {
        struct Shape: CustomTestStringConvertible {
            let rows, n, k: Int
            var testDescription: String { "\(rows)x\(n)x\(k)" }
        }

        /// One block, lines of scales half full, panels half full, rows around the limits of tiles and groups.
        static let shapes = [
            Shape(rows: 1, n: 1, k: 32), Shape(rows: 1, n: 100, k: 2080), Shape(rows: 2, n: 16, k: 64),
            Shape(rows: 3, n: 17, k: 96), Shape(rows: 4, n: 33, k: 128), Shape(rows: 5, n: 15, k: 160),
            Shape(rows: 8, n: 48, k: 544), Shape(rows: 15, n: 31, k: 32), Shape(rows: 16, n: 20, k: 1024),
            Shape(rows: 17, n: 34, k: 288), Shape(rows: 33, n: 16, k: 224), Shape(rows: 130, n: 19, k: 192),
        ]

        private static func product(
            _ grid: UnsafePointer<mlp_grid>,
            _ first: UInt64,
            _ last: UInt64,
            _ y: GuardedMemory,
            _ x: QuantizedRows,
            _ w: GuardedMemory,
            _ live: GuardedMemory,
            n: Int,
            bias: GuardedMemory? = nil,
            accumulate: Bool = false
        ) {
            podium_gemm_mxfp4(
                grid,
                first,
                last,
                y.floats,
                x.code8,
                x.scales.floats,
                x.offsets.ints,
                w.base,
                bias?.floats,
                live.ints,
                Int32(x.rows),
                Int32(n),
                Int32(x.k),
                accumulate ? 1 : 0
            )
        }

        /// The product of all rows, on the instruction set in use.
        private static func product(_ x: QuantizedRows, _ w: GuardedMemory, n: Int) -> GuardedMemory {
            let y = GuardedMemory(byteCount: x.rows * n * 4)
            var grid = podium_grid_gemm_mxfp4(PODIUM_BACKEND_CPU, Int32(x.rows), Int32(n), Int32(x.k))
            product(&grid, 0, blockCount(grid), y, x, w, GuardedMemory([Int32(x.rows)]), n: n)
            return y
        }

        private static func gated(
            _ grid: UnsafePointer<mlp_grid>,
            _ first: UInt64,
            _ last: UInt64,
            _ h: GuardedMemory,
            _ x: QuantizedRows,
            _ w: GuardedMemory,
            _ live: GuardedMemory,
            n: Int
        ) {
            podium_gemm_mxfp4_silu_gate(
                grid,
                first,
                last,
                h.floats,
                x.code8,
                x.scales.floats,
                x.offsets.ints,
                w.base,
                live.ints,
                Int32(x.rows),
                Int32(n),
                Int32(x.k)
            )
        }

        /// A product and the sum of the absolute products, in double.
        private static func reference(_ x: QuantizedRows, _ row: Int, _ w: MXFP4Matrix, _ i: Int) -> (Double, Double) {
            var sum = 0.0
            var size = 0.0
            for j in 0..<x.k {
                let product = x.value(row, j) * w.value(i, j)
                sum += product
                size += abs(product)
            }
            return (sum, size)
        }

        /// What rounding can add by the rule: the integer sums and the products of scales are exact, so there is one
        /// rounding for a block, and one each for bias and residual.
        private static func bound(_ k: Int) -> Double { Double(k / 32 + 3) * 0x1p-24 }

        @Test(arguments: shapes, Quantize.formats)
        func productEqualsTheDoubleReference(shape: Shape, format: podium_activation) {
            var random = SeededGenerator(seed: UInt64(shape.rows * 31 + shape.n * 7 + shape.k))
            let (rows, n, k) = (shape.rows, shape.n, shape.k)
            let x = QuantizedRows(random.floats(rows * k, in: -5...5), rows: rows, k: k, format)
            let w = MXFP4Matrix(n: n, k: k, &random)
            let packed = w.packed()
            let bias = GuardedMemory(random.floats(n))
            let residual = random.floats(rows * n)
            let live = GuardedMemory([Int32(rows)])
            let y = GuardedMemory(byteCount: rows * n * 4)
            let grid = podium_grid_gemm_mxfp4(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
            let products = (0..<rows * n).map { Self.reference(x, $0 / n, w, $0 % n) }
            for (useBias, accumulate) in [(false, false), (true, false), (false, true), (true, true)] {
                let got = runEverywhere(grid, output: y, initial: accumulate ? residual : nil, "\(shape)") {
                    Self.product(
                        $0,
                        $1,
                        $2,
                        y,
                        x,
                        packed,
                        live,
                        n: n,
                        bias: useBias ? bias : nil,
                        accumulate: accumulate
                    )
                }
                let added = (0..<rows * n).map { at -> (Double, Double) in
                    (useBias ? Double(bias.floats[at % n]) : 0, accumulate ? Double(residual[at]) : 0)
                }
                let wanted = zip(products, added).map { $0.0 + $1.0 + $1.1 }
                let error = worst(got, wanted) {
                    Self.bound(k) * (products[$0].1 + abs(added[$0].0) + abs(added[$0].1))
                }
                #expect(error <= 1, "worst error is \(error) of the bound")
            }
        }

        @Test(arguments: shapes, Quantize.formats)
        func gatedProductEqualsTheDoubleReference(shape: Shape, format: podium_activation) {
            var random = SeededGenerator(seed: UInt64(shape.rows * 131 + shape.n * 17 + shape.k))
            let (rows, n, k) = (shape.rows, shape.n, shape.k)
            let x = QuantizedRows(random.floats(rows * k), rows: rows, k: k, format)
            let gate = MXFP4Matrix(n: n, k: k, &random, exponents: 118...126)
            let up = MXFP4Matrix(n: n, k: k, &random)
            let packed = MXFP4Matrix.packed(gate: gate, up: up)
            let live = GuardedMemory([Int32(rows)])
            let h = GuardedMemory(byteCount: rows * n * 4)
            let grid = podium_grid_gemm_mxfp4_silu_gate(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
            let got = runEverywhere(grid, output: h, "\(shape)") { Self.gated($0, $1, $2, h, x, packed, live, n: n) }
            var wanted: [Double] = []
            var allowed: [Double] = []
            for at in 0..<rows * n {
                let (g, gSize) = Self.reference(x, at / n, gate, at % n)
                let (u, uSize) = Self.reference(x, at / n, up, at % n)
                let silu = g / (1 + exponential(-g))
                wanted.append(silu * u)
                // |silu'| <= 1.1; exp, division and product add a few roundings.
                allowed.append(
                    Self.bound(k) * (1.1 * gSize * (abs(u) + uSize * Self.bound(k)) + abs(silu) * uSize)
                        + 0x1p-20 * abs(silu * u) + 1e-37
                )
            }
            let error = worst(got, wanted) { allowed[$0] }
            #expect(error <= 1, "worst error is \(error) of the bound")
        }

        /// A row has the same bits alone, in any batch, and whatever max_rows the batch was made for.
        @Test(arguments: [(n: 40, k: 2048 + 96), (n: 17, k: 512)], Quantize.formats)
        func rowsDoNotDependOnTheirBatch(shape: (n: Int, k: Int), format: podium_activation) {
            var random = SeededGenerator(seed: 77)
            let (n, k) = shape
            let most = 130
            var numbers = random.floats(most * k)
            // Blocks of zeros, whose scales are not ordinary ones: some tiles take the other way.
            for row in stride(from: 3, to: most, by: 20) {
                for i in 0..<32 { numbers[row * k + 64 + i] = 0 }
            }
            var w = MXFP4Matrix(n: n, k: k, &random)
            w.scales[5] = 2
            w.scales[k / 32 * 3 + 1] = 250
            let packed = w.packed()
            let pair = MXFP4Matrix.packed(gate: w, up: w)
            var alone: [UInt32] = []
            var aloneGated: [UInt32] = []
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for batch in Array(1...18) + [31, 32, 33, 47, 64, 100, 130]
                where isa != PODIUM_ISA_PLAIN || batch % 8 == 1 {
                    let x = QuantizedRows(Array(numbers[..<(batch * k)]), rows: batch, k: k, format)
                    let bits = Self.product(x, packed, n: n).bits
                    let h = GuardedMemory(byteCount: batch * n * 4)
                    var grid = podium_grid_gemm_mxfp4_silu_gate(PODIUM_BACKEND_CPU, Int32(batch), Int32(n), Int32(k))
                    Self.gated(&grid, 0, blockCount(grid), h, x, pair, GuardedMemory([Int32(batch)]), n: n)
                    let gatedBits = h.bits
                    // Each batch must repeat, row for row, what the others gave.
                    let repeated = zip(bits, alone).allSatisfy { $0 == $1 }
                    let repeatedGated = zip(gatedBits, aloneGated).allSatisfy { $0 == $1 }
                    #expect(repeated, "gemm, batch \(batch) on \(isa)")
                    #expect(repeatedGated, "gate, batch \(batch) on \(isa)")
                    if bits.count > alone.count { (alone, aloneGated) = (bits, gatedBits) }
                }
            }
            // The last row of the largest batch, computed alone.
            let x = QuantizedRows(Array(numbers[((most - 1) * k)...]), rows: 1, k: k, format)
            let last = Self.product(x, packed, n: n).bits == Array(alone[((most - 1) * n)...])
            #expect(last)
        }

        /// With one-hot rows a product shows each weight, scale included, exactly: what a checkpoint says, whatever the
        /// layout, however the rows were divided, and with every scale from 2^-127 to 2^127.
        @Test(arguments: [(1, 32), (16, 64), (37, 96), (50, 288)])
        func packedWeightsAreThoseOfTheCheckpoint(n: Int, k: Int) {
            var random = SeededGenerator(seed: UInt64(n + k))
            var w = MXFP4Matrix(n: n, k: k, &random, exponents: 0...254)
            for (at, code) in [0, 1, 2, 253, 254].enumerated() where at < w.scales.count { w.scales[at] = UInt8(code) }
            for (cuts, fill) in [([], 0), ([n / 2, n - n / 3], 0xff)] as [([Int], UInt8)] {
                let packed = w.packed(cuts: cuts, filled: fill)
                let whole = packed.bytes == w.packed().bytes
                #expect(whole, "cut at \(cuts)")
                for isa in instructionSets {
                    #expect(podium_select_isa(isa))
                    // In batches of one (decode) and of sixteen.
                    for batch in [1, 16] {
                        var wrong = 0
                        for start in stride(from: 0, to: k, by: batch) {
                            var codes = [Int8](repeating: 0, count: batch * k)
                            for r in 0..<batch { codes[r * k + start + r] = 1 }
                            // A quarter, so that 6 * 2^127 does not overflow.
                            let scales = [Float](repeating: 0.25, count: batch * k / 32)
                            let x = QuantizedRows(rows: batch, k: k, codes: codes, scales: scales)
                            let y = Self.product(x, packed, n: n)
                            for r in 0..<batch {
                                for i in 0..<n where Double(y.floats[r * n + i]) != w.value(i, start + r) / 4 {
                                    wrong += 1
                                }
                            }
                        }
                        #expect(wrong == 0, "\(wrong) of \(n * k) weights are wrong on \(isa), \(batch) rows")
                    }
                }
            }
        }

        /// Scales whose product has an exponent that fits, though each alone is at the end of the range.
        @Test(arguments: [
            (0x1p126, 0), (0x1p-126, 254), (0x1p-127, 254), (0x1p-149, 254), (0x1p64, 64), (0x1p-64, 190),
        ])
        func scalesAtTheEndsOfTheirRangeAreExact(scale: Double, code: UInt8) {
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for rows in [1, 5, 16] {
                    let codes = (0..<rows * 32).map { Int8($0 % 32 - 16) }
                    let x = QuantizedRows(
                        rows: rows,
                        k: 32,
                        codes: codes,
                        scales: [Float](repeating: Float(scale), count: rows)
                    )
                    let elements = (0..<32 * 16).map { UInt8($0 % 16) }
                    let w = MXFP4Matrix(n: 16, k: 32, elements: elements, scales: [UInt8](repeating: code, count: 16))
                    let y = Self.product(x, w.packed(), n: 16)
                    for at in 0..<rows * 16 {
                        let (wanted, _) = Self.reference(x, at / 16, w, at % 16)
                        #expect(Double(y.floats[at]) == wanted)
                    }
                }
            }
        }

        /// A scale of NaN makes its output NaN and no other; and so does a row that holds what is not finite.
        @Test(arguments: [1, 4, 5, 16, 20])
        func notANumberShows(rows: Int) {
            var random = SeededGenerator(seed: 5)
            let (n, k) = (37, 160)
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for block in 0..<k / 32 {
                    var w = MXFP4Matrix(n: n, k: k, &random)
                    // Zeros or sixes: times an infinite scale they would be NaN and infinite.
                    for j in 0..<32 { w.elements[20 * k + block * 32 + j] = block % 2 == 0 ? 7 : 0 }
                    w.scales[20 * (k / 32) + block] = 255
                    var numbers = random.floats(rows * k)
                    let x = QuantizedRows(numbers, rows: rows, k: k, PODIUM_ACTIVATION_INT8)
                    let y = Self.product(x, w.packed(), n: n).floatArray
                    let columns = Set(y.indices.filter { y[$0].isNaN }.map { $0 % n })
                    #expect(columns == [20] && y.filter(\.isNaN).count == rows, "weights, block \(block) on \(isa)")

                    w.scales[20 * (k / 32) + block] = 127
                    for value in [Float.nan, .infinity] {
                        numbers[(rows - 1) * k + block * 32 + 9] = value
                        for format in Quantize.formats {
                            let x = QuantizedRows(numbers, rows: rows, k: k, format)
                            let y = Self.product(x, w.packed(), n: n).floatArray
                            let hit = Array(y.indices.filter { y[$0].isNaN })
                            #expect(hit == Array((rows - 1) * n..<rows * n), "row, block \(block) on \(isa)")
                        }
                    }
                }
            }
        }

        /// The largest sums that a block can have.
        @Test(arguments: [1, 8])
        func extremeCodesDoNotOverflow(rows: Int) {
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for (element, code) in [(7, 127), (15, 127), (7, -127), (15, -127), (7, -128)] as [(UInt8, Int8)] {
                    let x = QuantizedRows(
                        rows: rows,
                        k: 64,
                        codes: [Int8](repeating: code, count: rows * 64),
                        scales: [Float](repeating: 1, count: rows * 2)
                    )
                    let w = MXFP4Matrix(
                        n: 16,
                        k: 64,
                        elements: [UInt8](repeating: element, count: 16 * 64),
                        scales: [UInt8](repeating: 127, count: 32)
                    )
                    let y = Self.product(x, w.packed(), n: 16).floatArray
                    let wanted = Float(element == 7 ? 6 : -6) * Float(code) * 64
                    #expect(y.allSatisfy { $0 == wanted })
                }
            }
        }

        @Test(arguments: [(0, 0), (3, 3), (17, 17), (30, 20), (-4, 0)])
        func onlyLiveRowsAreWritten(count: Int32, kept: Int) {
            var random = SeededGenerator(seed: 3)
            let (rows, n, k) = (20, 18, 64)
            let x = QuantizedRows(random.floats(rows * k), rows: rows, k: k, PODIUM_ACTIVATION_INT8)
            let w = MXFP4Matrix(n: n, k: k, &random)
            let pair = MXFP4Matrix.packed(gate: w, up: w)
            let live = GuardedMemory([count])
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                let y = GuardedMemory([Float](repeating: .nan, count: rows * n))
                let h = GuardedMemory([Float](repeating: .nan, count: rows * n))
                var grid = podium_grid_gemm_mxfp4(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
                Self.product(&grid, 0, blockCount(grid), y, x, w.packed(), live, n: n)
                Self.gated(&grid, 0, blockCount(grid), h, x, pair, live, n: n)
                for values in [y.floatArray, h.floatArray] {
                    #expect(values.indices.filter { !values[$0].isNaN } == Array(0..<kept * n))
                }
            }
        }
    }
}
