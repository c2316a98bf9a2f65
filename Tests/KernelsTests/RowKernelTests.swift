import CPluginAPI
import Glibc
import Kernels
import Testing

func exponential(_ x: Double) -> Double { exp(x) }

extension KernelTests {
    @Suite struct Rows {
        @Test(arguments: dtypes, [1, 15, 16, 33, 64])
        func embeddingCopiesRows(dtype: podium_dtype, width: Int) {
            var random = SeededGenerator(seed: 5)
            let vocabulary = 9
            let table = Weights(random.floats(vocabulary * width), dtype)
            let tokens = GuardedMemory([Int32]([8, 0, 3, 3, -1, 9, .max]))
            let live = GuardedMemory([Int32(7)])
            let out = GuardedMemory(byteCount: 7 * width * 4)
            let got = runEverywhere(podium_grid_embedding(PODIUM_BACKEND_CPU, 7), output: out, "embedding") {
                podium_embedding(
                    $0,
                    $1,
                    $2,
                    table.dtype,
                    out.floats,
                    table.memory.base,
                    tokens.ints,
                    live.ints,
                    7,
                    Int32(vocabulary),
                    Int32(width)
                )
            }
            for (row, token) in [8, 0, 3, 3].enumerated() {
                #expect(got[row * width..<(row + 1) * width] == table.values[token * width..<(token + 1) * width])
            }
            #expect(got[(4 * width)...].allSatisfy { $0.isNaN }, "tokens outside the table")
        }

        /// Every IEEE half, subnormals, infinities and NaN included, and in a tail.
        @Test func halvesAreWidenedExactly() {
            let width = 0x10000 + 7
            let halves = (0..<width).map { UInt16(truncatingIfNeeded: $0) }
            let table = GuardedMemory(halves)
            let zero = GuardedMemory([Int32(0)])
            let live = GuardedMemory([Int32(1)])
            let out = GuardedMemory(byteCount: width * 4)
            let dtype = Int32(PODIUM_F16.rawValue)
            let got = runEverywhere(podium_grid_embedding(PODIUM_BACKEND_CPU, 1), output: out, "halves") {
                podium_embedding($0, $1, $2, dtype, out.floats, table.base, zero.ints, live.ints, 1, 1, Int32(width))
            }
            let wanted = halves.map { Float(Float16(bitPattern: $0)) }
            let wrong = zip(got, wanted).filter {
                $0.bitPattern != $1.bitPattern && !($0.isNaN && $1.isNaN && $0.sign == $1.sign)
            }
            #expect(wrong.isEmpty, "\(wrong.count) halves, of them \(wrong.prefix(4))")
        }

        @Test(arguments: dtypes, [1, 7, 16, 100, 2048, 4097])
        func rmsNormEqualsTheDoubleReference(dtype: podium_dtype, width: Int) {
            var random = SeededGenerator(seed: UInt64(width))
            let rows: [Int32] = [4, 0, 4]
            // The last row is so small that epsilon decides.
            let small = random.floats(width, in: -0.003...0.003)
            let x = GuardedMemory(random.floats(4 * width, in: -30...30) + small)
            let weight = Weights(random.floats(width, in: 0.2...2), dtype)
            let index = GuardedMemory(rows)
            let live = GuardedMemory([Int32(3)])
            let out = GuardedMemory(byteCount: 3 * width * 4)
            let xs = x.floatArray
            for gather in [true, false] {
                let got = runEverywhere(podium_grid_rms_norm(PODIUM_BACKEND_CPU, 3), output: out, "rms_norm") {
                    podium_rms_norm(
                        $0,
                        $1,
                        $2,
                        weight.dtype,
                        out.floats,
                        x.floats,
                        weight.memory.base,
                        gather ? index.ints : nil,
                        live.ints,
                        3,
                        Int32(width),
                        1e-5
                    )
                }
                let wanted = (0..<3).flatMap { row in
                    let from = gather ? Int(rows[row]) : row
                    let values = xs[from * width..<(from + 1) * width].map(Double.init)
                    let mean = values.map { $0 * $0 }.reduce(0, +) / Double(width)
                    let scale = 1 / (mean + Double(Float(1e-5))).squareRoot()
                    return zip(values, weight.values).map { $0 * scale * Double($1) }
                }
                // Half the relative error of the sum, and five more roundings.
                let error = worst(got, wanted) { (Gemm.bound(width) / 2 + 5 * 0x1p-24) * abs(wanted[$0]) }
                #expect(error <= 1, "worst error is \(error) of the bound")
            }
        }

        @Test func argmaxTakesTheFirstLargest() {
            let nan = Float.nan
            let infinity = Float.infinity
            var random = SeededGenerator(seed: 11)
            var cases: [([Float], Int32)] = [
                ([3], 0), ([nan], 0), ([-infinity], 0), ([1, 1], 0), ([-0.0, 0], 0), ([1, nan, 2, nan], 1),
                ([Float](repeating: -infinity, count: 40), 0), ([Float](repeating: 5, count: 100), 0),
            ]
            // Equals in two lanes, the earlier one in the later lane.
            var tie = random.floats(48)
            (tie[17], tie[32]) = (2, 2)
            cases.append((tie, 17))
            (tie[17], tie[32]) = (nan, nan)
            cases.append((tie, 17))
            for width in [15, 16, 17, 31, 32, 33, 1000] {
                for place in [0, 1, width / 2, width - 1] {
                    var values = random.floats(width)
                    values[place] = 2
                    cases.append((values, Int32(place)))
                    values[width - 1] = 2
                    cases.append((values, Int32(place)))
                    values[place] = nan
                    values[width - 1] = nan
                    cases.append((values, Int32(place)))
                    values[place] = infinity
                    cases.append((values, Int32(width - 1)))  // NaN is the largest
                }
                let values = random.floats(width)
                let largest = values.max() ?? 0
                cases.append((values, Int32(values.firstIndex(of: largest) ?? -1)))
            }
            let live = GuardedMemory([Int32(2)])
            let tokens = GuardedMemory([Int32](repeating: -7, count: 2))
            for isa in instructionSets {
                #expect(podium_select_isa(isa))
                for (values, wanted) in cases {
                    let x = GuardedMemory(values + values)
                    var grid = podium_grid_argmax(PODIUM_BACKEND_CPU, 2)
                    podium_argmax(&grid, 0, 2, tokens.ints, x.floats, live.ints, 2, Int32(values.count), nil, nil, 0)
                    #expect(tokens.ints[0] == wanted && tokens.ints[1] == wanted, "\(isa), width \(values.count)")
                }
            }
        }

        @Test(arguments: [(-3, 0), (0, 0), (2, 2), (4, 4), (1000, 4)])
        func onlyLiveRowsAreWritten(count: Int32, kept: Int) {
            let live = GuardedMemory([count])
            let ones = GuardedMemory([Float](repeating: 1, count: 16))
            let tokens = GuardedMemory([Int32](repeating: 0, count: 4))
            let out = GuardedMemory([Float](repeating: .nan, count: 16))
            var grid = podium_grid_embedding(PODIUM_BACKEND_CPU, 4)
            podium_embedding(&grid, 0, 4, 0, out.floats, ones.base, tokens.ints, live.ints, 4, 1, 4)
            #expect(out.floatArray.filter { !$0.isNaN }.count == kept * 4)
            let normed = GuardedMemory([Float](repeating: .nan, count: 16))
            grid = podium_grid_rms_norm(PODIUM_BACKEND_CPU, 4)
            podium_rms_norm(&grid, 0, 4, 0, normed.floats, ones.floats, ones.base, nil, live.ints, 4, 4, 1e-5)
            #expect(normed.floatArray.filter { !$0.isNaN }.count == kept * 4)
            let chosen = GuardedMemory([Int32](repeating: -7, count: 4))
            grid = podium_grid_argmax(PODIUM_BACKEND_CPU, 4)
            podium_argmax(&grid, 0, 4, chosen.ints, ones.floats, live.ints, 4, 4, nil, nil, 0)
            #expect((0..<4).filter { chosen.ints[$0] == 0 }.count == kept)
        }

        @Test func tableIsCompleteAndInOrder() {
            var count: UInt32 = 0
            var families: UInt32 = 0
            let kernels = UnsafeBufferPointer(start: podium_kernels(&count), count: Int(PODIUM_KERNEL_COUNT.rawValue))
            let names = UnsafeBufferPointer(start: podium_families(&families), count: 10)
            #expect(count == UInt32(PODIUM_KERNEL_COUNT.rawValue) && families == 10)
            #expect(kernels.allSatisfy { $0.twin != nil && $0.family < families })
            #expect(names.allSatisfy { $0.name != nil })
            #expect(
                kernels.map { String(cString: $0.name) } == [
                    "embedding", "rms_norm", "gemm", "gemm_silu_gate", "rope_tables", "rope_append", "paged_attention",
                    "argmax", "round_to_fp8", "quantize_rows", "rms_norm_quantize", "gemm_mxfp4",
                    "gemm_mxfp4_silu_gate", "add", "silu_gate", "begin_step", "quantize_fp8",
                    "rms_norm_quantize_fp8", "gemm_fp8", "gemm_fp8_silu_gate", "attention_join",
                ]
            )
        }

        /// A launch goes by the signature alone, so it must say what the prototype says.
        @Test func signaturesAreThoseOfThePrototypes() {
            func signature(_ twin: Any) -> String {
                let types = String(describing: type(of: twin)).dropFirst().prefix { $0 != ")" }.split(separator: ", ")
                return types.dropFirst(3).map { type in
                    switch type {
                    case "Int32": "i"
                    case "Int64": "l"
                    case "Float": "f"
                    case "Double": "d"
                    default: type.contains("Pointer") ? "p" : "?"
                    }
                }.joined()
            }
            var count: UInt32 = 0
            let kernels = UnsafeBufferPointer(start: podium_kernels(&count), count: Int(PODIUM_KERNEL_COUNT.rawValue))
            #expect(
                kernels.map { String(cString: $0.signature) } == [
                    signature(podium_embedding), signature(podium_rms_norm), signature(podium_gemm),
                    signature(podium_gemm_silu_gate), signature(podium_rope_tables), signature(podium_rope_append),
                    signature(podium_paged_attention), signature(podium_argmax), signature(podium_round_to_fp8),
                    signature(podium_quantize_rows),
                    signature(podium_rms_norm_quantize), signature(podium_gemm_mxfp4),
                    signature(podium_gemm_mxfp4_silu_gate), signature(podium_add), signature(podium_silu_gate),
                    signature(podium_begin_step), signature(podium_quantize_fp8),
                    signature(podium_rms_norm_quantize_fp8), signature(podium_gemm_fp8),
                    signature(podium_gemm_fp8_silu_gate), signature(podium_attention_join),
                ]
            )
        }

        @Test func anAbsentInstructionSetIsRefused() {
            let before = podium_active_isa()
            #expect(!podium_select_isa(podium_isa(rawValue: 99)))
            #expect(podium_active_isa() == before)
        }
    }
}
