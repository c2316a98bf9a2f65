import Numerics

/// The formats that products are timed in.
public enum GemmBenchType: String, Sendable, CaseIterable {
    /// IEEE half.
    case fp16
    /// bfloat16.
    case bf16
    /// E4M3: OCP's, or on CDNA 3 that without infinities and a bias of 8.
    case fp8
    /// E2M1 with a power of two for each 32 elements.
    case mxfp4

    /// Those that a device multiplies in hardware; on a processor those of the study.
    static func all(on properties: DeviceProperties) -> [GemmBenchType] {
        let target = properties.architecture
        if target == "gfx950" { return [.fp16, .bf16, .fp8, .mxfp4] }
        let hasFP8 = target == "gfx942" || ["sm_89", "sm_90"].contains(target) || target.hasPrefix("sm_1")
        return hasFP8 ? [.fp16, .bf16, .fp8] : [.fp16, .bf16]
    }

    /// What is multiplied: by the vendor's library the type with itself, by our kernels float32 with weights of the type.
    func shape(m: Int, n: Int, k: Int, by gemm: any DeviceGemm, on properties: DeviceProperties) -> GemmShape {
        let own: ElementType =
            switch self {
            case .fp16: .f16
            case .bf16: .bf16
            case .fp8: properties.architecture == "gfx942" && !gemm.isBatchInvariant ? .f8e4m3fnuz : .f8e4m3
            case .mxfp4: .f4e2m1
            }
        guard !gemm.isBatchInvariant else { return GemmShape(m: m, n: n, k: k, x: .f32, w: own, y: .f32) }
        let scaling: [GemmBenchType: GemmShape.Scaling] = [.fp8: .whole, .mxfp4: .blocks]
        let result: ElementType = self == .fp16 ? .f16 : .bf16
        return GemmShape(m: m, n: n, k: k, x: own, w: own, y: result, scaling: scaling[self] ?? .none)
    }

    /// TFLOP/s that the device's vendor promises for it.
    func peak(_ peaks: DevicePeaks) -> Double? {
        switch self {
        case .fp16, .bf16: peaks.halfPrecision
        case .fp8: peaks.fp8
        case .mxfp4: peaks.mxfp4
        }
    }
}
