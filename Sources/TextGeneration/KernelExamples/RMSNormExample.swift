import Kernels

/// `rms_norm`, on rows large, small (so that epsilon rules) and zero.
struct RMSNormExample: KernelExampleCase {
    let type: podium_dtype
    let rows, live, width: Int
    /// Rows of x if it has its own number of them; then `rows` picks among them.
    var sources: Int?
    let epsilon: Float

    static let cases = [
        RMSNormExample(type: PODIUM_F32, rows: 1, live: 1, width: 1, epsilon: 1e-5),
        RMSNormExample(type: PODIUM_BF16, rows: 7, live: 5, width: 100, epsilon: 1e-5),
        RMSNormExample(type: PODIUM_F32, rows: 5, live: 4, width: 129, sources: 11, epsilon: 1e-6),
        RMSNormExample(type: PODIUM_BF16, rows: 4, live: 4, width: 528, sources: 4, epsilon: 1e-6),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let scales: [Float] = [1, 0x1p-12, 0, 0x1p30]
        let x = (0..<(sources ?? rows)).flatMap { numbers.floats(width, bound: scales[$0 % scales.count]) }
        let weight = ExampleWeights(numbers.floats(width, bound: 2), type)
        // From the last source row downwards, so that the order is not that of the rows.
        let picks = sources.map { sources in (0..<rows).map { (4 * sources - 1 - 3 * $0) % sources } }
        let initial = numbers.unwritten(rows: rows, live: live, width: width)
        var expected = initial.map { Double($0) }
        for row in 0..<live {
            let source = (picks?[row] ?? row) * width
            var squares = 0.0
            for i in 0..<width { squares += Double(x[source + i]) * Double(x[source + i]) }
            let root = (squares / Double(width) + Double(epsilon)).squareRoot()
            for i in 0..<width { expected[row * width + i] = weight.values[i] * Double(x[source + i]) / root }
        }
        // The sum of squares has `width` roundings, the mean two (if 1 / width is rounded), the sum with epsilon one; all
        // terms are positive, so that this is relative.  The root halves it; then come the roundings of the root, of
        // the reciprocal and of two products.
        let relative = roundingBound((width + 3 + 1) / 2 + 4)
        return WorkedExample(
            grid: podium_grid_rms_norm(numbers.backend, Int32(rows)),
            [
                weight.dtype, .output(initial, expected: expected, relative: relative), .floats(x), .weights(weight),
                picks.map { .ints($0) } ?? .null, .ints([live]), .int(rows), .int(width), .float(epsilon),
            ]
        )
    }
}
