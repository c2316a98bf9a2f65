import CNumerics
import HipShim
import Testing

/// `podium_formats.h` against the conversions of CNumerics, which are tested against ml_dtypes.
@Suite struct FormatTests {
    private static let wide: [(name: String, format: numerics_format, codes: Int)] = [
        ("e4m3", NUMERICS_E4M3, 256), ("bf16", NUMERICS_BF16, 65536), ("f16", NUMERICS_F16, 65536),
    ]

    /// Every code.
    @Test func codesHaveTheirValues() {
        for (name, format, count) in Self.wide {
            let codes = (0..<count).map { UInt16($0) }
            var wanted = [Float](repeating: 0, count: count)
            if count == 256 {
                numerics_decode(format, codes.map { UInt8($0) }, &wanted, count, 1)
            } else {
                numerics_decode(format, codes, &wanted, count, 1)
            }
            let wrong = codes.filter {
                let (got, want) = (shim_decode(name, UInt32($0)), wanted[Int($0)])
                return got.bitPattern != want.bitPattern && !(got.isNaN && want.isNaN && got.sign == want.sign)
            }
            #expect(wrong.isEmpty, "\(name): \(wrong.count) codes, of them \(wrong.prefix(4))")
        }
        let e2m1 = (0..<16).map { shim_decode("e2m1", $0) }
        let sizes: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
        #expect(e2m1.map(\.bitPattern) == (sizes + sizes.map { -$0 }).map(\.bitPattern))
        #expect((0..<255).allSatisfy { numerics_e8m0_value($0) == shim_decode("e8m0", UInt32($0)) })
        #expect(shim_decode("e8m0", 255).isNaN)
    }

    /// Values between any two codes, ties, subnormals, the largest and what is beyond it.
    @Test func valuesBecomeTheNearestCode() {
        var random = SeededNumbers(seed: 3)
        for (name, format) in [("e4m3", NUMERICS_E4M3), ("e2m1", NUMERICS_E2M1), ("bf16", NUMERICS_BF16)] {
            var values: [Float] = [0, -0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
            for code in 0..<(name == "e2m1" ? 8 : name == "e4m3" ? 127 : 500) {
                let code = name == "bf16" ? UInt32(random.next() % 0x7F7F) : UInt32(code)
                let (a, b) = (
                    shim_decode(name, code), shim_decode(name, code + (code % 8 == 7 && name == "e2m1" ? 0 : 1))
                )
                let middle = b.isNaN ? a : a / 2 + b / 2
                for value in [a, middle, middle.nextUp, middle.nextDown, a.nextUp, a.nextDown] {
                    values += [value, -value]
                }
            }
            values += (0..<2000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
            values = values.filter { !$0.isNaN }
            if values.count % 2 == 1 { values.append(0) }
            // bfloat16 keeps its infinity; the others saturate.
            let saturate = name != "bf16"
            var codes = [UInt16](repeating: 0, count: values.count)
            if name == "bf16" {
                numerics_encode(format, values, &codes, values.count, 1, saturate)
            } else {
                var bytes = [UInt8](repeating: 0, count: values.count)
                numerics_encode(format, values, &bytes, values.count, 1, saturate)
                for i in codes.indices {
                    codes[i] = name == "e4m3" ? UInt16(bytes[i]) : UInt16(bytes[i / 2] >> (4 * (i % 2)) & 15)
                }
            }
            let wrong = values.indices.filter { shim_encode(name, values[$0]) != UInt32(codes[$0]) }
            #expect(
                wrong.isEmpty,
                "\(name): \(wrong.prefix(4).map { (values[$0], codes[$0], shim_encode(name, values[$0])) })"
            )
        }
        #expect(shim_decode("e4m3", shim_encode("e4m3", .nan)).isNaN)
        #expect(shim_decode("bf16", shim_encode("bf16", .nan)).isNaN)
        #expect(shim_decode("e2m1", shim_encode("e2m1", .nan)) == 6)
    }
}
