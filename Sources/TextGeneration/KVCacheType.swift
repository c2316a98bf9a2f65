public import Kernels

/// The type in which keys and values are kept between steps; the raw value is its name in options and logs.
public enum KVCacheType: String, CaseIterable, Sendable {
    /// As they were computed.
    case float32
    /// Rounded half to even.
    case bfloat16
    /// OCP E4M3 codes of the numbers over a scale for each layer, the keys after rotation.
    case fp8 = "fp8_e4m3"

    /// What the kernels call it.
    public var dtype: podium_dtype {
        switch self {
        case .float32: PODIUM_F32
        case .bfloat16: PODIUM_BF16
        case .fp8: PODIUM_F8E4M3
        }
    }

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float32: 4
        case .bfloat16: 2
        case .fp8: 1
        }
    }
}
