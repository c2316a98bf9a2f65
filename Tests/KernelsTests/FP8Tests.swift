import CPluginAPI
import FoundationEssentials
import Kernels
import Numerics
import Testing

extension KernelTests {
    @Suite struct FP8 {
        private static let root =
            ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Golden"
            ).path

        /// Everything that rounding can meet: each code's value, the middle between two and one step to its sides,
        /// what is too small and too large.
        private static let edges: [Float] = {
            let values = (UInt8(0)..<0x7f).map { Float(E4M3.value($0)) }
            let middles = zip(values, values.dropFirst()).map { ($0 + $1) / 2 } + [464, 0x1p-10]
            let sizes =
                values + middles + middles.map(\.nextUp) + middles.map(\.nextDown)
                + [449, 1e30, .greatestFiniteMagnitude, .infinity, 0x1p-11, .leastNonzeroMagnitude, .nan]
            return sizes + sizes.map { -$0 }
        }()

        /// `x` rounded by the twin on every instruction set, out of place and in place.
        private static func rounded(_ x: [Float], scale: Float, _ comment: Comment) -> [Float] {
            let input = GuardedMemory(x)
            let live = GuardedMemory([Int32(1)])
            let out = GuardedMemory(byteCount: x.count * 4)
            let grid = podium_grid_round_to_fp8(PODIUM_BACKEND_CPU, 1)
            let apart = runEverywhere(grid, output: out, comment) {
                podium_round_to_fp8($0, $1, $2, out.floats, input.floats, scale, live.ints, 1, Int32(x.count))
            }
            _ = runEverywhere(grid, output: out, initial: x, comment) {
                podium_round_to_fp8($0, $1, $2, out.floats, out.floats, scale, live.ints, 1, Int32(x.count))
            }
            let same = zip(out.floatArray, apart).allSatisfy { $0.bitPattern == $1.bitPattern }
            #expect(same, "\(comment): in place differs")
            return apart
        }

        private static func wrong(_ got: [Float], _ wanted: [Float]) -> Int {
            zip(got, wanted).filter { $0.bitPattern != $1.bitPattern && !($0.isNaN && $1.isNaN) }.count
        }

        @Test(arguments: [Float(1), 0.0123, 3, 0x1p-20, 1.7e5, 0x1p-120])
        func roundingIsThatOfTheDefinition(scale: Float) {
            var random = SeededGenerator(seed: 8)
            let x = Self.edges + Self.edges.map { $0 * scale } + random.floats(3001, in: -600 * scale...600 * scale)
            let got = Self.rounded(x, scale: scale, "scale \(scale)")
            let wanted = x.map { Float(E4M3.value(E4M3.code($0 / scale))) * scale }
            let count = Self.wrong(got, wanted)
            #expect(count == 0, "\(count) of \(x.count) differ")
        }

        /// What ml_dtypes makes of its own edge cases, and of random numbers.
        @Test func roundingIsThatOfMLDtypes() throws {
            let path = Self.root + "/golden/quant/scalar_encode.safetensors"
            guard FileManager.default.fileExists(atPath: path) else {
                print("golden quant/scalar_encode: not run (there is no \(path))")
                return
            }
            let file = try SafetensorsFile(path: path)
            let x = try file.tensor(named: "e4m3fn.x").floats()
            let codes = try file.tensor(named: "e4m3fn.code_saturating").withBytes(Array.init)
            let wanted = codes.map { Float(E4M3.value($0)) }
            let count = Self.wrong(Self.rounded(x, scale: 1, "golden"), wanted)
            #expect(count == 0 && !x.isEmpty, "\(count) of \(x.count) differ")
            let verdict = count == 0 ? "passed" : "FAILED"
            print("golden quant/scalar_encode/e4m3fn round_to_fp8: \(verdict) worst=\(count) of \(x.count)")
        }

        /// Every code, and in a tail.
        @Test func codesAreWidenedExactly() {
            let width = 3 * 256 + 7
            let codes = (0..<width).map { UInt8(truncatingIfNeeded: $0) }
            let table = GuardedMemory(codes)
            let zero = GuardedMemory([Int32(0)])
            let live = GuardedMemory([Int32(1)])
            let out = GuardedMemory(byteCount: width * 4)
            let dtype = Int32(PODIUM_F8E4M3.rawValue)
            let got = runEverywhere(podium_grid_embedding(PODIUM_BACKEND_CPU, 1), output: out, "codes") {
                podium_embedding($0, $1, $2, dtype, out.floats, table.base, zero.ints, live.ints, 1, 1, Int32(width))
            }
            let count = Self.wrong(got, codes.map { Float(E4M3.value($0)) })
            #expect(count == 0)
        }

        /// A weight that is NaN shows in its column and in no other, for any number of rows.
        @Test(arguments: [1, 2, 7, 50, 200])
        func notANumberShowsInItsColumn(rows: Int) {
            var random = SeededGenerator(seed: 12)
            let (n, k) = (70, 1100)
            let x = GuardedMemory(random.floats(rows * k))
            let live = GuardedMemory([Int32(rows)])
            let y = GuardedMemory(byteCount: rows * n * 4)
            for (column, place, code) in [(0, 0, 0x7f), (33, 515, 0xff), (69, 1099, 0x7f), (40, 1090, 0xff)] {
                var codes = (0..<n * k).map { _ in UInt8.random(in: 0...0x7e, using: &random) }
                codes[column * k + place] = UInt8(code)
                let w = GuardedMemory(codes)
                let grid = podium_grid_gemm(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
                let sets = rows > 7 ? instructionSets.suffix(2) : instructionSets.suffix(3)
                let got = runEverywhere(grid, output: y, only: Array(sets), "\(rows) rows") {
                    podium_gemm(
                        $0,
                        $1,
                        $2,
                        Int32(PODIUM_F8E4M3.rawValue),
                        y.floats,
                        x.floats,
                        w.base,
                        nil,
                        nil,
                        0,
                        live.ints,
                        Int32(rows),
                        Int32(n),
                        Int32(k),
                        0
                    )
                }
                let found = Set(got.indices.filter { got[$0].isNaN })
                #expect(found == Set((0..<rows).map { $0 * n + column }))
            }
        }

        /// The scale is applied to the finished sum, before a bias of any type and before the residual.
        @Test(arguments: [(1, 37, 300), (5, 65, 40), (49, 20, 513)], dtypes)
        func scalesApplyToFinishedSums(shape: (Int, Int, Int), biasType: podium_dtype) {
            let (rows, n, k) = shape
            var random = SeededGenerator(seed: 21)
            let x = GuardedMemory(random.floats(rows * k))
            let w = Weights(random.floats(n * k, in: -300...300), PODIUM_F8E4M3)
            let up = Weights(random.floats(n * k, in: -3...3), PODIUM_F8E4M3)
            let scaleArray = random.floats(n, in: 0.001...0.1)
            let scales = GuardedMemory(scaleArray)
            let bias = Weights(random.floats(n), biasType)
            let residual = random.floats(rows * n)
            let live = GuardedMemory([Int32(rows)])
            let y = GuardedMemory(byteCount: rows * n * 4)
            let grid = podium_grid_gemm(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k))
            func product(_ w: Weights, scaled: Bool, _ bias: Weights?, _ initial: [Float]?) -> [Float] {
                runEverywhere(grid, output: y, initial: initial, "\(shape)") {
                    podium_gemm(
                        $0,
                        $1,
                        $2,
                        w.dtype,
                        y.floats,
                        x.floats,
                        w.memory.base,
                        scaled ? scales.floats : nil,
                        bias?.memory.base,
                        bias?.dtype ?? 0,
                        live.ints,
                        Int32(rows),
                        Int32(n),
                        Int32(k),
                        initial == nil ? 0 : 1
                    )
                }
            }
            let sums = product(w, scaled: false, nil, nil)
            let got = product(w, scaled: true, bias, residual)
            // Float32 arithmetic in the stated order, to the bit.
            let wanted = sums.indices.map { sums[$0] * scaleArray[$0 % n] + bias.values[$0 % n] + residual[$0] }
            let count = Self.wrong(got, wanted)
            #expect(count == 0, "\(count) of \(got.count) differ")

            let h = GuardedMemory(byteCount: rows * n * 4)
            let gated = runEverywhere(
                podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, Int32(rows), Int32(n), Int32(k)),
                output: h,
                "\(shape)"
            ) {
                podium_gemm_silu_gate(
                    $0,
                    $1,
                    $2,
                    w.dtype,
                    h.floats,
                    x.floats,
                    w.memory.base,
                    up.memory.base,
                    scales.floats,
                    scales.floats,
                    live.ints,
                    Int32(rows),
                    Int32(n),
                    Int32(k)
                )
            }
            let ups = product(up, scaled: true, nil, nil)
            let gates = product(w, scaled: true, nil, nil)
            let silu = zip(gates, ups).map { Double($0) / (1 + exponential(-Double($0))) * Double($1) }
            let error = worst(gated, silu) { 8 * 0x1p-24 * abs(silu[$0]) + 1e-37 }
            #expect(error <= 1, "worst error is \(error) of 8 * 2^-24")
        }
    }
}
