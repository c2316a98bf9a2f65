import Glibc
import Kernels

/// `paged_attention`: one key, a decode step, a chunk of a prompt beside other rows, and scores far apart.
///
/// Memory beyond each sequence's last position is NaN, and table entries beyond it name a page of nothing else.
struct PagedAttentionExample: KernelExampleCase {
    let rows: [ExampleRow]
    let live, heads, kvHeads, headDim, pageSize, maxPages: Int
    let scale: Float
    var type = ExampleCacheType.float32
    /// Elements from a row of q to the next; 0 for dense rows.
    var qStride = 0

    static let cases = [
        PagedAttentionExample(
            rows: [ExampleRow(0, 0)],
            live: 1,
            heads: 1,
            kvHeads: 1,
            headDim: 1,
            pageSize: 1,
            maxPages: 1,
            scale: 1
        ),
        PagedAttentionExample(
            rows: [
                ExampleRow(3, 64), ExampleRow(0, 0), ExampleRow(1, 15), ExampleRow(2, -1), ExampleRow(2, 16),
                ExampleRow(4, 79), ExampleRow(4, 78), ExampleRow(0, 0),
            ],
            live: 6,
            heads: 6,
            kvHeads: 2,
            headDim: 20,
            pageSize: 16,
            maxPages: 5,
            scale: 0.25
        ),
        PagedAttentionExample(
            rows: (60...97).map { ExampleRow(1, $0) } + [ExampleRow(0, 3), ExampleRow(2, 130)],
            live: 40,
            heads: 4,
            kvHeads: 2,
            headDim: 64,
            pageSize: 16,
            maxPages: 9,
            scale: 0.125
        ),
        PagedAttentionExample(
            rows: [ExampleRow(1, 129), ExampleRow(0, 63)],
            live: 2,
            heads: 16,
            kvHeads: 2,
            headDim: 128,
            pageSize: 32,
            maxPages: 6,
            scale: 0.088388346
        ),
        PagedAttentionExample(
            rows: [ExampleRow(0, 66), ExampleRow(1, 6), ExampleRow(0, 65)],
            live: 2,
            heads: 3,
            kvHeads: 1,
            headDim: 33,
            pageSize: 5,
            maxPages: 14,
            scale: 16
        ),
        PagedAttentionExample(
            rows: [ExampleRow(1, 70), ExampleRow(0, 127), ExampleRow(0, 126), ExampleRow(2, 0)],
            live: 3,
            heads: 8,
            kvHeads: 2,
            headDim: 64,
            pageSize: 16,
            maxPages: 8,
            scale: 0.125,
            type: .bfloat16,
            qStride: 768
        ),
        PagedAttentionExample(
            rows: [ExampleRow(0, 64), ExampleRow(1, 40), ExampleRow(1, 41), ExampleRow(0, 60)],
            live: 3,
            heads: 4,
            kvHeads: 4,
            headDim: 48,
            pageSize: 16,
            maxPages: 5,
            scale: 0.5,
            type: .e4m3,
            qStride: 200
        ),
        // Decode and a chunk with eight heads to a kv head, in the deployed type.
        PagedAttentionExample(
            rows: [ExampleRow(1, 90)] + (60...66).map { ExampleRow(0, $0) },
            live: 8,
            heads: 8,
            kvHeads: 1,
            headDim: 128,
            pageSize: 16,
            maxPages: 8,
            scale: 0.088388346,
            type: .e4m3
        ),
        // More elements than a warp takes at once.
        PagedAttentionExample(
            rows: [ExampleRow(0, 70), ExampleRow(0, 71), ExampleRow(1, 3)],
            live: 3,
            heads: 4,
            kvHeads: 2,
            headDim: 320,
            pageSize: 16,
            maxPages: 6,
            scale: 0.0625,
            type: .bfloat16
        ),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let stride = qStride > 0 ? qStride : heads * headDim
        let q = numbers.floats(rows.count * stride)
        let factors = type.factors
        let slots = (rows.map(\.slot).max() ?? 0) + 1
        let lengths = (0..<slots).map { slot in
            (rows[..<live].filter { $0.slot == slot }.map(\.position).max() ?? -1) + 1
        }
        let pages = lengths.reduce(1) { $0 + ($1 + pageSize - 1) / pageSize }
        var free = Array((0..<pages).shuffled(using: &numbers))
        let nobodys = free.removeLast()
        var table = [Int](repeating: nobodys, count: slots * maxPages)
        var kPages = [Float](repeating: .nan, count: pages * kvHeads * pageSize * headDim)
        var vPages = kPages
        func place(_ slot: Int, _ position: Int, _ head: Int) -> Int {
            let page = table[slot * maxPages + position / pageSize]
            return ((page * kvHeads + head) * pageSize + position % pageSize) * headDim
        }
        /// On a CPU the keys of a page lie element by element; the values lie position by position everywhere.
        let isByElement = numbers.backend == PODIUM_BACKEND_CPU
        func keyPlace(_ slot: Int, _ position: Int, _ head: Int, _ element: Int) -> Int {
            guard isByElement else { return place(slot, position, head) + element }
            let page = table[slot * maxPages + position / pageSize]
            return ((page * kvHeads + head) * headDim + element) * pageSize + position % pageSize
        }
        for slot in 0..<slots {
            for position in 0..<lengths[slot] {
                if position % pageSize == 0 { table[slot * maxPages + position / pageSize] = free.removeLast() }
                for head in 0..<kvHeads {
                    let start = place(slot, position, head)
                    let key = numbers.floats(headDim, bound: 1 / factors.k)
                    for i in 0..<headDim { kPages[keyPlace(slot, position, head, i)] = key[i] }
                    vPages.replaceSubrange(start..<start + headDim, with: numbers.floats(headDim, bound: 1 / factors.v))
                }
            }
        }
        let (kElements, vElements) = (ExampleWeights(kPages, type.dtype), ExampleWeights(vPages, type.dtype))
        let k = kElements.values.map { $0 * Double(factors.k) }
        let v = vElements.values.map { $0 * Double(factors.v) }
        let initial = numbers.unwritten(rows: rows.count, live: live, width: heads * headDim)
        var expected = initial.map { Double($0) }
        var absolute = 0.0
        for (row, at) in rows[..<live].enumerated() {
            for head in 0..<heads {
                let (start, from) = ((row * heads + head) * headDim, row * stride + head * headDim)
                let places = (0..<at.position + 1).map { place(at.slot, $0, head / (heads / kvHeads)) }
                let products = (0..<at.position + 1).map { position in
                    let key = (0..<headDim).map { k[keyPlace(at.slot, position, head / (heads / kvHeads), $0)] }
                    return InnerProduct(q, from, key, 0, count: headDim)
                }
                let scores = products.map { Double(scale) * $0.value }
                let highest = scores.max() ?? 0
                let weights = scores.map { exp($0 - highest) }
                let sum = weights.reduce(0, +)
                for i in 0..<headDim {
                    expected[start + i] = zip(places, weights).reduce(0) { $0 + $1.1 / sum * v[$1.0 + i] }
                }
                guard !places.isEmpty else { continue }
                // A weight e^(score - highest) is off by the error of its score (sum and two scales), the rounding of the
                // difference, and that of exp (2 ulp).
                let scoreError = (products.map(\.magnitude).max() ?? 0) * Double(scale) * roundingBound(headDim + 2)
                let spread = highest - (scores.min() ?? 0)
                let weightError = expm1(scoreError + roundingBound(1) * (spread + scoreError)) + roundingBound(4)
                // The sums over keys, with a rescaling (exp and product) at every sixteenth key at the most.
                let sumError = roundingBound(places.count + 5 * (places.count / 16 + 1))
                // In numerator and denominator both, then the quotient and a scale; no value is larger than 1.
                absolute = max(absolute, 2 * (weightError + sumError + weightError * sumError) + roundingBound(2))
            }
        }
        return WorkedExample(
            grid: podium_grid_paged_attention(
                numbers.backend,
                Int32(rows.count),
                Int32(heads),
                Int32(kvHeads),
                Int32(pageSize),
                Int32(maxPages)
            ),
            [
                type.argument, .output(initial, expected: expected, absolute: absolute), .floats(q), .int(qStride),
                .weights(kElements), .weights(vElements), .float(type.kScale), .float(type.vScale), .ints(table),
                .ints(rows.map(\.slot)), .ints(rows.map(\.position)), .ints([live]),
                .int(rows.count), .int(heads), .int(kvHeads), .int(headDim), .int(pageSize), .int(maxPages),
                // No context here has two parts, so that no kernel needs a workspace.
                .float(scale), .null,
            ]
        )
    }
}
