import Kernels

/// `argmax`: equals, NaN, infinities, the last element, excluded elements; exact.
struct ArgmaxExample: KernelExampleCase {
    let rows, live, width: Int
    /// Every other row excludes so many: its largest elements, in turn.
    var excluded = 0

    static let cases = [
        ArgmaxExample(rows: 1, live: 1, width: 1),
        ArgmaxExample(rows: 8, live: 6, width: 37),
        ArgmaxExample(rows: 7, live: 7, width: 1031),
        ArgmaxExample(rows: 12, live: 12, width: 1031, excluded: 3),
        // A row in which everything is excluded.
        ArgmaxExample(rows: 2, live: 2, width: 4, excluded: 4),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        var x = numbers.floats(rows * width)
        if width > 1 {
            for row in 0..<rows {
                let start = row * width
                let (early, late) = (width / 3, width * 4 / 5)
                switch row % 6 {
                case 0: x[start + width - 1] = 2
                case 1: (x[start + early], x[start + early + 1], x[start + late]) = (2, 2, 2)
                case 2: (x[start], x[start + early], x[start + late]) = (.infinity, .nan, .nan)
                case 3: for i in 0..<width { x[start + i] = -.infinity }
                case 4: (x[start + late], x[start + early]) = (.infinity, .greatestFiniteMagnitude)
                default: break
                }
            }
        }
        let initial = (0..<rows).map { $0 < live ? -1 : -100 - $0 }
        var expected = initial
        // Everything, or what the first rows choose, so that excluding it matters.
        let list = (0..<excluded).map { index in
            excluded == width ? index : Self.best(x[index * width..<(index + 1) * width], except: [])
        }
        let excludes = (0..<rows).map { $0 % 2 }
        for row in 0..<live {
            expected[row] = Self.best(x[row * width..<(row + 1) * width], except: excludes[row] == 0 ? [] : Set(list))
        }
        return WorkedExample(
            grid: podium_grid_argmax(numbers.backend, Int32(rows)),
            [
                .indices(initial, expected: expected), .floats(x), .ints([live]), .int(rows), .int(width),
                list.isEmpty ? .null : .ints(excludes), list.isEmpty ? .null : .ints(list), .int(list.count),
            ]
        )
    }

    private static func best(_ row: ArraySlice<Float>, except excluded: Set<Int>) -> Int {
        let allowed = row.indices.filter { !excluded.contains($0 - row.startIndex) }
        let largest = allowed.map { row[$0] }.max()
        let found = allowed.first { row[$0].isNaN } ?? allowed.first { row[$0] == largest }
        return (found ?? row.startIndex) - row.startIndex
    }
}
