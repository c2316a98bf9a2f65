import Numerics
import Testing

@testable import Quantization

/// Round-to-nearest with absmax scales.
@Suite struct RoundingTests {
    static let granularities: [TensorScheme.Granularity] = [
        .perTensor, .perChannel, .perGroup(16), .perBlock(rows: 4, columns: 16), .perBlock(rows: 3, columns: 20),
    ]

    /// Each element is its scale times the nearest code, searched for; each scale is the largest magnitude's share.
    @Test(arguments: granularities, [ElementType.bf16, .f32])
    func fp8(_ granularity: TensorScheme.Granularity, _ scaleType: ElementType) throws {
        let (rows, columns) = (10, 48)
        let values = (0..<rows * columns).map { Float.random(in: -1...1) * Float($0 % 7 + 1) }
        let scheme = TensorScheme(element: .f8e4m3, granularity: granularity)
        let result = try values.withUnsafeBufferPointer { values throws(QuantizationError) in
            try scheme.quantize(values, rows: rows, columns: columns, scaleType: scaleType)
        }
        let shape = scheme.scaleShape(rows: rows, columns: columns)
        let count = shape.reduce(1, *)
        #expect(result.scales.count == count * scaleType.bitWidth / 8)
        let scales = result.scales.withUnsafeBytes { scaleType.decode($0, count: count) }
        let table = (0..<256).map { code in
            withUnsafeBytes(of: UInt8(code)) { ElementType.f8e4m3.decode($0, count: 1)[0] }
        }
        // Which scale an element has, written once more and differently.
        func scaleIndex(_ row: Int, _ column: Int) -> Int {
            switch granularity {
            case .perTensor: 0
            case .perChannel: row
            case .perGroup(let size): row * (columns / size) + column / size
            case .perBlock(let height, let width): row / height * shape[1] + column / width
            }
        }
        var largest = [Float](repeating: 0, count: count)
        for index in values.indices {
            let scale = scaleIndex(index / columns, index % columns)
            largest[scale] = max(largest[scale], values[index].magnitude)
        }
        for index in 0..<count { #expect((scales[index] * 448 / largest[index] - 1).magnitude < 1 / 256) }
        let back = result.dequantized()
        for index in values.indices {
            let scale = scales[scaleIndex(index / columns, index % columns)]
            let nearest = table.filter { !$0.isNaN }.map { ($0 - values[index] / scale).magnitude }.min()!
            let found = (table[Int(result.codes[index])] - values[index] / scale).magnitude
            #expect(found <= nearest && back[index] == table[Int(result.codes[index])] * scale)
        }
    }

    @Test func nothingButZeros() throws {
        let zeros = [Float](repeating: 0, count: 64)
        for scheme in [TensorScheme.fp8PerTensor, .mxfp4()] {
            let result = try zeros.withUnsafeBufferPointer { values throws(QuantizationError) in
                try scheme.quantize(values, rows: 2, columns: 32)
            }
            #expect(result.dequantized() == zeros)
        }
        #expect(TensorScheme.absmaxScale(0, element: .f8e4m3, storedAs: .bf16) == 1)
        #expect(TensorScheme.absmaxScale(448 * 3, element: .f8e4m3, storedAs: .bf16) == 3)
    }

    /// Where float16 has no normal number for the scale, values are neither cut off nor lost.
    @Test(arguments: [Float(0x1p-13), 0x1p-14, 0x1.8p-16, 0x1p-18, 0x1p-20])
    func smallTensorsWithScalesInFloat16(_ largest: Float) throws {
        let values = (0..<64).map { largest * Float(64 - $0) / 64 }
        let result = try values.withUnsafeBufferPointer { values throws(QuantizationError) in
            try TensorScheme.fp8PerTensor.quantize(values, rows: 2, columns: 32, scaleType: .f16)
        }
        let scale = result.scales.withUnsafeBytes { ElementType.f16.decode($0, count: 1)[0] }
        #expect(scale == 0x1p-14)
        // Half of E4M3's last bit (2^-4), or half of its least number, 2^-9.
        for (value, found) in zip(values, result.dequantized()) {
            #expect((found - value).magnitude <= max(value / 16, scale * 0x1p-10), "\(value)")
        }
        #expect(TensorScheme.absmaxScale(.leastNonzeroMagnitude, element: .f8e4m3, storedAs: .f32) == 0x1p-126)
    }

    @Test(arguments: [
        (TensorScheme(element: .f8e4m3, granularity: .perGroup(10)), "blocks of 10 do not divide"),
        (TensorScheme(element: .i8, granularity: .perTensor), "cannot be quantised to I8"),
        (TensorScheme(element: .f4e2m1, granularity: .perTensor), "as MXFP4 alone"),
        (TensorScheme(element: .f8e4m3, granularity: .perBlock(rows: 0, columns: 4)), "have no elements"),
    ])
    func badSchemes(_ scheme: TensorScheme, _ reason: String) {
        let error = #expect(throws: QuantizationError.self) {
            try [Float](repeating: 1, count: 64).withUnsafeBufferPointer { values throws(QuantizationError) in
                try scheme.quantize(values, rows: 2, columns: 32, name: "w")
            }
        }
        #expect(error?.description.contains("tensor w: ") == true && error?.reason.contains(reason) == true)
    }

    @Test func calibration() throws {
        var keys = AbsmaxObserver()
        var values = AbsmaxObserver()
        [Float(1), -7, 3].withUnsafeBufferPointer { keys.observe($0) }
        [Float(0), 2].withUnsafeBufferPointer { keys.observe($0) }
        [Float(14)].withUnsafeBufferPointer { values.observe($0) }
        #expect(try keys.scale(storedAs: .f32, name: "k") == 7 / 448)
        keys.observe(values)
        #expect(try keys.scale(name: "k") == 14 / 448)
        [Float.nan].withUnsafeBufferPointer { keys.observe($0) }
        [Float(99)].withUnsafeBufferPointer { keys.observe($0) }
        #expect(throws: QuantizationError.self) { try keys.scale(name: "k") }
        #expect(try AbsmaxObserver().scale(name: "k") == 1)
    }
}
