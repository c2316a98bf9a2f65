import CPluginAPI
import Glibc
import Kernels
import Numerics
import Testing

extension KernelTests {
    @Suite struct Rope {
        @Test(arguments: [8, 32, 40, 64])
        func tablesAreWithinAUnitOfTheLastPlace(pairs: Int) {
            let positions: [Int32] = [0, 1, 2, 100, 4095, 131_071, 1_000_003, .max, -5]
            let frequencies = (0..<pairs).map { Float(pow(10000, -Double($0) / Double(pairs))) }
            let at = GuardedMemory(positions)
            let inverse = GuardedMemory(frequencies)
            let live = GuardedMemory([Int32(positions.count)])
            let tables = GuardedMemory(byteCount: positions.count * pairs * 8)
            let count = positions.count * pairs
            let rows = Int32(positions.count)
            for factor: Float in [1, 0.75] {
                let got = runEverywhere(podium_grid_rope_tables(PODIUM_BACKEND_CPU, rows), output: tables, "tables") {
                    podium_rope_tables(
                        $0,
                        $1,
                        $2,
                        tables.floats,
                        tables.floats + count,
                        at.ints,
                        inverse.floats,
                        live.ints,
                        rows,
                        Int32(pairs),
                        factor
                    )
                }
                for (row, position) in positions.enumerated() {
                    for pair in 0..<pairs {
                        // The angle is a float32 by definition; libm's double functions are the reference.
                        let angle = Double(Float(position) * frequencies[pair])
                        let cosine = got[row * pairs + pair] / factor
                        let sine = got[count + row * pairs + pair] / factor
                        let limit = factor == 1 ? 0.51 : 1.6
                        #expect(abs(Double(cosine) - cos(angle)) <= limit * Double(Float(cos(angle)).ulp))
                        #expect(abs(Double(sine) - sin(angle)) <= limit * Double(Float(sin(angle)).ulp))
                    }
                }
            }
        }

        /// The cache's types; of E4M3 also with q, k and v as columns of one matrix.
        static let ways: [(type: podium_dtype, isFused: Bool)] = [
            (PODIUM_F32, false), (PODIUM_F32, true), (PODIUM_BF16, true), (PODIUM_F8E4M3, false),
            (PODIUM_F8E4M3, true),
        ]

        /// An element of the cache, as bits and as a number.
        private static func element(_ bytes: UnsafeRawPointer, _ index: Int, _ type: podium_dtype) -> (Int, Double) {
            switch type {
            case PODIUM_BF16:
                let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                return (Int(bits), Double(Float(BFloat16(bitPattern: bits))))
            case PODIUM_F8E4M3:
                let code = bytes.loadUnaligned(fromByteOffset: index, as: UInt8.self)
                return (Int(code), E4M3.value(code))
            default:
                let bits = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
                return (Int(bits), Double(Float(bitPattern: bits)))
            }
        }

        /// What a number of the values becomes, exactly.
        private static func kept(_ x: Float, _ scale: Float, _ type: podium_dtype) -> Int {
            switch type {
            case PODIUM_BF16: Int(BFloat16(x).bitPattern)
            case PODIUM_F8E4M3: Int(E4M3.code(x / scale))
            default: Int(x.bitPattern)
            }
        }

        /// How far a number of the cache may be from one that is off by `error` before it is rounded.
        private static func room(_ wanted: Double, _ error: Double, _ type: podium_dtype) -> Double {
            switch type {
            case PODIUM_BF16: error + abs(wanted) * 0x1p-8
            case PODIUM_F8E4M3: error + max(abs(wanted) * 0x1p-4, 0x1p-10)
            default: error
            }
        }

        @Test(arguments: [2, 16, 64, 80, 128], [1, 5, 16])
        func appendRotatesAndFillsThePages(headDim: Int, pageSize: Int) {
            for way in Self.ways { append(headDim: headDim, pageSize: pageSize, way.type, isFused: way.isFused) }
        }

        private func append(headDim: Int, pageSize: Int, _ type: podium_dtype, isFused: Bool) {
            var random = SeededGenerator(seed: UInt64(headDim * pageSize))
            let (heads, kvHeads, maxPages, pairs) = (4, 2, 3, headDim / 2)
            let size = type == PODIUM_F32 ? 4 : type == PODIUM_BF16 ? 2 : 1
            let (kScale, vScale): (Float, Float) = (0.00213, 0.0037)
            // The last row is a token without a place: its q is rotated and nothing is stored.
            let slots: [Int32] = [1, 0, 1, 0]
            let positions: [Int32] = [Int32(pageSize - 1), 0, Int32(pageSize), -1]
            let table: [Int32] = [5, 2, 0, 3, 1, 4]
            let rows = slots.count
            let (qWidth, kvWidth) = (heads * headDim, kvHeads * headDim)
            let stride = isFused ? qWidth + 2 * kvWidth + 3 : 0
            let (qStride, kvStride) = isFused ? (stride, stride) : (qWidth, kvWidth)
            let q = random.floats(rows * qWidth)
            let k = random.floats(rows * kvWidth)
            var v = random.floats(rows * kvWidth)
            let special: [Float] = [.nan, -.infinity, 1e30, -0.0, 448.5 * vScale, 1e-40, 17 * vScale, 19 * vScale]
            for (i, x) in special.enumerated() { v[i * v.count / special.count] = x }
            let cosines = random.floats(rows * pairs)
            let sines = random.floats(rows * pairs)
            let pageElements = 6 * kvHeads * pageSize * headDim
            // The inputs with q, and k pages and v pages behind each other, so that all are compared at once.
            var input = [Float](repeating: 77, count: isFused ? rows * stride : q.count + 2 * k.count)
            let (kStart, vStart) = isFused ? (qWidth, qWidth + kvWidth) : (q.count, q.count + k.count)
            for row in 0..<rows {
                for i in 0..<qWidth { input[row * qStride + i] = q[row * qWidth + i] }
                for i in 0..<kvWidth {
                    input[kStart + row * kvStride + i] = k[row * kvWidth + i]
                    input[vStart + row * kvStride + i] = v[row * kvWidth + i]
                }
            }
            let initial = input + [Float](repeating: Float(bitPattern: 0x4141_4141), count: pageElements * size / 2)
            let state = GuardedMemory(byteCount: initial.count * 4)
            let (kPages, vPages) = (
                state.base + input.count * 4, state.base + input.count * 4 + pageElements * size
            )
            let (c, s) = (GuardedMemory(cosines), GuardedMemory(sines))
            let (slotsIn, positionsIn, tableIn) = (
                GuardedMemory(slots), GuardedMemory(positions), GuardedMemory(table)
            )
            let live = GuardedMemory([Int32(rows)])
            let grid = podium_grid_rope_append(PODIUM_BACKEND_CPU, Int32(rows))
            let got = runEverywhere(grid, output: state, initial: initial, "rope_append") {
                podium_rope_append(
                    $0,
                    $1,
                    $2,
                    Int32(type.rawValue),
                    state.floats,
                    state.floats + kStart,
                    state.floats + vStart,
                    Int32(stride),
                    c.floats,
                    s.floats,
                    slotsIn.ints,
                    positionsIn.ints,
                    tableIn.ints,
                    kPages,
                    vPages,
                    kScale,
                    vScale,
                    live.ints,
                    Int32(rows),
                    Int32(heads),
                    Int32(kvHeads),
                    Int32(headDim),
                    Int32(pageSize),
                    Int32(maxPages)
                )
            }
            func rotated(_ from: [Float], _ at: Int, _ row: Int) -> [Double] {
                (0..<headDim).map { i in
                    let pair = i % pairs
                    let (c, s) = (Double(cosines[row * pairs + pair]), Double(sines[row * pairs + pair]))
                    let (a, b) = (Double(from[at + pair]), Double(from[at + pairs + pair]))
                    return i < pairs ? a * c - b * s : b * c + a * s
                }
            }
            let rounding = 3 * 0x1p-24  // terms are at most 1
            var wanted = input.map(Double.init)
            for row in 0..<rows {
                for head in 0..<heads {
                    let at = row * qStride + head * headDim
                    let turned = rotated(q, row * qWidth + head * headDim, row)
                    wanted.replaceSubrange(at..<at + headDim, with: turned)
                }
            }
            let error = worst(Array(got[..<vStart]), Array(wanted[..<vStart])) { _ in rounding }
            #expect(error <= 1, "\(type): worst error is \(error) of the bound")
            // Keys by what they may be, values by what they must be.
            let untouched = Self.kept(Float(bitPattern: 0x4141_4141), 1, PODIUM_F32) & (1 << (8 * size) - 1)
            var keys = [Double?](repeating: nil, count: pageElements)
            var values = [Int](repeating: untouched, count: pageElements)
            for row in 0..<rows where positions[row] >= 0 {
                let page = Int(table[Int(slots[row]) * maxPages + Int(positions[row]) / pageSize])
                let offset = Int(positions[row]) % pageSize
                for head in 0..<kvHeads {
                    let from = (row * kvHeads + head) * headDim
                    let place = (page * kvHeads + head) * pageSize * headDim
                    for (i, key) in rotated(k, from, row).enumerated() {
                        keys[place + i * pageSize + offset] = key
                        values[place + offset * headDim + i] = Self.kept(v[from + i], vScale, type)
                    }
                }
            }
            let unit = type == PODIUM_F8E4M3 ? Double(kScale) : 1
            for index in 0..<pageElements {
                let (bits, value) = Self.element(kPages, index, type)
                if let key = keys[index] {
                    let code = type == PODIUM_F8E4M3 ? min(max(key / unit, -448), 448) : key
                    let room = Self.room(code, 2 * rounding / unit, type)
                    #expect(abs(value - code) <= room, "\(type): key \(index) is \(value), not \(code)")
                } else if bits != untouched {
                    Issue.record("\(type): key \(index) was written")
                }
                let got = Self.element(vPages, index, type)
                let isRight = got.0 == values[index] || got.1.isNaN && type == PODIUM_F32 && values[index] > 0x7f80_0000
                if !isRight { Issue.record("\(type): value \(index) is \(got), not \(values[index])") }
            }
        }
    }
}
