import CPluginAPI
import Kernels

/// The arguments of a launch, one to a word, and the call of the twin that they belong to.
struct LaunchArguments: @unchecked Sendable {
    let words: UnsafePointer<UInt64>

    func raw(_ index: Int) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(words[index])) }
    func floats(_ index: Int) -> UnsafeMutablePointer<Float>? { raw(index)?.assumingMemoryBound(to: Float.self) }
    func ints(_ index: Int) -> UnsafeMutablePointer<Int32>? { raw(index)?.assumingMemoryBound(to: Int32.self) }
    func codes(_ index: Int) -> UnsafeMutablePointer<Int8>? { raw(index)?.assumingMemoryBound(to: Int8.self) }
    func bytes(_ index: Int) -> UnsafeMutablePointer<UInt8>? { raw(index)?.assumingMemoryBound(to: UInt8.self) }
    func int(_ index: Int) -> Int32 { Int32(truncatingIfNeeded: words[index]) }
    func float(_ index: Int) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: words[index])) }

    func run(_ kernel: podium_kernel, _ grid: mlp_grid, _ first: UInt64, _ last: UInt64) {
        var grid = grid
        switch kernel {
        case PODIUM_EMBEDDING:
            podium_embedding(&grid, first, last, int(0), floats(1), raw(2), ints(3), ints(4), int(5), int(6), int(7))
        case PODIUM_RMS_NORM:
            podium_rms_norm(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                raw(3),
                ints(4),
                ints(5),
                int(6),
                int(7),
                float(8)
            )
        case PODIUM_GEMM:
            podium_gemm(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                raw(3),
                floats(4),
                raw(5),
                int(6),
                ints(7),
                int(8),
                int(9),
                int(10),
                int(11)
            )
        case PODIUM_GEMM_SILU_GATE:
            podium_gemm_silu_gate(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                raw(3),
                raw(4),
                floats(5),
                floats(6),
                ints(7),
                int(8),
                int(9),
                int(10)
            )
        case PODIUM_ROPE_TABLES:
            podium_rope_tables(
                &grid,
                first,
                last,
                floats(0),
                floats(1),
                ints(2),
                floats(3),
                ints(4),
                int(5),
                int(6),
                float(7)
            )
        case PODIUM_ROPE_APPEND:
            podium_rope_append(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                floats(3),
                int(4),
                floats(5),
                floats(6),
                ints(7),
                ints(8),
                ints(9),
                raw(10),
                raw(11),
                float(12),
                float(13),
                ints(14),
                int(15),
                int(16),
                int(17),
                int(18),
                int(19),
                int(20)
            )
        case PODIUM_PAGED_ATTENTION:
            podium_paged_attention(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                int(3),
                raw(4),
                raw(5),
                float(6),
                float(7),
                ints(8),
                ints(9),
                ints(10),
                ints(11),
                int(12),
                int(13),
                int(14),
                int(15),
                int(16),
                int(17),
                float(18),
                nil
            )
        case PODIUM_ARGMAX:
            podium_argmax(
                &grid,
                first,
                last,
                ints(0),
                floats(1),
                ints(2),
                int(3),
                int(4),
                ints(5),
                ints(6),
                int(7)
            )
        case PODIUM_BEGIN_STEP:
            podium_begin_step(&grid, first, last, ints(0), ints(1), ints(2), int(3), ints(4), ints(5), ints(6), int(7))
        case PODIUM_ROUND_TO_FP8:
            podium_round_to_fp8(&grid, first, last, floats(0), floats(1), float(2), ints(3), int(4), int(5))
        case PODIUM_QUANTIZE_ROWS:
            podium_quantize_rows(
                &grid,
                first,
                last,
                int(0),
                codes(1),
                floats(2),
                ints(3),
                floats(4),
                ints(5),
                int(6),
                int(7)
            )
        case PODIUM_RMS_NORM_QUANTIZE:
            podium_rms_norm_quantize(
                &grid,
                first,
                last,
                int(0),
                int(1),
                codes(2),
                floats(3),
                ints(4),
                floats(5),
                raw(6),
                ints(7),
                ints(8),
                int(9),
                int(10),
                float(11)
            )
        case PODIUM_GEMM_MXFP4:
            podium_gemm_mxfp4(
                &grid,
                first,
                last,
                floats(0),
                codes(1),
                floats(2),
                ints(3),
                raw(4),
                floats(5),
                ints(6),
                int(7),
                int(8),
                int(9),
                int(10)
            )
        case PODIUM_GEMM_MXFP4_SILU_GATE:
            podium_gemm_mxfp4_silu_gate(
                &grid,
                first,
                last,
                floats(0),
                codes(1),
                floats(2),
                ints(3),
                raw(4),
                ints(5),
                int(6),
                int(7),
                int(8)
            )
        case PODIUM_ADD: podium_add(&grid, first, last, floats(0), floats(1), ints(2), int(3), int(4))
        case PODIUM_SILU_GATE:
            podium_silu_gate(&grid, first, last, floats(0), floats(1), floats(2), ints(3), int(4), int(5))
        case PODIUM_QUANTIZE_FP8:
            podium_quantize_fp8(&grid, first, last, bytes(0), floats(1), float(2), ints(3), int(4), int(5))
        case PODIUM_RMS_NORM_QUANTIZE_FP8:
            podium_rms_norm_quantize_fp8(
                &grid,
                first,
                last,
                int(0),
                bytes(1),
                floats(2),
                raw(3),
                float(4),
                ints(5),
                ints(6),
                int(7),
                int(8),
                float(9)
            )
        case PODIUM_GEMM_FP8:
            podium_gemm_fp8(
                &grid,
                first,
                last,
                floats(0),
                bytes(1),
                float(2),
                raw(3),
                floats(4),
                raw(5),
                int(6),
                ints(7),
                int(8),
                int(9),
                int(10),
                int(11)
            )
        case PODIUM_GEMM_FP8_SILU_GATE:
            podium_gemm_fp8_silu_gate(
                &grid,
                first,
                last,
                floats(0),
                bytes(1),
                float(2),
                raw(3),
                raw(4),
                floats(5),
                floats(6),
                ints(7),
                int(8),
                int(9),
                int(10)
            )
        case PODIUM_ATTENTION_JOIN:
            podium_attention_join(
                &grid,
                first,
                last,
                int(0),
                floats(1),
                floats(2),
                float(3),
                ints(4),
                ints(5),
                int(6),
                int(7),
                int(8),
                int(9)
            )
        default:
            preconditionFailure("the test host does not know kernel \(kernel.rawValue)")
        }
    }
}
