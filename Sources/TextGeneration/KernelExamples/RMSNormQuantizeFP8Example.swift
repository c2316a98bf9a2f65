import Kernels

/// `rms_norm_quantize_fp8`, on rows whose numbers keep away from the borders between codes.
struct RMSNormQuantizeFP8Example: KernelExampleCase {
    let type: podium_dtype
    let rows, live, width: Int
    /// Rows of x if it has its own number of them; then `rows` picks among them.
    var sources: Int?
    let scale: Float

    private var epsilon: Float { 1e-5 }

    static let cases = [
        RMSNormQuantizeFP8Example(type: PODIUM_F32, rows: 1, live: 1, width: 1, scale: 0.01),
        RMSNormQuantizeFP8Example(type: PODIUM_BF16, rows: 5, live: 4, width: 100, scale: 0.02),
        RMSNormQuantizeFP8Example(type: PODIUM_F32, rows: 4, live: 3, width: 131, sources: 7, scale: 0.004),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let weight = ExampleWeights(numbers.floats(width, bound: 2), type)
        // From the last source row downwards, so that the order is not that of the rows.
        let picks = sources.map { sources in (0..<rows).map { (4 * sources - 1 - 3 * $0) % sources } }
        // The second row is small, so that epsilon rules.
        let x = (0..<(sources ?? rows)).flatMap { row in
            stableRow(&numbers, bound: row % 2 == 1 ? 0x1p-9 : 1, weight)
        }
        let initial = ExampleFP8.activations(&numbers, rows * width)
        var expected = initial.values
        for row in 0..<live {
            let source = (picks?[row] ?? row) * width
            for (i, quotient) in quotients(Array(x[source..<source + width]), weight).enumerated() {
                expected[row * width + i] = ExampleFP8.nearest(quotient).value
            }
        }
        return WorkedExample(
            grid: podium_grid_rms_norm_quantize_fp8(numbers.backend, Int32(rows)),
            [
                weight.dtype, .elements(initial, expected: expected), .floats(x), .weights(weight), .float(scale),
                picks.map { .ints($0) } ?? .null, .ints([live]), .int(rows), .int(width), .float(epsilon),
            ]
        )
    }

    /// A row all of whose codes would be the same if its numbers were a little different: one number at a time is
    /// replaced until that is so.
    private func stableRow(_ numbers: inout ExampleNumbers, bound: Float, _ weight: ExampleWeights) -> [Float] {
        var row = numbers.floats(width, bound: bound)
        while let wrong = quotients(row, weight).firstIndex(where: { !ExampleFP8.nearest($0).isStable }) {
            row[wrong] = numbers.floats(1, bound: bound)[0]
        }
        return row
    }

    private func quotients(_ row: [Float], _ weight: ExampleWeights) -> [Double] {
        let squares = row.reduce(0.0) { $0 + Double($1) * Double($1) }
        let root = (squares / Double(width) + Double(epsilon)).squareRoot()
        return zip(row, weight.values).map { Double($0) / root * $1 / Double(scale) }
    }
}
