import CPluginAPI
import Kernels
import Testing

extension KernelTests {
    /// The kernels whose activations are E4M3 codes, against those that take the same numbers as float32.
    @Suite struct FP8ProductTests {
        private static let xScale: Float = 0.037

        /// Floats of which some are zeros of either sign, halfway between codes, and beyond the largest.
        private static func numbers(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
            random.floats(count, in: -20...20).enumerated().map { index, value in
                switch index % 11 {
                case 0: -0.0
                case 1: 0
                case 2: xScale * 17 * (value < 0 ? -1 : 1)
                default: value
                }
            }
        }

        /// Codes as the twin makes them, which must be the same everywhere.
        private static func quantized(_ x: [Float], rows: Int, width: Int) -> [UInt8] {
            let input = GuardedMemory(x)
            let live = GuardedMemory([Int32(rows)])
            // The comparison of results reads whole floats.
            let out = GuardedMemory(byteCount: (rows * width + 3) / 4 * 4)
            let codes = out.base.assumingMemoryBound(to: UInt8.self)
            let grid = podium_grid_quantize_fp8(PODIUM_BACKEND_CPU, Int32(rows))
            _ = runEverywhere(grid, output: out, "quantize_fp8") {
                podium_quantize_fp8($0, $1, $2, codes, input.floats, xScale, live.ints, Int32(rows), Int32(width))
            }
            return Array(UnsafeBufferPointer(start: codes, count: rows * width))
        }

        @Test func codesAreTheNearestAndZeroHasNoSign() {
            var random = SeededGenerator(seed: 31)
            let (rows, width) = (3, 517)
            let x = Self.numbers(rows * width, &random)
            let wanted = x.map { value in
                let code = E4M3.code(value / Self.xScale)
                return code == 0x80 ? 0 : code
            }
            #expect(Self.quantized(x, rows: rows, width: width) == wanted)
            var broken = x
            broken[4] = .nan
            broken[5] = .infinity
            let codes = Self.quantized(broken, rows: rows, width: width)
            #expect(codes[4] & 0x7F == 0x7F && codes[5] == 0x7E)
        }

        /// The norm and the quantising in one launch have the codes of the two.
        @Test(arguments: dtypes)
        func normAndCodesInOneAreTheTwo(type: podium_dtype) {
            var random = SeededGenerator(seed: 32)
            let (rows, width) = (4, 309)
            let x = GuardedMemory(random.floats(rows * width))
            let weight = Weights(random.floats(width, in: -2...2), type)
            let live = GuardedMemory([Int32(rows)])
            let normed = GuardedMemory(byteCount: rows * width * 4)
            let norm = podium_grid_rms_norm(PODIUM_BACKEND_CPU, Int32(rows))
            let numbers = runEverywhere(norm, output: normed, "rms_norm") {
                podium_rms_norm(
                    $0,
                    $1,
                    $2,
                    weight.dtype,
                    normed.floats,
                    x.floats,
                    weight.memory.base,
                    nil,
                    live.ints,
                    Int32(rows),
                    Int32(width),
                    1e-5
                )
            }
            let wanted = Self.quantized(numbers, rows: rows, width: width)
            let out = GuardedMemory(byteCount: rows * width)
            let codes = out.base.assumingMemoryBound(to: UInt8.self)
            let grid = podium_grid_rms_norm_quantize_fp8(PODIUM_BACKEND_CPU, Int32(rows))
            _ = runEverywhere(grid, output: out, "rms_norm_quantize_fp8") {
                podium_rms_norm_quantize_fp8(
                    $0,
                    $1,
                    $2,
                    weight.dtype,
                    codes,
                    x.floats,
                    weight.memory.base,
                    Self.xScale,
                    nil,
                    live.ints,
                    Int32(rows),
                    Int32(width),
                    1e-5
                )
            }
            #expect(Array(UnsafeBufferPointer(start: codes, count: rows * width)) == wanted)
        }

        /// To the bit the product of the codes' values as float32, with both scales in one factor: alone, in panels, and
        /// beyond one pass over k.
        @Test(arguments: [(1, 35, 333), (7, 33, 2200), (130, 40, 1100)])
        func productsAreThoseOfTheValues(shape: (Int, Int, Int)) {
            let (rows, n, k) = shape
            var random = SeededGenerator(seed: 33)
            let codes = Self.quantized(Self.numbers(rows * k, &random), rows: rows, width: k)
            let values = GuardedMemory(codes.map { Float(E4M3.value($0)) })
            let x = GuardedMemory(codes)
            let w = Weights(random.floats(n * k, in: -9...9), PODIUM_F8E4M3)
            let up = Weights(random.floats(n * k, in: -2...2), PODIUM_F8E4M3)
            let scaleArray = random.floats(n, in: 0.001...0.002)
            let scales = GuardedMemory(scaleArray)
            let factors = GuardedMemory(scaleArray.map { $0 * Self.xScale })
            let bias = Weights(random.floats(n), PODIUM_BF16)
            let residual = random.floats(rows * n)
            let live = GuardedMemory([Int32(rows)])
            let y = GuardedMemory(byteCount: rows * n * 4)
            let (high, columns, depth) = (Int32(rows), Int32(n), Int32(k))
            let dtype = Int32(PODIUM_F8E4M3.rawValue)
            let input = x.base.assumingMemoryBound(to: UInt8.self)
            let sets = rows > 7 ? Array(instructionSets.suffix(3)) : instructionSets
            let wanted = runEverywhere(
                podium_grid_gemm(PODIUM_BACKEND_CPU, high, columns, depth),
                output: y,
                initial: residual,
                only: sets,
                "\(shape)"
            ) {
                podium_gemm(
                    $0,
                    $1,
                    $2,
                    dtype,
                    y.floats,
                    values.floats,
                    w.memory.base,
                    factors.floats,
                    bias.memory.base,
                    bias.dtype,
                    live.ints,
                    high,
                    columns,
                    depth,
                    1
                )
            }
            let got = runEverywhere(
                podium_grid_gemm_fp8(PODIUM_BACKEND_CPU, high, columns, depth),
                output: y,
                initial: residual,
                only: sets,
                "\(shape)"
            ) {
                podium_gemm_fp8(
                    $0,
                    $1,
                    $2,
                    y.floats,
                    input,
                    Self.xScale,
                    w.memory.base,
                    scales.floats,
                    bias.memory.base,
                    bias.dtype,
                    live.ints,
                    high,
                    columns,
                    depth,
                    1
                )
            }
            #expect(got.map(\.bitPattern) == wanted.map(\.bitPattern))
            let wantedGate = runEverywhere(
                podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, high, columns, depth),
                output: y,
                only: sets,
                "\(shape)"
            ) {
                podium_gemm_silu_gate(
                    $0,
                    $1,
                    $2,
                    dtype,
                    y.floats,
                    values.floats,
                    w.memory.base,
                    up.memory.base,
                    factors.floats,
                    factors.floats,
                    live.ints,
                    high,
                    columns,
                    depth
                )
            }
            let gate = runEverywhere(
                podium_grid_gemm_fp8_silu_gate(PODIUM_BACKEND_CPU, high, columns, depth),
                output: y,
                only: sets,
                "\(shape)"
            ) {
                podium_gemm_fp8_silu_gate(
                    $0,
                    $1,
                    $2,
                    y.floats,
                    input,
                    Self.xScale,
                    w.memory.base,
                    up.memory.base,
                    scales.floats,
                    scales.floats,
                    live.ints,
                    high,
                    columns,
                    depth
                )
            }
            #expect(gate.map(\.bitPattern) == wantedGate.map(\.bitPattern))
        }
    }
}
