import CPluginAPI
import Kernels
public import PluginAPI

/// The worked examples of the kernels in `podium_kernels()`: inputs, and outputs as a reference in double has them.
///
/// The references are the formulas of `podium_kernels.h` written out in Swift and share nothing with the twins. Each
/// tolerance bounds the roundings that float32 arithmetic may make **in any order of summation**, so that it holds for a
/// twin and for a GPU kernel alike; it is derived, not fitted, and stands beside its formula.
///
/// What is not compared has a value all the same: outputs hold NaN where the kernel must write, and ordinary numbers in
/// rows beyond the live count, which must stay as they are.
public final class KernelExamples {
    private var current: WorkedExample?

    /// Examples of which none is made yet.
    public init() {}

    /// An example; its memory lives until the next call.
    ///
    /// - Parameters:
    ///   - kernel: An index into `podium_kernels()`.
    ///   - number: 0, 1, ...
    ///   - target: Decides the grid, and layouts that are private to kernels.
    /// - Returns: The example, or nil after the last.
    /// - Throws: `PluginError` for a kind of device that there are no grids for.
    public func example(kernel: UInt32, number: UInt32, target: DeviceTarget) throws(PluginError) -> KernelExample? {
        guard [MLP_DEVICE_CPU, MLP_DEVICE_HIP, MLP_DEVICE_CUDA].contains(Int(target.kind)) else {
            throw PluginError(
                .unsupported,
                "kernel examples: device kind \(target.kind) has no grids; ask for MLP_DEVICE_CPU (\(MLP_DEVICE_CPU)), "
                    + "MLP_DEVICE_HIP (\(MLP_DEVICE_HIP)) or MLP_DEVICE_CUDA (\(MLP_DEVICE_CUDA))"
            )
        }
        let backend = podium_backend_of(target.kind, target.architecture)
        let cases = Self.cases(podium_kernel(rawValue: kernel))
        guard number < cases.count else { return nil }
        var numbers = ExampleNumbers(seed: UInt64(kernel) << 32 | UInt64(number), backend: backend)
        let example = cases[Int(number)].worked(&numbers)
        current = example
        return KernelExample(grid: example.grid, arguments: example.arguments)
    }

    private static func cases(_ kernel: podium_kernel) -> [any KernelExampleCase] {
        switch kernel {
        case PODIUM_EMBEDDING: EmbeddingExample.cases
        case PODIUM_RMS_NORM: RMSNormExample.cases
        case PODIUM_GEMM: GemmExample.cases
        case PODIUM_GEMM_SILU_GATE: GatedGemmExample.cases
        case PODIUM_ROPE_TABLES: RopeTablesExample.cases
        case PODIUM_ROPE_APPEND: RopeAppendExample.cases
        case PODIUM_PAGED_ATTENTION: PagedAttentionExample.cases
        case PODIUM_ARGMAX: ArgmaxExample.cases
        case PODIUM_ROUND_TO_FP8: RoundToFP8Example.cases
        case PODIUM_QUANTIZE_ROWS: QuantizeRowsExample.cases
        case PODIUM_RMS_NORM_QUANTIZE: RMSNormQuantizeExample.cases
        case PODIUM_GEMM_MXFP4: MXFP4GemmExample.cases
        case PODIUM_GEMM_MXFP4_SILU_GATE: MXFP4GatedGemmExample.cases
        case PODIUM_ADD: AddExample.cases
        case PODIUM_SILU_GATE: SiLUGateExample.cases
        case PODIUM_BEGIN_STEP: BeginStepExample.cases
        case PODIUM_QUANTIZE_FP8: QuantizeFP8Example.cases
        case PODIUM_RMS_NORM_QUANTIZE_FP8: RMSNormQuantizeFP8Example.cases
        case PODIUM_GEMM_FP8: FP8GemmExample.cases
        case PODIUM_GEMM_FP8_SILU_GATE: FP8GatedGemmExample.cases
        case PODIUM_ATTENTION_JOIN: AttentionJoinExample.cases
        default: []
        }
    }
}

/// The shape of one example; makes its numbers.
protocol KernelExampleCase {
    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample
}
