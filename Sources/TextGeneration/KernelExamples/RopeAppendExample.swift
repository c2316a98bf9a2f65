import Glibc
import Kernels

/// `rope_append`: rows of several sequences, and of one across pages.
///
/// Rows beyond the live count have a place in the cache, too, which must stay as it is, as must all other places.
struct RopeAppendExample: KernelExampleCase {
    let rows: [ExampleRow]
    let live, heads, kvHeads, headDim, pageSize, maxPages: Int

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
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let pairs = headDim / 2
        let q = numbers.floats(rows.count * heads * headDim)
        let k = numbers.floats(rows.count * kvHeads * headDim)
        let v = numbers.floats(rows.count * kvHeads * headDim)
        let angles = numbers.floats(rows.count * pairs, bound: .pi)
        let cosines = angles.map { cosf($0) }
        let sines = angles.map { sinf($0) }
        let slots = (rows.map(\.slot).max() ?? 0) + 1
        // One page is nobody's.
        let pages = slots * maxPages + 1
        let table = Array((0..<pages).shuffled(using: &numbers).dropLast())
        let kPages = numbers.floats(pages * kvHeads * pageSize * headDim)
        let vPages = numbers.floats(pages * kvHeads * pageSize * headDim)

        /// The heads of `from` at `start`, rotated for a row.
        func rotated(_ from: [Float], _ start: Int, _ row: Int) -> [Double] {
            let halves = (0..<pairs).map { i in
                let (a, b) = (Double(from[start + i]), Double(from[start + pairs + i]))
                let (c, s) = (Double(cosines[row * pairs + i]), Double(sines[row * pairs + i]))
                return (a * c - b * s, b * c + a * s)
            }
            return halves.map(\.0) + halves.map(\.1)
        }
        var expectedQ = q.map { Double($0) }
        var expectedK = kPages.map { Double($0) }
        var expectedV = vPages.map { Double($0) }
        for row in 0..<live {
            for head in 0..<heads {
                let start = (row * heads + head) * headDim
                expectedQ.replaceSubrange(start..<start + headDim, with: rotated(q, start, row))
            }
            let position = rows[row].position
            guard position >= 0 else { continue }
            let page = table[rows[row].slot * maxPages + position / pageSize]
            for head in 0..<kvHeads {
                let start = (row * kvHeads + head) * headDim
                let place = ((page * kvHeads + head) * pageSize + position % pageSize) * headDim
                expectedK.replaceSubrange(place..<place + headDim, with: rotated(k, start, row))
                for i in 0..<headDim { expectedV[place + i] = Double(v[start + i]) }
            }
        }
        // Two products and their sum: two roundings of terms whose absolute values add up to at most sqrt(2), since
        // the inputs are at most 1 and c^2 + s^2 = 1, give or take the rounding of c and s, hence 1.415.
        let absolute = roundingBound(2) * 1.415
        return WorkedExample(
            grid: podium_grid_rope_append(PODIUM_BACKEND_CPU, Int32(rows.count)),
            [
                .int(Int(PODIUM_F32.rawValue)), .output(q, expected: expectedQ, absolute: absolute), .floats(k),
                .floats(v), .int(0), .floats(cosines), .floats(sines), .ints(rows.map(\.slot)),
                .ints(rows.map(\.position)), .ints(table), .output(kPages, expected: expectedK, absolute: absolute),
                .output(vPages, expected: expectedV), .float(1), .float(1), .ints([live]), .int(rows.count), .int(heads), .int(kvHeads), .int(headDim), .int(pageSize),
                .int(maxPages),
            ]
        )
    }
}
