import CNumerics
import Testing

@testable import Numerics

/// The narrow formats, in every variant of the code that this machine runs.
///
/// Selecting a variant is global; tests beside these run with whichever is selected, which must not matter.
@Suite(.serialized) struct NarrowFormatTests {
    static let formats: [(type: ElementType, reference: SmallFloat)] = [
        (.f8e4m3, .e4m3), (.f8e4m3fnuz, .e4m3fnuz), (.f8e5m2, .e5m2), (.f8e5m2fnuz, .e5m2fnuz), (.f4e2m1, .e2m1),
    ]

    /// Runs a check with each variant, and afterwards with the best again.
    static func withEachVariant(_ body: (String) throws -> Void) rethrows {
        let best = numerics_active_isa()
        defer { numerics_select_isa(best) }
        for (isa, name) in [
            (NUMERICS_ISA_PLAIN, "plain"), (NUMERICS_ISA_AVX2, "avx2"), (NUMERICS_ISA_AVX512, "avx512"),
        ] {
            if numerics_select_isa(isa) {
                try body(name)
            } else {
                print("narrow formats: \(name) not run (not on this machine)")
            }
        }
    }

    /// One code to an element, also where two are packed to a byte.
    static func codes(_ type: ElementType, _ values: [Float], _ overflow: ElementType.Overflow) -> [UInt8] {
        let bytes = type.encode(values + (values.count.isMultiple(of: 2) ? [] : [0]), overflow: overflow)
        guard type == .f4e2m1 else { return Array(bytes.prefix(values.count)) }
        return values.indices.map { bytes[$0 / 2] >> ($0 % 2 * 4) & 0xF }
    }

    @Test func everyCodeHasItsValue() {
        Self.withEachVariant { variant in
            for (type, reference) in Self.formats {
                let table = reference.table
                var bytes = Array(UInt8.min...UInt8.max)
                if type == .f4e2m1 { bytes = [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE] }
                let values = bytes.withUnsafeBytes { type.decode($0, count: table.count) }
                for (code, (value, expected)) in zip(values, table).enumerated() where !same(value, expected) {
                    Issue.record("\(variant): code \(code) of \(type) is \(expected), not \(value)")
                }
            }
        }
    }

    /// Every bfloat16, every binary16, and every midpoint between neighbours with one unit to each side, against a search
    /// for the nearest value in double precision.
    @Test(arguments: [ElementType.Overflow.saturates, .isKept])
    func encodingFindsTheNearestCode(_ overflow: ElementType.Overflow) throws {
        var inputs = (0...UInt16.max).map { Float(bitPattern: UInt32($0) << 16) }
        inputs += (0...UInt16.max).map { Float(Float16(bitPattern: $0)) }
        for (type, reference) in Self.formats {
            let search = NearestCode(reference)
            var values = inputs
            for value in search.boundaries { values += [value.nextDown, value, value.nextUp, -value, -value.nextUp] }
            let expected = values.map { search.code(of: $0, saturating: overflow == .saturates) }
            Self.withEachVariant { variant in
                let codes = Self.codes(type, values, overflow)
                var wrong = 0
                for index in values.indices where codes[index] != expected[index] {
                    // Which NaN of several it is does not matter.
                    if values[index].isNaN, search.isNaN(codes[index]), search.isNaN(expected[index]) { continue }
                    wrong += 1
                    if wrong < 5 {
                        Issue.record(
                            "\(variant): \(values[index]) as \(type) is \(expected[index]), not \(codes[index])"
                        )
                    }
                }
                #expect(wrong == 0)
            }
        }
    }

    /// Scales, odd lengths, and infinities in the formats of 16 bits.
    @Test func variantsAgree() {
        var random = SystemRandomNumberGenerator()
        let types: [ElementType] = [.f16, .bf16, .f8e4m3, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f4e2m1]
        for count in [0, 2, 14, 16, 18, 30, 32, 34, 62, 66, 190] {
            let values = (0..<count).map { _ in
                let bits = UInt32(truncatingIfNeeded: random.next())
                return Float(bitPattern: Bool.random() ? bits : bits & 0x83FF_FFFF | 0x3C00_0000)
            }
            let scale = Float.random(in: 0.01...3)
            for type in types {
                for overflow in [ElementType.Overflow.saturates, .isKept] {
                    var results: [[UInt8]] = []
                    Self.withEachVariant { _ in
                        var bytes = [UInt8](repeating: 0, count: count * type.bitWidth / 8)
                        values.withUnsafeBufferPointer { from in
                            bytes.withUnsafeMutableBytes {
                                type.encode(from, scale: scale, into: $0, overflow: overflow)
                            }
                        }
                        var back = [Float](repeating: 0, count: count)
                        bytes.withUnsafeBytes { from in
                            back.withUnsafeMutableBufferPointer { type.decode(from, scale: scale, into: $0) }
                        }
                        results.append(bytes + back.flatMap { withUnsafeBytes(of: $0.isNaN ? .nan : $0, Array.init) })
                    }
                    #expect(Set(results).count == 1, "\(type), \(count) values")
                }
            }
        }
    }

    @Test func saturationOfWideFormats() {
        Self.withEachVariant { variant in
            let values: [Float] = [.infinity, -.infinity, 3.4e38, -65520, .nan]
            for type in [ElementType.f16, .bf16] {
                let clipped = type.encode(values, overflow: .saturates).withUnsafeBytes { type.decode($0, count: 5) }
                let largest = type.largestFinite!
                #expect(clipped[0] == largest && clipped[1] == -largest && clipped[2] == largest, "\(variant)")
                #expect(clipped[3] == (type == .f16 ? -65504 : -65536) && clipped[4].isNaN, "\(variant)")
            }
        }
        #expect(ElementType.f16.encode([65520], overflow: .isKept) == [0, 0x7C])
    }

    /// One scale for each element, as the columns of a matrix have it.
    @Test func roundingEach() {
        Self.withEachVariant { variant in
            for (type, format) in [(ElementType.f8e4m3, NUMERICS_E4M3), (.f4e2m1, NUMERICS_E2M1)] {
                let values = (0..<37).map { _ in Float.random(in: -9...9) }
                let scales = (0..<37).map { _ in Float.random(in: 0.01...2) }
                var codes = [UInt8](repeating: 0, count: 37)
                var rounded = [Float](repeating: 0, count: 37)
                numerics_round_each(format, values, scales, &codes, &rounded, 37)
                let quotients = zip(values, scales).map { $0 / $1 }
                #expect(codes == Self.codes(type, quotients, .saturates), "\(variant) \(type)")
                let table = type == .f4e2m1 ? SmallFloat.e2m1Table : SmallFloat.e4m3Table
                #expect(rounded == zip(codes, scales).map { table[Int($0)] * $1 }, "\(variant) \(type)")
            }
        }
    }

    @Test func largestMagnitude() {
        Self.withEachVariant { variant in
            for count in [0, 1, 15, 16, 17, 33, 100] {
                var values = (0..<count).map { _ in Float.random(in: -5...5) }
                let largest = values.map(\.magnitude).max() ?? 0
                #expect(magnitude(values) == largest, "\(variant)")
                guard count > 0 else { continue }
                values[count - 1] = -.infinity
                #expect(magnitude(values) == .infinity, "\(variant)")
                values[0] = .nan
                #expect(magnitude(values).isNaN, "\(variant)")
            }
        }
    }

    private func magnitude(_ values: [Float]) -> Float { values.withUnsafeBufferPointer { $0.largestMagnitude } }

    private func same(_ a: Float, _ b: Float) -> Bool { a.isNaN ? b.isNaN : a.bitPattern == b.bitPattern }
}
