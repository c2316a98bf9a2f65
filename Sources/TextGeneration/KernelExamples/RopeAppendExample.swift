import Glibc
import Kernels

/// `rope_append`: rows of several sequences, and of one across pages.
///
/// Rows beyond the live count have a place in the cache, too, which must stay as it is, as must all other places, and
/// what lies between two rows of q.
struct RopeAppendExample: KernelExampleCase {
    let rows: [ExampleRow]
    let live, heads, kvHeads, headDim, pageSize, maxPages: Int
    var type = ExampleCacheType.float32
    /// Elements from row to row; 0 for dense rows.
    var stride = 0

    static let cases = [
        RopeAppendExample(
            rows: [ExampleRow(0, 0)],
            live: 1,
            heads: 1,
            kvHeads: 1,
            headDim: 2,
            pageSize: 1,
            maxPages: 1
        ),
        // A decode step, with a row of no sequence among the others.
        RopeAppendExample(
            rows: [
                ExampleRow(2, 11), ExampleRow(0, 3), ExampleRow(1, 4), ExampleRow(3, -1), ExampleRow(3, 7),
                ExampleRow(1, 5), ExampleRow(0, 0),
            ],
            live: 5,
            heads: 6,
            kvHeads: 2,
            headDim: 20,
            pageSize: 4,
            maxPages: 3
        ),
        // A chunk of a prompt across two page borders.
        RopeAppendExample(
            rows: (14...34).map { ExampleRow(1, $0) } + [ExampleRow(0, 0)],
            live: 22,
            heads: 4,
            kvHeads: 4,
            headDim: 66,
            pageSize: 16,
            maxPages: 3
        ),
        RopeAppendExample(
            rows: [ExampleRow(1, 4), ExampleRow(0, 31), ExampleRow(1, 5), ExampleRow(2, 16)],
            live: 3,
            heads: 4,
            kvHeads: 2,
            headDim: 64,
            pageSize: 16,
            maxPages: 2,
            type: .bfloat16,
            stride: 512
        ),
        RopeAppendExample(
            rows: (0...4).map { ExampleRow(0, $0) } + [ExampleRow(1, 2), ExampleRow(1, 1)],
            live: 6,
            heads: 3,
            kvHeads: 3,
            headDim: 40,
            pageSize: 3,
            maxPages: 2,
            type: .e4m3,
            stride: 361
        ),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let pairs = headDim / 2
        let (qStride, kvStride) = stride > 0 ? (stride, stride) : (heads * headDim, kvHeads * headDim)
        let q = numbers.floats(rows.count * qStride)
        let k = numbers.floats(rows.count * kvStride)
        let v = numbers.floats(rows.count * kvStride)
        let angles = numbers.floats(rows.count * pairs, bound: .pi)
        let cosines = angles.map { cosf($0) }
        let sines = angles.map { sinf($0) }
        let slots = (rows.map(\.slot).max() ?? 0) + 1
        // One page is nobody's.
        let pages = slots * maxPages + 1
        let table = Array((0..<pages).shuffled(using: &numbers).dropLast())
        let kPages = ExampleWeights(numbers.floats(pages * kvHeads * pageSize * headDim), type.dtype)
        let vPages = ExampleWeights(numbers.floats(pages * kvHeads * pageSize * headDim), type.dtype)
        let factors = type.factors

        /// The heads of `from` at `start`, rotated for a row.
        func rotated(_ from: [Float], _ start: Int, _ row: Int) -> [Double] {
            let halves = (0..<pairs).map { i in
                let (a, b) = (Double(from[start + i]), Double(from[start + pairs + i]))
                let (c, s) = (Double(cosines[row * pairs + i]), Double(sines[row * pairs + i]))
                return (a * c - b * s, b * c + a * s)
            }
            return halves.map(\.0) + halves.map(\.1)
        }
        /// Numbers as the cache keeps them; some are beyond the largest of E4M3.
        func kept(_ numbers: [Double]) -> [Double] {
            if type.dtype == PODIUM_F32 { return numbers }
            let limit = type.dtype == PODIUM_F8E4M3 ? 448 : Double.infinity
            return ExampleWeights(numbers.map { Float(min(max($0, -limit), limit)) }, type.dtype).values
        }
        var expectedQ = q.map { Double($0) }
        var expectedK = kPages.values
        var expectedV = vPages.values
        for row in 0..<live {
            for head in 0..<heads {
                let start = row * qStride + head * headDim
                expectedQ.replaceSubrange(start..<start + headDim, with: rotated(q, start, row))
            }
            let position = rows[row].position
            guard position >= 0 else { continue }
            let page = table[rows[row].slot * maxPages + position / pageSize]
            for head in 0..<kvHeads {
                let start = row * kvStride + head * headDim
                let place = ((page * kvHeads + head) * pageSize + position % pageSize) * headDim
                let keys = rotated(k, start, row).map { $0 / Double(factors.k) }
                let values = v[start..<start + headDim].map { Double($0 / factors.v) }
                // On a CPU the keys of a page lie element by element; the values lie position by position everywhere.
                let isByElement = numbers.backend == PODIUM_BACKEND_CPU
                let first = isByElement ? (page * kvHeads + head) * headDim * pageSize + position % pageSize : place
                let step = isByElement ? pageSize : 1
                for (i, key) in kept(keys).enumerated() { expectedK[first + i * step] = key }
                expectedV.replaceSubrange(place..<place + headDim, with: kept(values))
            }
        }
        // Two products and their sum: two roundings of terms whose absolute values add up to at most sqrt(2), since
        // the inputs are at most 1 and c^2 + s^2 = 1, give or take the rounding of c and s, hence 1.415.  What is
        // rounded further has no tolerance: no number of these examples is that near to the middle between two.
        let absolute = roundingBound(2) * 1.415
        return WorkedExample(
            grid: podium_grid_rope_append(numbers.backend, Int32(rows.count)),
            [
                type.argument, .output(q, expected: expectedQ, absolute: absolute), .floats(k), .floats(v),
                .int(stride),
                .floats(cosines), .floats(sines), .ints(rows.map(\.slot)), .ints(rows.map(\.position)), .ints(table),
                .elements(kPages, expected: expectedK, absolute: type.dtype == PODIUM_F32 ? absolute : 0),
                .elements(vPages, expected: expectedV), .float(type.kScale), .float(type.vScale), .ints([live]),
                .int(rows.count), .int(heads), .int(kvHeads), .int(headDim), .int(pageSize),
                .int(maxPages),
            ]
        )
    }
}
