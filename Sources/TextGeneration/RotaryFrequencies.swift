import Glibc

/// How the rotary frequencies of a checkpoint are scaled for contexts longer than it was first trained on.
public enum RotaryScaling: Sendable, Equatable {
    /// Not at all.
    case none
    /// Every frequency divided by a factor.
    case linear(factor: Double)
    /// Llama 3.1: long wavelengths divided by the factor, short ones kept, a ramp between.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
}

/// The inverse frequencies of a rotary embedding, in float32 as transformers computes them.
///
/// The arithmetic is float32 throughout, as there, so that the frequencies agree to the last bits.
///
/// - Parameters:
///   - headDimension: Elements of a head, even.
///   - base: `rope_theta`.
///   - scaling: The checkpoint's scaling.
/// - Returns: One frequency for each pair of elements.
public func rotaryFrequencies(headDimension: Int, base: Double, scaling: RotaryScaling) -> [Float] {
    (0..<(headDimension / 2)).map { pair in
        let frequency = 1 / powf(Float(base), Float(2 * pair) / Float(headDimension))
        switch scaling {
        case .none:
            return frequency
        case .linear(let factor):
            return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let originalContext):
            let original = Float(originalContext)
            let wavelength = Float(2 * Double.pi) / frequency
            if wavelength > original / Float(low) { return frequency / Float(factor) }
            if wavelength < original / Float(high) { return frequency }
            let share = (original / wavelength - Float(low)) / (Float(high) - Float(low))
            return (1 - share) * frequency / Float(factor) + share * frequency
        }
    }
}
