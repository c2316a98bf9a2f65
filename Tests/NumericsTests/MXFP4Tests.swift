import Testing

@testable import Numerics

@Suite struct MXFP4Tests {
    /// The scale by its definition: powers of two and logarithms in double precision.
    @Test func scalesByDefinition() {
        for exponent in -140...127 {
            for significand in [1.0, 1.25, 1.7499, 1.75, 1.76, 1.999] {
                let absmax = Float(significand * Double(sign: .plus, exponent: exponent, significand: 1))
                guard absmax.isFinite, absmax > 0 else { continue }
                let floor = max(absmax.exponent - 2, -127)
                #expect(Int(MXFP4.scale(absmax: absmax, rule: .floor)) == Int(floor) + 127, "\(absmax)")
                guard absmax.isNormal else { continue }
                let even = max(absmax.exponent + (absmax.significand >= 1.75 ? 1 : 0) - 2, -127)
                #expect(Int(MXFP4.scale(absmax: absmax, rule: .even)) == Int(even) + 127, "\(absmax)")
            }
        }
        #expect(MXFP4.scale(absmax: 0) == 0)
        #expect(MXFP4.scale(absmax: .infinity) == 0xFF)
        #expect(MXFP4.scale(absmax: .nan) == 0xFF)
    }

    /// A number that is no number spoils its own block and no other.
    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func numbersThatAreNone(_ value: Float) {
        var values = [Float](repeating: 1, count: 96)
        values[40] = value
        let (packed, scales) = encode(values, .even)
        #expect(scales == [125, 0xFF, 125])
        let back = decode(packed, scales)
        #expect(back[..<32].allSatisfy { $0 == 1 } && back[64...].allSatisfy { $0 == 1 })
        #expect(back[32..<64].allSatisfy { $0.isNaN })
    }

    /// What has been quantised once is a fixed point.
    @Test(arguments: [MXFP4.ScaleRule.even, .floor])
    func quantisingTwiceChangesNothing(_ rule: MXFP4.ScaleRule) {
        let values = (0..<32 * 500).map { _ in Float.random(in: -1...1) * Float.random(in: 0...1e3) }
        let (packed, scales) = encode(values, rule)
        let once = decode(packed, scales)
        let (packedAgain, scalesAgain) = encode(once, rule)
        #expect(decode(packedAgain, scalesAgain) == once)
    }

    @Test func scalesAtBothEnds() {
        let packed = [UInt8](repeating: 0x71, count: 16)
        #expect(decode(packed, [0])[..<2] == [0x1p-128, 0x1.8p-125])
        #expect(decode(packed, [254])[..<2] == [0x1p126, .infinity])
        #expect(decode(packed, [255]).allSatisfy { $0.isNaN })
    }

    private func encode(_ values: [Float], _ rule: MXFP4.ScaleRule) -> (packed: [UInt8], scales: [UInt8]) {
        var packed = [UInt8](repeating: 0, count: values.count / 2)
        var scales = [UInt8](repeating: 0, count: values.count / 32)
        values.withUnsafeBufferPointer { from in
            packed.withUnsafeMutableBytes { packed in
                scales.withUnsafeMutableBytes { MXFP4.encode(from, packed: packed, scales: $0, rule: rule) }
            }
        }
        return (packed, scales)
    }

    private func decode(_ packed: [UInt8], _ scales: [UInt8]) -> [Float] {
        var values = [Float](repeating: 0, count: packed.count * 2)
        packed.withUnsafeBytes { packed in
            scales.withUnsafeBytes { scales in
                values.withUnsafeMutableBufferPointer { MXFP4.decode(packed: packed, scales: scales, into: $0) }
            }
        }
        return values
    }
}
