import CPluginAPI
import FoundationEssentials
import Kernels
import Numerics
import Testing

extension KernelTests {
    @Suite struct Quantize {
        static let formats = [PODIUM_ACTIVATION_INT8, PODIUM_ACTIVATION_MXFP4]

        private static let root =
            ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Golden"
            ).path

        /// Rows quantised on every instruction set and split, with the same bits.
        private static func quantized(
            _ x: [Float],
            rows: Int,
            _ format: podium_activation,
            _ comment: Comment
        ) -> QuantizedRows {
            let k = x.count / rows
            let input = GuardedMemory(x)
            let live = GuardedMemory([Int32(rows)])
            return everywhere(
                QuantizedRows(rows: rows, k: k),
                podium_grid_quantize_rows(PODIUM_BACKEND_CPU, Int32(rows)),
                comment
            ) { result, grid, first, last in
                result.quantize(grid, first, last, input.floats, live.ints, format)
            }
        }

        private static func everywhere(
            _ result: QuantizedRows,
            _ grid: mlp_grid,
            _ comment: Comment,
            _ body: (QuantizedRows, UnsafePointer<mlp_grid>, UInt64, UInt64) -> Void
        ) -> QuantizedRows {
            var expected: [UInt8] = []
            defer { _ = instructionSets.last.map { podium_select_isa($0) } }
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for split in splits(blockCount(grid)) {
                    result.fill(0xaa)
                    withUnsafePointer(to: grid) { grid in
                        for (first, last) in split { body(result, grid, first, last) }
                    }
                    if expected.isEmpty { expected = result.bytes }
                    let same = result.bytes == expected
                    #expect(same, "\(comment): bits differ on \(isa)")
                }
            }
            return result
        }

        private static func offsetsFollow(_ rows: QuantizedRows) -> Bool {
            (0..<rows.blocks).allSatisfy { block in
                let sum = (0..<32).reduce(0) { $0 + Int(rows.code8[block * 32 + $1]) }
                return Int(rows.offsets.ints[block]) == -12 * sum
            }
        }

        /// Codes and scales that AMD Quark's functions give, exactly.
        @Test func mxfp4IsQuarks() throws {
            let folder = Self.root + "/golden/quant"
            let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
                .filter { $0.hasPrefix("mxfp4") && $0.hasSuffix(".safetensors") }.sorted()
            if files.isEmpty { print("golden quant/mxfp4*.safetensors: not run (there is none in \(folder))") }
            for name in files {
                let file = try SafetensorsFile(path: folder + "/" + name)
                for type in ["f32", "bf16"] {
                    let tensor = try file.tensor(named: "\(type).x")
                    let (rows, k) = (tensor.shape[0], tensor.shape[1])
                    let packed = try file.tensor(named: "\(type).even.packed").withBytes(Array.init)
                    let scales = try file.tensor(named: "\(type).even.scale").withBytes(Array.init)
                    let got = try Self.quantized(
                        tensor.floats(),
                        rows: rows,
                        PODIUM_ACTIVATION_MXFP4,
                        "\(name) \(type)"
                    )
                    var wrong = 0
                    for row in 0..<rows {
                        for j in 0..<k {
                            let code = Int(packed[row * k / 2 + j / 2] >> (j % 2 * 4) & 15)
                            let doubled = Int(2 * MXFP4Matrix.magnitudes[code % 8]) * (code < 8 ? 1 : -1)
                            let scale = Float(
                                sign: .plus,
                                exponent: Int(scales[row * k / 32 + j / 32]) - 128,
                                significand: 1
                            )
                            if got.code(row, j) != doubled || got.scale(row, j) != scale { wrong += 1 }
                        }
                    }
                    #expect(wrong == 0 && rows > 0, "\(name) \(type): \(wrong) of \(rows * k) elements differ")
                    #expect(Self.offsetsFollow(got))
                    let verdict = wrong == 0 ? "passed" : "FAILED"
                    print("golden quant/\(name)/\(type).even quantize_rows: \(verdict) worst=\(wrong) of \(rows * k)")
                }
            }
        }

        /// Numbers of every size, with blocks of zeros, of one number, of subnormal and of the largest numbers, and ties.
        private static func numbers(_ rows: Int, _ k: Int) -> [Float] {
            var random = SeededGenerator(seed: UInt64(rows * 1000 + k))
            return (0..<rows * k / 32).flatMap { block -> [Float] in
                let exponent = Float(sign: .plus, exponent: Int.random(in: -126...126, using: &random), significand: 1)
                switch block % 8 {
                case 1: return [Float](repeating: 0, count: 32)
                case 2: return [Float](repeating: exponent, count: 32)
                case 3: return random.floats(32).map { $0 * 0x1p-130 }
                case 4: return random.floats(32).map { $0 * .greatestFiniteMagnitude }
                case 5: return (0..<32).map { $0 == 0 ? -127 : Float(Int.random(in: -252...252, using: &random)) / 2 }
                case 6: return (0..<32).map { $0 == 7 ? .leastNonzeroMagnitude : 0 }
                default: return random.floats(32).map { $0 * exponent }
                }
            }
        }

        @Test(arguments: [(1, 32), (2, 64), (5, 512), (16, 96), (17, 160), (40, 288)])
        func int8IsTheDefinition(rows: Int, k: Int) {
            let x = Self.numbers(rows, k)
            let got = Self.quantized(x, rows: rows, PODIUM_ACTIVATION_INT8, "\(rows)x\(k)")
            var wrong = 0
            for row in 0..<rows {
                for block in 0..<k / 32 {
                    let values = x[row * k + block * 32..<row * k + block * 32 + 32]
                    let largest = values.reduce(0) { max($0, abs($1)) }
                    let scale = max(largest / 127, Float.leastNormalMagnitude)
                    for (i, value) in values.enumerated() {
                        let code = Int((value / scale).rounded(.toNearestOrEven))
                        if got.code(row, block * 32 + i) != code || got.scale(row, block * 32 + i) != scale {
                            wrong += 1
                        }
                    }
                }
            }
            #expect(wrong == 0)
            #expect(Self.offsetsFollow(got))
        }

        /// A half of a step at the most, and in MXFP4 what saturates: an eighth of the largest magnitude.
        @Test(arguments: formats)
        func codesStandForTheNumbers(format: podium_activation) {
            let (rows, k) = (24, 256)
            let x = Self.numbers(rows, k)
            let got = Self.quantized(x, rows: rows, format, "\(format)")
            for row in 0..<rows {
                for j in 0..<k {
                    let value = Double(x[row * k + j])
                    let error = abs(got.value(row, j) - value)
                    let scale = Double(got.scale(row, j))
                    let allowed =
                        format == PODIUM_ACTIVATION_INT8
                        ? scale * (0.5 + 1e-4)
                        : max(scale / 2, abs(value) / 4)
                    if error > allowed { Issue.record("row \(row), \(j): \(value) is off by \(error)") }
                }
            }
        }

        @Test(arguments: formats, [Float.nan, .infinity, -.infinity])
        func whatIsNotFiniteShows(format: podium_activation, value: Float) {
            for place in [0, 17, 31] {
                var x = [Float](repeating: 1, count: 3 * 64)
                x[64 + 32 + place] = value
                for isa in instructionSets {
                    #expect(podium_select_isa(isa))
                    let got = QuantizedRows(x, rows: 3, k: 64, format)
                    for row in 0..<3 {
                        for block in 0..<2 {
                            let isHit = row == 1 && block == 1
                            #expect(got.scale(row, block * 32).isNaN == isHit)
                            if isHit { #expect((32..<64).allSatisfy { got.code(row, $0) == 0 }) }
                        }
                    }
                    #expect(Self.offsetsFollow(got))
                }
            }
        }

        /// The same bits as the norm and the quantiser one after the other.
        @Test(arguments: formats, dtypes)
        func fusedNormIsTheNormQuantized(format: podium_activation, dtype: podium_dtype) {
            for (rows, sources, width) in [(1, nil, 32), (5, nil, 96), (18, 7, 160), (3, nil, 2048)]
                as [(Int, Int?, Int)]
            {
                var random = SeededGenerator(seed: UInt64(width + rows))
                let count = sources ?? rows
                var numbers = random.floats(count * width, in: -3...3)
                if rows == 5 { numbers[width + 3] = .nan }
                let x = GuardedMemory(numbers)
                let weight = Weights(random.floats(width, in: -2...2), dtype)
                let picks = sources.map { n in
                    GuardedMemory((0..<rows).map { _ in Int32.random(in: 0..<Int32(n), using: &random) })
                }
                let live = GuardedMemory([Int32(rows)])
                let normed = GuardedMemory(byteCount: rows * width * 4)
                var grid = podium_grid_rms_norm(PODIUM_BACKEND_CPU, Int32(rows))
                podium_rms_norm(
                    &grid,
                    0,
                    UInt64(rows),
                    weight.dtype,
                    normed.floats,
                    x.floats,
                    weight.memory.base,
                    picks?.ints,
                    live.ints,
                    Int32(rows),
                    Int32(width),
                    1e-5
                )
                let apart = QuantizedRows(normed.floatArray, rows: rows, k: width, format)
                let fused = Self.everywhere(
                    QuantizedRows(rows: rows, k: width),
                    podium_grid_rms_norm_quantize(PODIUM_BACKEND_CPU, Int32(rows)),
                    "\(rows)x\(width)"
                ) { result, grid, first, last in
                    podium_rms_norm_quantize(
                        grid,
                        first,
                        last,
                        Int32(format.rawValue),
                        weight.dtype,
                        result.code8,
                        result.scales.floats,
                        result.offsets.ints,
                        x.floats,
                        weight.memory.base,
                        picks?.ints,
                        live.ints,
                        Int32(rows),
                        Int32(width),
                        1e-5
                    )
                }
                let same = fused.bytes == apart.bytes
                #expect(same, "\(rows)x\(width)")
            }
        }

        @Test(arguments: [(0, 0), (3, 3), (20, 18), (-4, 0)])
        func onlyLiveRowsAreWritten(count: Int32, kept: Int) {
            let x = GuardedMemory([Float](repeating: 1, count: 18 * 64))
            let live = GuardedMemory([count])
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                let rows = QuantizedRows(rows: 18, k: 64)
                rows.fill(0xaa)
                var grid = podium_grid_quantize_rows(PODIUM_BACKEND_CPU, 18)
                rows.quantize(&grid, 0, 18, x.floats, live.ints, PODIUM_ACTIVATION_INT8)
                let written = (0..<18).filter { row in (0..<64).allSatisfy { rows.code(row, $0) == 127 } }
                let untouched = (0..<18).filter { row in (0..<64).allSatisfy { rows.code(row, $0) == -86 } }
                #expect(written == Array(0..<kept) && untouched == Array(kept..<18))
            }
        }

        /// Every block of every row has a place of its own.
        @Test(arguments: [1, 2, 15, 16, 17, 31, 48, 50])
        func placesAreAPermutation(rows: Int32) {
            let k: Int32 = 160
            let places = (0..<rows).flatMap { row in (0..<k / 32).map { podium_quantized_block(rows, k, row, $0) } }
            #expect(places.sorted() == Array(0..<Int(rows * k / 32)))
        }
    }
}
