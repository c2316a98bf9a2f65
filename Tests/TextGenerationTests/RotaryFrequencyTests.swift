import Glibc
import Testing
import TextGeneration

/// Frequencies against their definition in double precision; golden ones are among the model's own tests.
@Suite struct RotaryFrequencyTests {
    @Test(arguments: [(16, 10000.0), (64, 500_000), (128, 10000), (128, 1_000_000)])
    func unscaled(_ dimension: Int, _ base: Double) {
        let computed = rotaryFrequencies(headDimension: dimension, base: base, scaling: .none)
        #expect(computed.count == dimension / 2)
        for (pair, frequency) in computed.enumerated() {
            let exact = pow(base, -2 * Double(pair) / Double(dimension))
            // The exponent is rounded to float32 first, which moves the power by ln(base) times that rounding.
            #expect(abs(Double(frequency) / exact - 1) < 2e-6)
        }
    }

    /// The three ranges of Llama 3.1, by their definition.
    @Test func llama3() {
        let plain = rotaryFrequencies(headDimension: 128, base: 500_000, scaling: .none)
        let scaled = rotaryFrequencies(
            headDimension: 128,
            base: 500_000,
            scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
        )
        var ranges = Set<String>()
        for (before, after) in zip(plain, scaled) {
            let wavelength = 2 * Double.pi / Double(before)
            let exact: Double
            if wavelength > 8192 {
                ranges.insert("long")
                exact = Double(before) / 8
            } else if wavelength < 8192 / 4 {
                ranges.insert("short")
                exact = Double(before)
            } else {
                ranges.insert("between")
                let share = (8192 / wavelength - 1) / 3
                exact = (1 - share) * Double(before) / 8 + share * Double(before)
            }
            #expect(abs(Double(after) / exact - 1) < 1e-6)
        }
        #expect(ranges.count == 3)
    }
}
