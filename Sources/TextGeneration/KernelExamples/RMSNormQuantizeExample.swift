import Kernels

/// `rms_norm_quantize`, on numbers whose codes do not hang on the last bits of the norm.
struct RMSNormQuantizeExample: KernelExampleCase {
    let format: podium_activation
    let type: podium_dtype
    let rows, live, width: Int
    /// Rows of x if it has its own number of them; then `rows` picks among them.
    var sources: Int?
    let epsilon: Float

    static let cases = [PODIUM_ACTIVATION_INT8, PODIUM_ACTIVATION_MXFP4].flatMap { format in
        [
            RMSNormQuantizeExample(format: format, type: PODIUM_F32, rows: 1, live: 1, width: 32, epsilon: 1e-5),
            RMSNormQuantizeExample(format: format, type: PODIUM_BF16, rows: 4, live: 3, width: 96, epsilon: 1e-5),
            RMSNormQuantizeExample(
                format: format,
                type: PODIUM_F32,
                rows: 3,
                live: 2,
                width: 160,
                sources: 7,
                epsilon: 1e-6
            ),
        ]
    }

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let weight = ExampleWeights(numbers.floats(width, bound: 2), type)
        // From the last source row downwards, so that the order is not that of the rows.
        let picks = sources.map { sources in (0..<rows).map { (4 * sources - 1 - 3 * $0) % sources } }
        // The second row is small, so that epsilon rules.
        let x = (0..<(sources ?? rows)).flatMap { row in
            stableRow(&numbers, bound: row % 2 == 1 ? 0x1p-9 : 1, weight)
        }
        var output = ExampleQuantizedOutput(&numbers, rows: rows, k: width)
        for row in 0..<live {
            let source = (picks?[row] ?? row) * width
            for (index, block) in quantized(Array(x[source..<source + width]), weight).enumerated() {
                output.put(block, row: row, index, format)
            }
        }
        // As for rms_norm; then the reference rounds the largest number to float32 and divides it, as the kernel does.
        let relative = format == PODIUM_ACTIVATION_INT8 ? roundingBound((width + 3 + 1) / 2 + 4 + 3) : 0
        return WorkedExample(
            grid: podium_grid_rms_norm_quantize(numbers.backend, Int32(rows)),
            [.int(Int(format.rawValue)), weight.dtype] + output.arguments(relative: relative) + [
                .floats(x), .weights(weight), picks.map { .ints($0) } ?? .null, .ints([live]), .int(rows),
                .int(width), .float(epsilon),
            ]
        )
    }

    /// A row with no number near the border between two codes.
    private func stableRow(_ numbers: inout ExampleNumbers, bound: Float, _ weight: ExampleWeights) -> [Float] {
        while true {
            let row = numbers.floats(width, bound: bound)
            if quantized(row, weight).allSatisfy(\.isStable) { return row }
        }
    }

    private func quantized(_ row: [Float], _ weight: ExampleWeights) -> [ExampleBlock] {
        let squares = row.reduce(0.0) { $0 + Double($1) * Double($1) }
        let root = (squares / Double(width) + Double(epsilon)).squareRoot()
        let normed = zip(row, weight.values).map { Double($0) / root * $1 }
        return stride(from: 0, to: width, by: 32).map { ExampleBlock(normed[$0..<$0 + 32], format) }
    }
}
