#include "podium_kernels.h"

#include "families.h"

#include <string.h>

#define KERNEL(twin_, name_, signature_, family_) \
  {.name = name_, .signature = signature_, .twin = (void (*)(void))twin_, .family = family_}

static const mlp_kernel kernels[PODIUM_KERNEL_COUNT] = {
    [PODIUM_EMBEDDING] = KERNEL(podium_embedding, "embedding", PODIUM_EMBEDDING_SIGNATURE, EMBEDDING),
    [PODIUM_RMS_NORM] = KERNEL(podium_rms_norm, "rms_norm", PODIUM_RMS_NORM_SIGNATURE, NORM),
    [PODIUM_GEMM] = KERNEL(podium_gemm, "gemm", PODIUM_GEMM_SIGNATURE, GEMM),
    [PODIUM_GEMM_SILU_GATE] = KERNEL(podium_gemm_silu_gate, "gemm_silu_gate", PODIUM_GEMM_SILU_GATE_SIGNATURE, GEMM),
    [PODIUM_ROPE_TABLES] = KERNEL(podium_rope_tables, "rope_tables", PODIUM_ROPE_TABLES_SIGNATURE, ROPE),
    [PODIUM_ROPE_APPEND] = KERNEL(podium_rope_append, "rope_append", PODIUM_ROPE_APPEND_SIGNATURE, ROPE),
    [PODIUM_PAGED_ATTENTION] =
        KERNEL(podium_paged_attention, "paged_attention", PODIUM_PAGED_ATTENTION_SIGNATURE, ATTENTION),
    [PODIUM_ARGMAX] = KERNEL(podium_argmax, "argmax", PODIUM_ARGMAX_SIGNATURE, ARGMAX),
    [PODIUM_ROUND_TO_FP8] = KERNEL(podium_round_to_fp8, "round_to_fp8", PODIUM_ROUND_TO_FP8_SIGNATURE, ROUND),
    [PODIUM_QUANTIZE_ROWS] = KERNEL(podium_quantize_rows, "quantize_rows", PODIUM_QUANTIZE_ROWS_SIGNATURE, MXFP4),
    [PODIUM_RMS_NORM_QUANTIZE] =
        KERNEL(podium_rms_norm_quantize, "rms_norm_quantize", PODIUM_RMS_NORM_QUANTIZE_SIGNATURE, MXFP4),
    [PODIUM_GEMM_MXFP4] = KERNEL(podium_gemm_mxfp4, "gemm_mxfp4", PODIUM_GEMM_MXFP4_SIGNATURE, MXFP4),
    [PODIUM_GEMM_MXFP4_SILU_GATE] =
        KERNEL(podium_gemm_mxfp4_silu_gate, "gemm_mxfp4_silu_gate", PODIUM_GEMM_MXFP4_SILU_GATE_SIGNATURE, MXFP4),
    [PODIUM_ADD] = KERNEL(podium_add, "add", PODIUM_ADD_SIGNATURE, ELEMENTWISE),
    [PODIUM_BEGIN_STEP] = KERNEL(podium_begin_step, "begin_step", PODIUM_BEGIN_STEP_SIGNATURE, EMBEDDING),
    [PODIUM_SILU_GATE] = KERNEL(podium_silu_gate, "silu_gate", PODIUM_SILU_GATE_SIGNATURE, ELEMENTWISE),
    [PODIUM_QUANTIZE_FP8] = KERNEL(podium_quantize_fp8, "quantize_fp8", PODIUM_QUANTIZE_FP8_SIGNATURE, FP8),
    [PODIUM_RMS_NORM_QUANTIZE_FP8] =
        KERNEL(podium_rms_norm_quantize_fp8, "rms_norm_quantize_fp8", PODIUM_RMS_NORM_QUANTIZE_FP8_SIGNATURE, FP8),
    [PODIUM_GEMM_FP8] = KERNEL(podium_gemm_fp8, "gemm_fp8", PODIUM_GEMM_FP8_SIGNATURE, FP8),
    [PODIUM_GEMM_FP8_SILU_GATE] =
        KERNEL(podium_gemm_fp8_silu_gate, "gemm_fp8_silu_gate", PODIUM_GEMM_FP8_SILU_GATE_SIGNATURE, FP8),
    [PODIUM_ATTENTION_JOIN] =
        KERNEL(podium_attention_join, "attention_join", PODIUM_ATTENTION_JOIN_SIGNATURE, ATTENTION),
};

const mlp_kernel *podium_kernels(uint32_t *count) {
  *count = PODIUM_KERNEL_COUNT;
  return kernels;
}

podium_backend podium_backend_of(int32_t device_kind, const char *architecture) {
  if (device_kind == MLP_DEVICE_CPU) return PODIUM_BACKEND_CPU;
  return strcmp(architecture, "gfx950") == 0 ? PODIUM_BACKEND_GFX950 : PODIUM_BACKEND_GPU;
}
