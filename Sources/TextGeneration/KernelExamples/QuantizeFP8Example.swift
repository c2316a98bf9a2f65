import Kernels

/// `quantize_fp8`: every value of E4M3, what lies halfway between two, too small and too large numbers.
struct QuantizeFP8Example: KernelExampleCase {
    let rows, live, width: Int
    let scale: Float

    static let cases = [
        QuantizeFP8Example(rows: 1, live: 1, width: 1, scale: 1),
        QuantizeFP8Example(rows: 5, live: 4, width: 300, scale: 0.0123),
        QuantizeFP8Example(rows: 3, live: 3, width: 517, scale: 3),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let values = ExampleFP8.values.map { Float($0) }
        let halves = zip(values, values.dropFirst()).map { ($0 + $1) / 2 }
        let chosen = values + halves + [449, 464, 465, 1e30, .infinity, 0x1p-11, 0x1p-140]
        let x = (0..<rows * width).map { index -> Float in
            let size = chosen[index % chosen.count]
            switch index / chosen.count % 3 {
            case 0: return size * scale
            case 1: return -size * scale
            default: return numbers.floats(1, bound: 500)[0] * scale
            }
        }
        let initial = ExampleFP8.activations(&numbers, rows * width)
        var expected = initial.values
        for index in 0..<live * width { expected[index] = ExampleFP8.nearest(Double(x[index] / scale)).value }
        return WorkedExample(
            grid: podium_grid_quantize_fp8(numbers.backend, Int32(rows)),
            [
                .elements(initial, expected: expected), .floats(x), .float(scale), .ints([live]), .int(rows),
                .int(width),
            ]
        )
    }
}
