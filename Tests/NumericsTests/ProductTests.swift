import CNumerics
import Testing

/// Products in double, in every variant: bit for bit one fused multiply-add after the other.
@Suite(.serialized) struct ProductTests {
    @Test(arguments: [(1, 1, 1), (3, 7, 5), (6, 32, 10), (13, 45, 300), (20, 8, 0), (5, 65, 257)])
    func multiplyAdd(_ rows: Int, _ columns: Int, _ depth: Int) {
        let a = (0..<rows * depth).map { _ in Double.random(in: -1...1) }
        let b = (0..<depth * columns).map { _ in Double.random(in: -1...1) }
        let start = (0..<rows * columns).map { _ in Double.random(in: -1...1) }
        for sign in [1.0, -1] {
            var expected = start
            for i in 0..<rows {
                for j in 0..<columns {
                    for k in 0..<depth {
                        expected[i * columns + j].addProduct(sign * a[i * depth + k], b[k * columns + j])
                    }
                }
            }
            let transposedA = (0..<depth * rows).map { a[$0 % rows * depth + $0 / rows] }
            let transposedB = (0..<columns * depth).map { b[$0 % depth * columns + $0 / depth] }
            NarrowFormatTests.withEachVariant { variant in
                var c = start
                numerics_multiply_add(&c, columns, a, depth, 1, b, columns, 1, rows, columns, depth, sign)
                #expect(c == expected, "\(variant)")
                c = start
                numerics_multiply_add(
                    &c,
                    columns,
                    transposedA,
                    1,
                    rows,
                    transposedB,
                    1,
                    depth,
                    rows,
                    columns,
                    depth,
                    sign
                )
                #expect(c == expected, "\(variant), transposed")
                // In two parts of the depth.
                c = start
                let half = depth / 2
                numerics_multiply_add(&c, columns, a, depth, 1, b, columns, 1, rows, columns, half, sign)
                numerics_multiply_add(
                    &c,
                    columns,
                    Array(a.dropFirst(half)) + [0],
                    depth,
                    1,
                    Array(b.dropFirst(half * columns)) + [0],
                    columns,
                    1,
                    rows,
                    columns,
                    depth - half,
                    sign
                )
                #expect(c == expected, "\(variant), in two parts")
            }
        }
    }

    @Test func subtractMultiple() {
        for count in [0, 1, 7, 8, 9, 31] {
            let x = (0..<count).map { _ in Double.random(in: -1...1) }
            let y = (0..<count).map { _ in Double.random(in: -1...1) }
            let expected = zip(y, x).map { $0.addingProduct(-0.3, $1) }
            NarrowFormatTests.withEachVariant { variant in
                var result = y
                numerics_subtract_multiple(&result, x, 0.3, count)
                #expect(result == expected, "\(variant)")
            }
        }
    }
}
