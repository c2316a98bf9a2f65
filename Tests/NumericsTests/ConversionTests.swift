import Testing

@testable import Numerics

@Suite struct ConversionTests {
    /// Codes that numpy and ml_dtypes round to, bit for bit.
    @Test(arguments: [ElementType.f16, .bf16])
    func encodingIsThatOfNumpy(_ type: ElementType) throws {
        let file = try SafetensorsFile(path: Fixture.path("conversions.safetensors"))
        let values = try file.tensor(named: "x").floats()
        let expected = try codes(file.tensor(named: type == .f16 ? "f16" : "bf16"))
        let encoded = type.encode(values).withUnsafeBytes { raw in
            (0..<values.count).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
        #expect(values.count > 5000)
        for index in values.indices {
            if values[index].isNaN {
                let infinity: UInt16 = type == .f16 ? 0x7C00 : 0x7F80
                #expect(encoded[index] & 0x7FFF > infinity, "NaN became \(encoded[index])")
            } else if encoded[index] != expected[index] {
                Issue.record("\(values[index]) as \(type) is \(expected[index]), not \(encoded[index])")
            }
        }
        print("conversion \(type): \(values.count) values as numpy and ml_dtypes encode them")
    }

    /// All 65,536 codes against the standard library's `Float16` (compiler-rt).
    @Test func everyBinary16() {
        let codes = Array(UInt16.min...UInt16.max)
        let values = codes.withUnsafeBytes { ElementType.f16.decode($0, count: codes.count) }
        let back = halves(values)
        for (code, value) in zip(codes, values) {
            let expected = Float(Float16(bitPattern: code))
            if expected.isNaN {
                #expect(value.isNaN)
            } else if value.bitPattern != expected.bitPattern || back[Int(code)] != code {
                Issue.record("code \(code) is \(expected), not \(value), and comes back as \(back[Int(code)])")
            }
        }
    }

    /// Random bits against the standard library's rounding to `Float16`.
    @Test func randomValuesToBinary16() {
        var generator = SystemRandomNumberGenerator()
        let values = (0..<200_000).map { _ in
            // Half of them near the range of binary16, where rounding is not trivial.
            let random = UInt32(truncatingIfNeeded: generator.next())
            return Float(bitPattern: Bool.random() ? random : random & 0x8FFF_FFFF | 0x3000_0000)
        }
        for (value, code) in zip(values, halves(values)) {
            let expected = Float16(value)
            if expected.isNaN {
                #expect(Float16(bitPattern: code).isNaN)
            } else if code != expected.bitPattern {
                Issue.record("\(value) (\(value.bitPattern)) became \(code), not \(expected.bitPattern)")
            }
        }
    }

    private func halves(_ values: [Float]) -> [UInt16] {
        ElementType.f16.encode(values).withUnsafeBytes { raw in
            (0..<values.count).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
    }

    @Test func everyBFloat16ReadsBack() {
        for code in UInt16.min...UInt16.max {
            let value = Float(BFloat16(bitPattern: code))
            #expect(value.bitPattern == UInt32(code) << 16)
            if value.isNaN {
                #expect(Float(BFloat16(value)).isNaN)
            } else {
                #expect(BFloat16(value).bitPattern == code)
            }
        }
        #expect(BFloat16(.init(bitPattern: 0x7F80_0001)).bitPattern == 0x7FC0)
    }

    @Test func unalignedBuffers() {
        let values: [Float] = [1.5, -2, 0.25, 65504, .infinity]
        for type in [ElementType.f64, .f32, .f16, .bf16] {
            let shifted = [0] + type.encode(values)
            let decoded = shifted.withUnsafeBytes {
                type.decode(UnsafeRawBufferPointer(rebasing: $0[1...]), count: values.count)
            }
            #expect(decoded == (type == .bf16 ? [1.5, -2, 0.25, 65536, .infinity] : values))
        }
    }

    @Test func sizes() {
        #expect(ElementType.f32.byteCount(shape: []) == 4)
        #expect(ElementType.bf16.byteCount(shape: [3, 0, 5]) == 0)
        #expect(ElementType.f4e2m1.byteCount(shape: [3, 4]) == 6)
        #expect(ElementType.f4e2m1.byteCount(shape: [3]) == nil)
        #expect(ElementType.f6e2m3.byteCount(shape: [4]) == 3)
        #expect(ElementType.u8.byteCount(shape: [-1]) == nil)
        #expect(ElementType.u8.byteCount(shape: [.max]) == nil)
        #expect(ElementType.f32.byteCount(shape: [1 << 40, 1 << 40]) == nil)
    }

    private func codes(_ tensor: TensorView) -> [UInt16] {
        tensor.withBytes { raw in (0..<tensor.count).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
    }
}
