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
        let blocks = x.count / 32
        let codesBefore = numbers.unwritten(x.count)
        let offsetsBefore = numbers.unwritten(blocks)
        let scalesBefore = numbers.floats(blocks, bound: 100)
        var codes = codesBefore
        var scales = scalesBefore.map { Double($0) }
        var offsets = offsetsBefore
        let values = x.map { Double($0) }
        for block in 0..<live * k / 32 {
            let quantized = ExampleBlock(values[block * 32..<block * 32 + 32], format)
            let place = quantizedBlock(rows: rows, k: k, row: block / (k / 32), block: block % (k / 32))
            codes.replaceSubrange(place * 32..<place * 32 + 32, with: quantized.codes)
            scales[place] = quantized.scale
            offsets[place] = quantized.offset
        }
        return WorkedExample(
            grid: podium_grid_quantize_rows(numbers.backend, Int32(rows)),
            [
                .int(Int(format.rawValue)), .codes(codesBefore, expected: codes),
                .output(scalesBefore, expected: scales), .indices(offsetsBefore, expected: offsets), .floats(x),
                .ints([live]), .int(rows), .int(k),
            ]
        )
    }
}
