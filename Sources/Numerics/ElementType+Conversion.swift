internal import CNumerics

extension ElementType {
    /// What becomes of a value beyond the largest finite number.
    public enum Overflow: Sendable {
        /// The largest finite number, also for infinity; NaN stays NaN.
        case saturates
        /// Infinity, or NaN in a format without infinity; a format without NaN saturates.
        case isKept
    }

    /// Whether `decode` reads this type: the floats, but not the packed 6-bit ones.
    public var isDecodable: Bool { narrowFormat != nil || self == .f64 || self == .f32 || self == .e8m0 }

    /// Whether `encode` writes this type: the floats, but neither the packed 6-bit ones nor scales.
    public var isEncodable: Bool { narrowFormat != nil || self == .f64 || self == .f32 }

    /// The largest finite number of a format narrower than F32, nil for other types.
    public var largestFinite: Float? {
        switch self {
        case .f16: 65504
        case .bf16: 0x1.FEp127
        case .f8e4m3: 448
        case .f8e4m3fnuz: 240
        case .f8e5m2, .f8e5m2fnuz: 57344
        case .f4e2m1: 6
        default: nil
        }
    }

    /// Converts elements to `Float`: exactly, except that an F64 is rounded to nearest, ties to even.
    ///
    /// - Parameters:
    ///   - bytes: The elements, at any alignment, little-endian.
    ///   - floats: As many values as there are elements.
    /// - Precondition: `isDecodable`, and the counts agree.
    public func decode(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        checkSize(bytes.count, count: floats.count)
        guard let codes = bytes.baseAddress, let values = floats.baseAddress else { return }
        if let narrowFormat {
            numerics_decode(narrowFormat, codes, values, floats.count, 1)
            return
        }
        switch self {
        case .f32:
            UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
        case .f64:
            for index in floats.indices {
                floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        case .e8m0:
            for index in floats.indices { floats[index] = numerics_e8m0_value(bytes[index]) }
        default:
            preconditionFailure("\(self) cannot be decoded to Float")
        }
    }

    /// Converts elements to `Float`; see `decode(_:into:)`.
    ///
    /// - Parameters:
    ///   - bytes: The elements, at any alignment, little-endian.
    ///   - count: How many there are.
    /// - Returns: The values.
    /// - Precondition: `isDecodable`, and the counts agree.
    public func decode(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            decode(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// Converts codes to the values that they have under a scale: code times scale, rounded once.
    ///
    /// - Parameters:
    ///   - bytes: The codes, packed.
    ///   - scale: What one means.
    ///   - floats: As many values as there are codes.
    /// - Precondition: The type is narrower than F32 and `isEncodable`, and the counts agree.
    public func decode(
        _ bytes: UnsafeRawBufferPointer,
        scale: Float,
        into floats: UnsafeMutableBufferPointer<Float>
    ) {
        checkSize(bytes.count, count: floats.count)
        guard let narrowFormat else { preconditionFailure("\(self) has no codes that a scale could go with") }
        guard let codes = bytes.baseAddress, let values = floats.baseAddress else { return }
        numerics_decode(narrowFormat, codes, values, floats.count, scale)
    }

    /// Converts `Float` to elements, rounding to nearest, ties to even.
    ///
    /// E2M1 has no NaN: there it becomes the largest number. The formats without a negative zero write zero for it.
    ///
    /// - Parameters:
    ///   - floats: The values.
    ///   - bytes: Room for as many elements, at any alignment.
    ///   - overflow: What becomes of values that are too large; F64 and F32 never have any.
    /// - Precondition: `isEncodable`, and the counts agree.
    public func encode(
        _ floats: UnsafeBufferPointer<Float>,
        into bytes: UnsafeMutableRawBufferPointer,
        overflow: Overflow = .isKept
    ) {
        if narrowFormat != nil {
            encode(floats, scale: 1, into: bytes, overflow: overflow)
            return
        }
        checkSize(bytes.count, count: floats.count)
        switch self {
        case .f32:
            bytes.copyMemory(from: UnsafeRawBufferPointer(floats))
        case .f64:
            for index in floats.indices {
                bytes.storeBytes(of: Double(floats[index]), toByteOffset: index * 8, as: Double.self)
            }
        default:
            preconditionFailure("\(self) cannot be encoded from Float")
        }
    }

    /// Converts `Float` to the nearest codes under a scale: value divided by scale, in float32, and rounded to nearest,
    /// ties to even.
    ///
    /// - Parameters:
    ///   - floats: The values.
    ///   - scale: What one means.
    ///   - bytes: Room for as many codes.
    ///   - overflow: What becomes of values that are too large.
    /// - Precondition: The type is narrower than F32 and `isEncodable`, and the counts agree.
    public func encode(
        _ floats: UnsafeBufferPointer<Float>,
        scale: Float,
        into bytes: UnsafeMutableRawBufferPointer,
        overflow: Overflow = .saturates
    ) {
        checkSize(bytes.count, count: floats.count)
        guard let narrowFormat else { preconditionFailure("\(self) has no codes that a scale could go with") }
        guard let values = floats.baseAddress, let codes = bytes.baseAddress else { return }
        numerics_encode(narrowFormat, values, codes, floats.count, scale, overflow == .saturates)
    }

    /// Converts `Float` to elements; see `encode(_:into:overflow:)`.
    ///
    /// - Parameters:
    ///   - floats: The values.
    ///   - overflow: What becomes of values that are too large.
    /// - Returns: The elements, packed.
    /// - Precondition: `isEncodable`, and the elements fill whole bytes.
    public func encode(_ floats: [Float], overflow: Overflow = .isKept) -> [UInt8] {
        let size = floats.count * bitWidth / 8
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            floats.withUnsafeBufferPointer { values in
                encode(
                    values,
                    into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<size])),
                    overflow: overflow
                )
            }
            initialized = size
        }
    }

    private func checkSize(_ bytes: Int, count: Int) {
        precondition(byteCount(shape: [count]) == bytes, "\(count) elements of \(self) do not take \(bytes) bytes")
    }

    /// The format as the C functions name it; nil for types that they do not convert.
    private var narrowFormat: numerics_format? {
        switch self {
        case .f16: NUMERICS_F16
        case .bf16: NUMERICS_BF16
        case .f8e4m3: NUMERICS_E4M3
        case .f8e4m3fnuz: NUMERICS_E4M3FNUZ
        case .f8e5m2: NUMERICS_E5M2
        case .f8e5m2fnuz: NUMERICS_E5M2FNUZ
        case .f4e2m1: NUMERICS_E2M1
        default: nil
        }
    }
}
