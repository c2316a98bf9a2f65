import Glibc
import Kernels

/// `add`, of numbers of equal and of very different size.
struct AddExample: KernelExampleCase {
    let rows, live, width: Int
    /// Of x; y is below 1.
    var bound: Float = 1

    static let cases = [
        AddExample(rows: 1, live: 1, width: 1),
        AddExample(rows: 5, live: 4, width: 100),
        AddExample(rows: 3, live: 3, width: 129, bound: 0x1p-12),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let x = numbers.floats(rows * width, bound: bound)
        let y = numbers.floats(rows * width)
        let expected = y.indices.map { Double(y[$0]) + ($0 < live * width ? Double(x[$0]) : 0) }
        return WorkedExample(
            grid: podium_grid_elementwise(numbers.backend, Int32(rows)),
            [
                // One rounding of the sum.
                .output(y, expected: expected, relative: roundingBound(1)), .floats(x), .ints([live]), .int(rows),
                .int(width),
            ]
        )
    }
}

/// `silu_gate`, where e^-g is ordinary and where it is beyond float32.
struct SiLUGateExample: KernelExampleCase {
    let rows, live, width: Int
    /// Of the gate.
    var bound: Float = 4

    static let cases = [
        SiLUGateExample(rows: 1, live: 1, width: 1),
        SiLUGateExample(rows: 5, live: 4, width: 100),
        SiLUGateExample(rows: 3, live: 3, width: 129, bound: 80),
        SiLUGateExample(rows: 2, live: 2, width: 64, bound: 128),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let gate = numbers.floats(rows * width, bound: bound)
        let up = numbers.floats(rows * width)
        let initial = numbers.unwritten(rows: rows, live: live, width: width)
        var expected = initial.map { Double($0) }
        for index in 0..<live * width {
            let g = Double(gate[index])
            expected[index] = g / (1 + exp(-g)) * Double(up[index])
        }
        // Of a good exp four roundings (2 ulp), then sum, quotient and product; one in reserve for their products.  Where
        // e^-g overflows, the true value is below the smallest normal number.
        return WorkedExample(
            grid: podium_grid_elementwise(numbers.backend, Int32(rows)),
            [
                .output(initial, expected: expected, absolute: 0x1p-120, relative: roundingBound(4 + 3 + 1)),
                .floats(gate), .floats(up), .ints([live]), .int(rows), .int(width),
            ]
        )
    }
}
