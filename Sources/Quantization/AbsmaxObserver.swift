public import Numerics

/// Calibration by the largest magnitude: sees activations, then says which scale keeps all of them in range.
public struct AbsmaxObserver: Sendable, Equatable {
    /// The largest magnitude so far; NaN once one was.
    public private(set) var absmax: Float = 0

    /// An observer that has seen nothing.
    public init() {}

    /// Takes note of some activations.
    ///
    /// - Parameter values: The activations.
    public mutating func observe(_ values: UnsafeBufferPointer<Float>) {
        let largest = values.largestMagnitude
        if largest > absmax || largest.isNaN { absmax = largest }
    }

    /// Takes note of what another observer has seen, as for keys and values that share a scale.
    ///
    /// - Parameter other: The other observer.
    public mutating func observe(_ other: AbsmaxObserver) {
        if other.absmax > absmax || other.absmax.isNaN { absmax = other.absmax }
    }

    /// The scale: the largest magnitude over the format's largest number, rounded to the type it is stored in.
    ///
    /// - Parameters:
    ///   - element: The FP8 format.
    ///   - storedAs: BF16, F16 or F32.
    ///   - name: What was observed, for errors.
    /// - Returns: The scale, 1 when nothing but zeros was seen.
    /// - Throws: `QuantizationError` when something infinite or NaN was seen.
    public func scale(
        element: ElementType = .f8e4m3,
        storedAs: ElementType = .bf16,
        name: String
    ) throws(QuantizationError) -> Float {
        guard absmax.isFinite else {
            throw QuantizationError(
                file: "calibration",
                tensor: name,
                reason:
                    "its activations reached \(absmax), which has no scale: check the model and the calibration data"
            )
        }
        return TensorScheme.absmaxScale(absmax, element: element, storedAs: storedAs)
    }
}
