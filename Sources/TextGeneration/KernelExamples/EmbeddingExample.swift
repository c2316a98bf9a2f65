import Kernels

/// `embedding`: a copy, or the widening of a bfloat16, so exact.
///
/// Tokens outside the vocabulary stand in rows beyond the live count only: the NaN that they yield compares with nothing.
struct EmbeddingExample: KernelExampleCase {
    let type: podium_dtype
    let rows, live, vocabulary, width: Int

    static let cases = [
        EmbeddingExample(type: PODIUM_F32, rows: 1, live: 1, vocabulary: 3, width: 1),
        EmbeddingExample(type: PODIUM_BF16, rows: 7, live: 5, vocabulary: 17, width: 41),
        // A live count above the maximum counts as the maximum.
        EmbeddingExample(type: PODIUM_F32, rows: 6, live: 9, vocabulary: 33, width: 129),
        EmbeddingExample(type: PODIUM_BF16, rows: 2, live: 0, vocabulary: 5, width: 16),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let table = ExampleWeights(numbers.floats(vocabulary * width), type)
        let tokens = (0..<rows).map { row in
            if row >= live { return -1 }
            return row == 0 ? vocabulary - 1 : row == 1 ? 0 : numbers.index(below: vocabulary)
        }
        let initial = numbers.unwritten(rows: rows, live: live, width: width)
        var expected = initial.map { Double($0) }
        for row in 0..<min(live, rows) {
            for i in 0..<width { expected[row * width + i] = table.values[tokens[row] * width + i] }
        }
        return WorkedExample(
            grid: podium_grid_embedding(numbers.backend, Int32(rows)),
            [
                table.dtype, .output(initial, expected: expected), .weights(table), .ints(tokens), .ints([live]),
                .int(rows), .int(vocabulary), .int(width),
            ]
        )
    }
}
