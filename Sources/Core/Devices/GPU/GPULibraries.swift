import CGPU
import Glibc

/// Where the vendors' libraries are, for systems that keep them under names of their own.
///
/// The environment variables `PODIUM_HIP_LIBRARY`, `PODIUM_CUDA_LIBRARY`, `PODIUM_HIPRTC_LIBRARY`,
/// `PODIUM_NVRTC_LIBRARY`, `PODIUM_HIPBLASLT_LIBRARY`, `PODIUM_ROCBLAS_LIBRARY` and `PODIUM_CUBLASLT_LIBRARY` hold paths
/// that are taken instead of the usual names.
enum GPULibraries {
    /// The runtime's path, nil for the usual names.
    static func runtime(_ kind: DeviceKind) -> String? {
        variable(kind == .hip ? "PODIUM_HIP_LIBRARY" : "PODIUM_CUDA_LIBRARY")
    }

    /// The path of the compiler at run time, nil for the usual names.
    static func compiler(_ kind: DeviceKind) -> String? {
        variable(kind == .hip ? "PODIUM_HIPRTC_LIBRARY" : "PODIUM_NVRTC_LIBRARY")
    }

    /// The path of a library for dense products, nil for its usual names.
    static func blas(_ interface: podium_blas_interface) -> String? {
        switch interface {
        case PODIUM_HIPBLASLT: variable("PODIUM_HIPBLASLT_LIBRARY")
        case PODIUM_ROCBLAS: variable("PODIUM_ROCBLAS_LIBRARY")
        default: variable("PODIUM_CUBLASLT_LIBRARY")
        }
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
