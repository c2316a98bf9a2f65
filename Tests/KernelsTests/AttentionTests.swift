import CPluginAPI
import Glibc
import Kernels
import Testing

extension KernelTests {
    @Suite struct Attention {
        /// Sequences in a paged cache whose unused memory is NaN and whose page table is -1 where nothing is mapped.
        final class Cache {
            let type: podium_dtype
            let kvHeads, headDim, pageSize, maxPages: Int
            /// What one means in the keys and values of E4M3; the other types must not look at it.
            let kScale: Float = 0.0123
            let vScale: Float = 0.0045
            let keys: [[Double]]  // per slot, [position, kvHead, headDim]: what the cache holds
            let values: [[Double]]
            let kPages, vPages, table: GuardedMemory

            // `broken`: places whose key, or value if it is asked for, is NaN.
            init(
                _ type: podium_dtype = PODIUM_F32,
                lengths: [Int],
                kvHeads: Int,
                headDim: Int,
                pageSize: Int,
                scale: Float = 1,
                broken: [(slot: Int, position: Int, head: Int, element: Int, isValue: Bool)] = [],
                random: inout SeededGenerator
            ) {
                self.type = type
                self.kvHeads = kvHeads
                self.headDim = headDim
                self.pageSize = pageSize
                let maxPages = lengths.map { ($0 + pageSize - 1) / pageSize }.max() ?? 1
                self.maxPages = maxPages
                let used = lengths.map { ($0 + pageSize - 1) / pageSize }.reduce(0, +)
                var free = Array(0..<used).shuffled(using: &random)
                var table = [Int32](repeating: -1, count: lengths.count * maxPages)
                let stride = kvHeads * pageSize * headDim
                var k = [Float](repeating: .nan, count: used * stride)
                var v = k
                let (kUnit, vUnit) = type == PODIUM_F8E4M3 ? (kScale, vScale) : (1, 1)
                /// Where a key's elements and a value's elements lie: a page has its keys element by element.
                func places(_ slot: Int, _ position: Int, _ head: Int) -> (key: Int, value: Int) {
                    let page = Int(table[slot * maxPages + position / pageSize])
                    return (
                        page * stride + head * headDim * pageSize + position % pageSize,
                        page * stride + (head * pageSize + position % pageSize) * headDim
                    )
                }
                for (slot, length) in lengths.enumerated() {
                    for position in 0..<length {
                        if position % pageSize == 0 {
                            table[slot * maxPages + position / pageSize] = Int32(free.removeLast())
                        }
                        for head in 0..<kvHeads {
                            let at = places(slot, position, head)
                            for i in 0..<headDim {
                                k[at.key + i * pageSize] = Float.random(in: -scale...scale, using: &random) / kUnit
                                v[at.value + i] = Float.random(in: -1...1, using: &random) / vUnit
                            }
                        }
                    }
                }
                for place in broken {
                    let at = places(place.slot, place.position, place.head)
                    if place.isValue {
                        v[at.value + place.element] = -.nan
                    } else {
                        k[at.key + place.element * pageSize] = .nan
                    }
                }
                let (kWeights, vWeights) = (Weights(k, type), Weights(v, type))
                keys = lengths.indices.map { slot in
                    (0..<lengths[slot] * kvHeads).flatMap { row in
                        let at = places(slot, row / kvHeads, row % kvHeads).key
                        return (0..<headDim).map { Double(kWeights.values[at + $0 * pageSize]) * Double(kUnit) }
                    }
                }
                values = lengths.indices.map { slot in
                    (0..<lengths[slot] * kvHeads).flatMap { row in
                        let at = places(slot, row / kvHeads, row % kvHeads).value
                        return (0..<headDim).map { Double(vWeights.values[at + $0]) * Double(vUnit) }
                    }
                }
                (kPages, vPages) = (kWeights.memory, vWeights.memory)
                self.table = GuardedMemory(table)
            }

            /// The result in double and, per element, the tolerance: rounding of the scores acts on the weights.
            func reference(q: [Float], heads: Int, slots: [Int32], positions: [Int32], scale: Float) -> [Double] {
                var out = [Double](repeating: 0, count: q.count)
                for row in slots.indices where positions[row] >= 0 {
                    let (k, v) = (keys[Int(slots[row])], values[Int(slots[row])])
                    for head in 0..<heads {
                        let kvHead = head / (heads / kvHeads)
                        let at = (row * heads + head) * headDim
                        let scores = (0...Int(positions[row])).map { position in
                            let from = (position * kvHeads + kvHead) * headDim
                            return Double(scale)
                                * (0..<headDim).map { Double(q[at + $0]) * k[from + $0] }.reduce(0, +)
                        }
                        let largest = scores.max() ?? 0
                        let weights = scores.map { exp($0 - largest) }
                        let total = weights.reduce(0, +)
                        for (position, weight) in weights.enumerated() {
                            let from = (position * kvHeads + kvHead) * headDim
                            for i in 0..<headDim { out[at + i] += weight / total * v[from + i] }
                        }
                    }
                }
                return out
            }

            // `stride`: elements from a row of q to the next; what is not of a row stands before it. 0: dense rows.
            func run(
                q: GuardedMemory,
                out: GuardedMemory,
                heads: Int,
                slots: [Int32],
                positions: [Int32],
                scale: Float,
                stride: Int = 0,
                live: Int32? = nil,
                maxRows: Int32? = nil,
                only sets: [podium_isa] = instructionSets
            ) -> [Float] {
                let rows = Int32(slots.count)
                let maxRows = maxRows ?? rows
                let (slots, positions) = (GuardedMemory(slots), GuardedMemory(positions))
                let live = GuardedMemory([live ?? rows])
                let grid = podium_grid_paged_attention(
                    PODIUM_BACKEND_CPU,
                    maxRows,
                    Int32(heads),
                    Int32(kvHeads),
                    Int32(pageSize),
                    Int32(maxPages)
                )
                return runEverywhere(grid, output: out, only: sets, "attention") {
                    podium_paged_attention(
                        $0,
                        $1,
                        $2,
                        Int32(type.rawValue),
                        out.floats,
                        q.floats + (stride > 0 ? stride - heads * headDim : 0),
                        Int32(stride),
                        kPages.base,
                        vPages.base,
                        kScale,
                        vScale,
                        table.ints,
                        slots.ints,
                        positions.ints,
                        live.ints,
                        maxRows,
                        Int32(heads),
                        Int32(kvHeads),
                        Int32(headDim),
                        Int32(pageSize),
                        Int32(maxPages),
                        scale,
                        nil
                    )
                }
            }
        }

        /// Outputs are averages of values in -1...1; scores are small sums: a few units of 2^-24 are allowed.
        static let tolerance = 1e-5

        /// A head, how many queries share a kv head, and the positions of a page.
        struct Shape: Sendable {
            let headDim, group, pageSize: Int

            static let all = [
                (16, 1, 1), (64, 4, 16), (80, 2, 24), (128, 8, 32), (20, 3, 16), (160, 5, 16), (64, 1, 64),
            ].map { Shape(headDim: $0, group: $1, pageSize: $2) }
        }

        @Test(arguments: Shape.all, [PODIUM_F32, PODIUM_BF16, PODIUM_F8E4M3])
        func equalsTheDoubleReference(shape: Shape, type: podium_dtype) {
            let pageSize = shape.pageSize
            var random = SeededGenerator(seed: UInt64(shape.headDim + shape.group * 1000 + pageSize))
            let (headDim, kvHeads, heads) = (shape.headDim, 2, 2 * shape.group)
            let cache = Cache(
                type,
                lengths: [1, 65, 150, 40],
                kvHeads: kvHeads,
                headDim: headDim,
                pageSize: pageSize,
                random: &random
            )
            // Single decode rows, page and tile borders, a prefill run, rows out of order, one without a position.
            var slots: [Int32] = [0, 1, 1, 2, 2, 2, 3]
            var positions: [Int32] = [0, 64, 63, 149, 15, 16, -1]
            for position in 0..<40 {
                slots.append(3)
                positions.append(Int32(position))
            }
            let qs = random.floats(slots.count * heads * headDim, in: -2...2)
            // Rows of q may lie apart; what is between them is not used.
            let width = heads * headDim
            let padding = [Float](repeating: .nan, count: 5)
            let q = GuardedMemory(qs)
            let apart = GuardedMemory(slots.indices.flatMap { padding + qs[$0 * width..<($0 + 1) * width] })
            let out = GuardedMemory(byteCount: qs.count * 4)
            let scale = 1 / Float(headDim).squareRoot()
            let wanted = cache.reference(q: qs, heads: heads, slots: slots, positions: positions, scale: scale)
            var bits: [UInt32] = []
            // From blocks of one row to blocks of 48.
            for maxRows in [slots.count, 300, 5000] {
                let got = cache.run(
                    q: maxRows == 300 ? apart : q,
                    out: out,
                    heads: heads,
                    slots: slots,
                    positions: positions,
                    scale: scale,
                    stride: maxRows == 300 ? width + padding.count : 0,
                    maxRows: Int32(maxRows)
                )
                let error = worst(got, wanted) { _ in Self.tolerance }
                #expect(error <= 1, "worst error is \(error * Self.tolerance)")
                if bits.isEmpty { bits = got.map(\.bitPattern) }
                let same = bits == got.map(\.bitPattern)
                #expect(same, "bits of a grid for \(maxRows) rows")
            }
        }

        /// A grid has a block for every row and kv head until it has enough for many cores, and every row is in one.
        @Test(arguments: [1, 2, 7, 31, 32, 33, 64, 200, 512, 4096, .max] as [Int32], [1, 8, 32] as [Int32])
        func gridHasBlocksForManyCores(maxRows: Int32, kvHeads: Int32) {
            let grid = podium_grid_paged_attention(PODIUM_BACKEND_CPU, maxRows, kvHeads, kvHeads, 16, 8)
            #expect(grid.blocks.0 == UInt32(kvHeads))
            #expect(blockCount(grid) >= min(UInt64(maxRows) * UInt64(kvHeads), 128))
            #expect(UInt64(grid.blocks.1) * 48 >= UInt64(maxRows))
            if Int64(maxRows) * Int64(kvHeads) >= 6144 { #expect(grid.blocks.1 == UInt32((Int64(maxRows) + 47) / 48)) }
        }

        /// Large scores: the softmax is nearly a choice of one key and must neither overflow nor lose it.
        @Test func peakedScores() {
            var random = SeededGenerator(seed: 21)
            let cache = Cache(lengths: [200], kvHeads: 1, headDim: 64, pageSize: 16, scale: 30, random: &random)
            let positions = (0..<200).map(Int32.init)
            let slots = [Int32](repeating: 0, count: 200)
            let qs = random.floats(200 * 64, in: -30...30)
            let q = GuardedMemory(qs)
            let out = GuardedMemory(byteCount: qs.count * 4)
            let got = cache.run(q: q, out: out, heads: 1, slots: slots, positions: positions, scale: 0.125)
            let wanted = cache.reference(q: qs, heads: 1, slots: slots, positions: positions, scale: 0.125)
            // A score near 1000 has an error near 12 * 2^-24 * 7200 / 8; the weights have it relatively.
            let error = worst(got, wanted) { _ in 1e-3 }
            #expect(error <= 1, "worst error is \(error * 1e-3)")
        }

        /// A NaN in a key makes the result of its head NaN, one in a value that element: for every row that sees it.
        @Test(arguments: [PODIUM_F32, PODIUM_BF16, PODIUM_F8E4M3], [1, 7])
        func brokenNumbersShow(type: podium_dtype, group: Int) {
            for isValue in [false, true] {
                for (at, element) in [(0, 0), (63, 63), (70, 17), (129, 40)] {
                    var random = SeededGenerator(seed: UInt64(at))
                    let cache = Cache(
                        type,
                        lengths: [130],
                        kvHeads: 2,
                        headDim: 64,
                        pageSize: 16,
                        broken: [(0, at, 1, element, isValue)],
                        random: &random
                    )
                    let heads = 2 * group
                    let positions: [Int32] = [129, 128, 70, 69, 63, 62, 0]
                    let q = GuardedMemory(random.floats(positions.count * heads * 64))
                    let out = GuardedMemory(byteCount: q.byteCount)
                    let got = cache.run(
                        q: q,
                        out: out,
                        heads: heads,
                        slots: positions.map { _ in 0 },
                        positions: positions,
                        scale: 0.1
                    )
                    let right = got.indices.allSatisfy { index in
                        let (row, head, i) = (index / (heads * 64), index / 64 % heads, index % 64)
                        let isBroken = positions[row] >= Int32(at) && head >= group && (!isValue || i == element)
                        return got[index].isNaN == isBroken
                    }
                    #expect(right, "\(isValue ? "value" : "key") at \(at)")
                }
            }
        }

        /// A row has the same bits alone, in a chunk of any size, and in the company of other sequences.
        @Test(arguments: [(64, 1), (64, 8), (80, 3), (16, 50)], [PODIUM_F32, PODIUM_BF16, PODIUM_F8E4M3])
        func rowsDoNotDependOnTheirCompany(shape: (headDim: Int, group: Int), type: podium_dtype) {
            var random = SeededGenerator(seed: 99)
            let (headDim, heads, length) = (shape.headDim, 2 * shape.group, 140)
            let cache = Cache(
                type,
                lengths: [length, 70],
                kvHeads: 2,
                headDim: headDim,
                pageSize: 16,
                random: &random
            )
            let width = heads * headDim
            let qs = random.floats(length * width)
            let isa = instructionSets.suffix(1)
            func run(_ rows: [Int], others: Int, maxRows: Int32? = nil) -> [UInt32] {
                let slots = [Int32](repeating: 1, count: others) + rows.map { _ in 0 }
                let positions = (0..<others).map { Int32($0 * 3) } + rows.map(Int32.init)
                let filler = [Float](repeating: 0.5, count: others * width)
                let q = GuardedMemory(filler + rows.flatMap { qs[$0 * width..<($0 + 1) * width] })
                let out = GuardedMemory(byteCount: q.byteCount)
                let got = cache.run(
                    q: q,
                    out: out,
                    heads: heads,
                    slots: slots,
                    positions: positions,
                    scale: 0.3,
                    maxRows: maxRows,
                    only: Array(isa)
                )
                return got[(others * width)...].map(\.bitPattern)
            }
            let whole = run(Array(0..<length), others: 0)
            for chunk in [1, 3, 7, 16, 33, 64] {
                for maxRows: Int32? in [nil, 4096] {
                    var bits: [UInt32] = []
                    for start in stride(from: 0, to: length, by: chunk) {
                        bits += run(Array(start..<min(start + chunk, length)), others: start % 5, maxRows: maxRows)
                    }
                    let same = bits == whole
                    #expect(same, "chunks of \(chunk)")
                }
            }
        }

        @Test func onlyLiveRowsAreWritten() {
            var random = SeededGenerator(seed: 1)
            let cache = Cache(lengths: [30], kvHeads: 2, headDim: 16, pageSize: 8, random: &random)
            let q = GuardedMemory(random.floats(30 * 4 * 16))
            let out = GuardedMemory(byteCount: q.byteCount)
            for live: Int32 in [-1, 0, 1, 17, 30, 99] {
                let got = cache.run(
                    q: q,
                    out: out,
                    heads: 4,
                    slots: [Int32](repeating: 0, count: 30),
                    positions: (0..<30).map(Int32.init),
                    scale: 1,
                    live: live
                )
                let kept = Int(min(max(live, 0), 30)) * 64
                #expect(got[..<kept].allSatisfy { !$0.isNaN } && got[kept...].allSatisfy { $0.isNaN })
            }
        }
    }
}
