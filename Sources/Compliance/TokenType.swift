/// The type of the token ids in a response.
public enum TokenType: String, Sendable, CaseIterable {
    /// 16 bits.
    case int16
    /// 32 bits, the type that MLPerf's language models log.
    case int32
    /// 64 bits.
    case int64
    /// 32-bit floating point.
    case float32

    /// Bytes of a token.
    public var size: Int {
        switch self {
        case .int16: 2
        case .int32, .float32: 4
        case .int64: 8
        }
    }

    /// The token that begins at a byte of a response, little-endian.
    ///
    /// - Returns: The id; nil for a floating-point number that is no whole number.
    func token(in data: [UInt8], at offset: Int) -> Int64? {
        var bits: UInt64 = 0
        for (position, byte) in data[offset..<(offset + size)].enumerated() { bits |= UInt64(byte) << (8 * position) }
        return switch self {
        case .int16: Int64(Int16(truncatingIfNeeded: bits))
        case .int32: Int64(Int32(truncatingIfNeeded: bits))
        case .int64: Int64(bitPattern: bits)
        case .float32: Int64(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        }
    }
}
