import Kernels

/// `argmax`: equals, NaN, infinities, the last element; exact.
struct ArgmaxExample: KernelExampleCase {
    let rows, live, width: Int

    static let cases = [
        ArgmaxExample(rows: 1, live: 1, width: 1),
        ArgmaxExample(rows: 8, live: 6, width: 37),
        ArgmaxExample(rows: 7, live: 7, width: 1031),
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
        for row in 0..<live {
            let numbers = x[row * width..<(row + 1) * width]
            let best = numbers.firstIndex { $0.isNaN } ?? numbers.max().flatMap { numbers.firstIndex(of: $0) }
            expected[row] = (best ?? row * width) - row * width
        }
        return WorkedExample(
            grid: podium_grid_argmax(numbers.backend, Int32(rows)),
            [.indices(initial, expected: expected), .floats(x), .ints([live]), .int(rows), .int(width)]
        )
    }
}
