internal import CNumerics

/// OCP MXFP4: blocks of 32 E2M1 elements that share an E8M0 scale (OCP Microscaling Formats 1.0, section 5).
///
/// Of two elements in a byte, the first is in the low half; a block takes 16 bytes of elements and one of scale, kept in
/// separate tensors.
public enum MXFP4 {
    /// The elements of a block.
    public static let blockSize = Int(NUMERICS_MXFP4_BLOCK)

    /// How the scale of a block follows from its largest magnitude.
    public enum ScaleRule: Sendable {
        /// AMD Quark's rule: the magnitude's significand is rounded, at 1.75, to a power of two first.
        ///
        /// The exponent is that of (bits of the magnitude + 0x200000), less 2. Up to an eighth of the largest magnitude
        /// is lost to saturation less often than by `floor`.
        case even
        /// The rule of the OCP text, section 6.3: the exponent of the magnitude, less 2.
        case floor

        fileprivate var code: numerics_mx_rule {
            switch self {
            case .even: NUMERICS_MX_EVEN
            case .floor: NUMERICS_MX_FLOOR
            }
        }
    }

    /// The scale of a block with the given largest magnitude.
    ///
    /// - Parameters:
    ///   - absmax: The largest magnitude.
    ///   - rule: How the scale follows.
    /// - Returns: The E8M0 code; 0 for a block of zeros, 0xFF (NaN) when `absmax` is infinite or NaN.
    public static func scale(absmax: Float, rule: ScaleRule = .even) -> UInt8 {
        numerics_mxfp4_scale(absmax, rule.code)
    }

    /// Quantises blocks.
    ///
    /// A block with infinity or NaN gets the scale NaN, so that all of it reads as NaN.
    ///
    /// - Parameters:
    ///   - values: Whole blocks of 32.
    ///   - packed: 16 bytes for each block.
    ///   - scales: One E8M0 code for each block.
    ///   - rule: How the scales follow.
    /// - Precondition: The counts agree.
    public static func encode(
        _ values: UnsafeBufferPointer<Float>,
        packed: UnsafeMutableRawBufferPointer,
        scales: UnsafeMutableRawBufferPointer,
        rule: ScaleRule = .even
    ) {
        checkCounts(values: values.count, packed: packed.count, scales: scales.count)
        guard let from = values.baseAddress, let codes = packed.baseAddress, let exponents = scales.baseAddress else {
            return
        }
        numerics_encode_mxfp4(
            from,
            codes.assumingMemoryBound(to: UInt8.self),
            exponents.assumingMemoryBound(to: UInt8.self),
            scales.count,
            rule.code
        )
    }

    /// The values of blocks, exactly; what is beyond float32 becomes infinite.
    ///
    /// - Parameters:
    ///   - packed: 16 bytes for each block.
    ///   - scales: One E8M0 code for each block.
    ///   - values: Room for 32 values for each block.
    /// - Precondition: The counts agree.
    public static func decode(
        packed: UnsafeRawBufferPointer,
        scales: UnsafeRawBufferPointer,
        into values: UnsafeMutableBufferPointer<Float>
    ) {
        checkCounts(values: values.count, packed: packed.count, scales: scales.count)
        guard let to = values.baseAddress, let codes = packed.baseAddress, let exponents = scales.baseAddress else {
            return
        }
        numerics_decode_mxfp4(
            codes.assumingMemoryBound(to: UInt8.self),
            exponents.assumingMemoryBound(to: UInt8.self),
            to,
            scales.count
        )
    }

    private static func checkCounts(values: Int, packed: Int, scales: Int) {
        precondition(
            values == scales * blockSize && packed == scales * blockSize / 2,
            "\(values) values, \(packed) bytes and \(scales) scales are no whole blocks of \(blockSize)"
        )
    }
}

extension UnsafeBufferPointer<Float> {
    /// The largest magnitude, 0 when there are no elements, NaN when one is NaN.
    public var largestMagnitude: Float { baseAddress.map { numerics_absmax($0, count) } ?? 0 }
}
