import Kernels

/// `quantize_rows`: blocks large, small, of zeros, of one number, and ties of both formats.
struct QuantizeRowsExample: KernelExampleCase {
    let format: podium_activation
    let rows, live, k: Int

    static let cases = [PODIUM_ACTIVATION_INT8, PODIUM_ACTIVATION_MXFP4].flatMap { format in
        [
            QuantizeRowsExample(format: format, rows: 1, live: 1, k: 32),
            QuantizeRowsExample(format: format, rows: 6, live: 4, k: 352),
            QuantizeRowsExample(format: format, rows: 19, live: 18, k: 64),
        ]
    }

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        // One block of each kind in turn; 127 and 4 make multiples of a half, and so ties, of what else is there.
        let x = (0..<rows * k / 32).flatMap { block -> [Float] in
            switch block % 6 {
            case 1: (0..<32).map { $0 == 0 ? 127 : Float(numbers.index(below: 253)) / 2 - 63 }
            case 2: [Float](repeating: 0, count: 32)
            case 3: (0..<32).map { $0 == 0 ? 4 : Float(numbers.index(below: 33)) / 4 - 4 }
            case 4: numbers.floats(32, bound: 0x1p-120)
            case 5: numbers.floats(32, bound: 0x1p120)
            default: numbers.floats(32)
            }
        }
        var output = ExampleQuantizedOutput(&numbers, rows: rows, k: k)
        let values = x.map { Double($0) }
        for block in 0..<live * k / 32 {
            let quantized = ExampleBlock(values[block * 32..<block * 32 + 32], format)
            output.put(quantized, row: block / (k / 32), block % (k / 32), format)
        }
        return WorkedExample(
            grid: podium_grid_quantize_rows(numbers.backend, Int32(rows)),
            [.int(Int(format.rawValue))] + output.arguments() + [.floats(x), .ints([live]), .int(rows), .int(k)]
        )
    }
}
