#include "families.h"

#include "podium_kernels.h"

/* The HIP source of each family as one text, for a compiler at run time: the headers of the device come first and
 * define their guards, so that the source does not look for them.  Scripts/kernels.sh compiles the same files, with
 * their headers included. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char embedding[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Embedding/embedding.hip"
};

static const char norm[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Norm/inverse_root.h"
    ,
#embed "Norm/norm.hip"
};

static const char gemm[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Device/podium_matrix.h"
    ,
#embed "Gemm/product.h"
    ,
#embed "Gemm/gemm.hip"
};

static const char fp8[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Device/podium_matrix.h"
    ,
#embed "Gemm/product.h"
    ,
#embed "Norm/inverse_root.h"
    ,
#embed "FP8/fp8.hip"
};

static const char rope[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Rope/rope.hip"
};

static const char attention[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Device/podium_matrix.h"
    ,
#embed "Attention/attention_parts.h"
    ,
#embed "Attention/attention_rows.h"
    ,
#embed "Attention/attention_plain.h"
    ,
#embed "Attention/attention_matrix.h"
    ,
#embed "Attention/attention.hip"
};

static const char argmax[] = {
#embed "Device/podium_device.h"
    ,
#embed "Argmax/argmax.hip"
};

static const char rounding[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Round/round.hip"
};

static const char elementwise[] = {
#embed "Device/podium_device.h"
    ,
#embed "Elementwise/elementwise.hip"
};

static const char mxfp4[] = {
#embed "Device/podium_device.h"
    ,
#embed "Device/podium_formats.h"
    ,
#embed "Device/podium_matrix.h"
    ,
#embed "Norm/inverse_root.h"
    ,
#embed "MXFP4/mxfp4_gfx950.h"
    ,
#embed "MXFP4/mxfp4.hip"
};

static const mlp_kernel_family families[FAMILY_COUNT] = {
    [EMBEDDING] = {.name = "embedding", .source = {embedding, sizeof embedding}},
    [NORM] = {.name = "norm", .source = {norm, sizeof norm}},
    [GEMM] = {.name = "gemm", .source = {gemm, sizeof gemm}},
    [ROPE] = {.name = "rope", .source = {rope, sizeof rope}},
    [ATTENTION] = {.name = "attention", .source = {attention, sizeof attention}},
    [ARGMAX] = {.name = "argmax", .source = {argmax, sizeof argmax}},
    [ROUND] = {.name = "round", .source = {rounding, sizeof rounding}},
    [MXFP4] = {.name = "mxfp4", .source = {mxfp4, sizeof mxfp4}},
    [ELEMENTWISE] = {.name = "elementwise", .source = {elementwise, sizeof elementwise}},
    [FP8] = {.name = "fp8", .source = {fp8, sizeof fp8}},
};

const mlp_kernel_family *podium_families(uint32_t *count) {
  *count = FAMILY_COUNT;
  return families;
}
