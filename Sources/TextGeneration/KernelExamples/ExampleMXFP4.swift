import Glibc
import Kernels

/// A matrix of MXFP4 weights as a checkpoint has it, and its exact values.
struct ExampleMXFP4Weights {
    let codes, scales: [UInt8]
    /// Every element, exactly.
    let values: [Double]

    init(_ numbers: inout ExampleNumbers, n: Int, k: Int, exponents: ClosedRange<Int> = -4...1) {
        let elements = (0..<n * k).map { _ in numbers.index(below: 16) }
        let exponents = (0..<n * k / 32).map { _ in exponents.lowerBound + numbers.index(below: exponents.count) }
        codes = stride(from: 0, to: n * k, by: 2).map { UInt8(elements[$0] | elements[$0 + 1] << 4) }
        scales = exponents.map { UInt8(127 + $0) }
        values = elements.indices.map { index in
            let magnitude = ExampleBlock.magnitudes[elements[index] % 8] * exp2(Double(exponents[index / 32]))
            return elements[index] < 8 ? magnitude : -magnitude
        }
    }

    /// The bytes that the products read.
    func packed(n: Int, k: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: podium_packed_mxfp4_size(Int32(n), Int32(k)))
        podium_pack_mxfp4(&bytes, Int32(n), Int32(k), 0, Int32(n), codes, scales)
        return bytes
    }

    /// The bytes that the gated products read.
    static func packed(n: Int, k: Int, gate: Self, up: Self) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: podium_packed_mxfp4_pair_size(Int32(n), Int32(k)))
        podium_pack_mxfp4_pair(&bytes, Int32(n), Int32(k), gate.codes, gate.scales, up.codes, up.scales)
        return bytes
    }
}

/// Quantised activations, and their exact values.
struct ExampleQuantizedRows {
    let codes: [Int8]
    let scales: [Float]
    let offsets: [Int]
    /// Every element, exactly, row by row.
    let values: [Double]

    init(_ numbers: inout ExampleNumbers, rows: Int, k: Int) {
        let codes = (0..<rows * k).map { _ in Int8(numbers.index(below: 255) - 127) }
        let scales = numbers.floats(rows * k / 32, bound: 0x1p-7).map { abs($0) + 0x1p-10 }
        offsets = scales.indices.map { block in
            -12 * codes[block * 32..<block * 32 + 32].reduce(0) { $0 + Int($1) }
        }
        values = (0..<rows).flatMap { row in
            (0..<k).map { j in
                let block = quantizedBlock(rows: rows, k: k, row: row, block: j / 32)
                return Double(codes[block * 32 + j % 32]) * Double(scales[block])
            }
        }
        self.codes = codes
        self.scales = scales
    }

    /// As the kernels take them.
    var arguments: [ExampleArgument] { [.signedBytes(codes), .floats(scales), .ints(offsets)] }
}

/// The place of a block among the scales of quantised rows.
func quantizedBlock(rows: Int, k: Int, row: Int, block: Int) -> Int {
    podium_quantized_block(Int32(rows), Int32(k), Int32(row), Int32(block))
}
