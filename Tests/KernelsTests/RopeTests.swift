import CPluginAPI
import Glibc
import Kernels
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

        @Test(arguments: [2, 16, 64, 80, 128], [1, 5, 16])
        func appendRotatesAndFillsThePages(headDim: Int, pageSize: Int) {
            var random = SeededGenerator(seed: UInt64(headDim * pageSize))
            let (heads, kvHeads, maxPages, pairs) = (4, 2, 3, headDim / 2)
            // The last row is a token without a place: its q is rotated and nothing is stored.
            let slots: [Int32] = [1, 0, 1, 0]
            let positions: [Int32] = [Int32(pageSize - 1), 0, Int32(pageSize), -1]
            let table: [Int32] = [5, 2, 0, 3, 1, 4]
            let rows = slots.count
            let q = random.floats(rows * heads * headDim)
            let k = random.floats(rows * kvHeads * headDim)
            let v = random.floats(rows * kvHeads * headDim)
            let cosines = random.floats(rows * pairs)
            let sines = random.floats(rows * pairs)
            let pageFloats = 6 * kvHeads * pageSize * headDim
            // q, k pages and v pages behind each other, so that all are compared at once.
            let state = GuardedMemory(byteCount: (q.count + 2 * pageFloats) * 4)
            let initial = q + [Float](repeating: 9, count: 2 * pageFloats)
            let (kIn, vIn) = (GuardedMemory(k), GuardedMemory(v))
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
                    Int32(PODIUM_F32.rawValue),
                    state.floats,
                    kIn.floats,
                    vIn.floats,
                    0,
                    c.floats,
                    s.floats,
                    slotsIn.ints,
                    positionsIn.ints,
                    tableIn.ints,
                    state.floats + q.count,
                    state.floats + q.count + pageFloats,
                    1,
                    1,
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
            var wanted = initial.map(Double.init)
            for row in 0..<rows {
                for head in 0..<heads {
                    let at = (row * heads + head) * headDim
                    wanted.replaceSubrange(at..<at + headDim, with: rotated(q, at, row))
                }
                guard positions[row] >= 0 else { continue }
                let page = Int(table[Int(slots[row]) * maxPages + Int(positions[row]) / pageSize])
                for head in 0..<kvHeads {
                    let from = (row * kvHeads + head) * headDim
                    let to = q.count + ((page * kvHeads + head) * pageSize + Int(positions[row]) % pageSize) * headDim
                    wanted.replaceSubrange(to..<to + headDim, with: rotated(k, from, row))
                    let values = v[from..<from + headDim].map(Double.init)
                    wanted.replaceSubrange(to + pageFloats..<to + pageFloats + headDim, with: values)
                }
            }
            let error = worst(got, wanted) { _ in 3 * 0x1p-24 }  // terms are at most 1
            #expect(error <= 1, "worst error is \(error) of the bound")
        }
    }
}
