import CPluginAPI
import Numerics

extension ElementType {
    /// The type that the contract numbers `dtype` (MLP_F32, ...), `nil` for a number that it does not give.
    init?(contract dtype: Int32) {
        switch Int(dtype) {
        case MLP_F32: self = .f32
        case MLP_BF16: self = .bf16
        case MLP_F16: self = .f16
        case MLP_F8E4M3: self = .f8e4m3
        case MLP_F8E5M2: self = .f8e5m2
        case MLP_F4E2M1: self = .f4e2m1
        case MLP_E8M0: self = .e8m0
        case MLP_I8: self = .i8
        case MLP_U8: self = .u8
        case MLP_I32: self = .i32
        case MLP_F8E4M3FNUZ: self = .f8e4m3fnuz
        case MLP_I64: self = .i64
        case MLP_F64: self = .f64
        case MLP_BOOL: self = .bool
        case MLP_I16: self = .i16
        default: return nil
        }
    }

    /// The contract's number of the floats that calibration computes with, nil for any other type.
    var contractFloat: Int32? {
        switch self {
        case .f32: Int32(MLP_F32)
        case .bf16: Int32(MLP_BF16)
        case .f16: Int32(MLP_F16)
        default: nil
        }
    }
}
