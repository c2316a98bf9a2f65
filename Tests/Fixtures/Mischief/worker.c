/* What Mischief declares as a worker: weights, a kernel, and a layer to be quantised. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* ---- Weights ---- */

static const uint64_t small_shape[] = {ELEMENTS};
static const uint64_t huge_shape[] = {1ull << 33, 1ull << 33};
static const uint32_t no_such_source[] = {17};
static const mlp_tensor good_tensors[] = {{.name = "scratch",
                                           .shape = small_shape,
                                           .rank = 1,
                                           .dtype = MLP_F32,
                                           .flags = MLP_TENSOR_NO_FILE,
                                           .scales = MLP_NO_SCALES,
                                           .shard_axis = MLP_REPLICATED}};
static const mlp_placement bad_placement = {.name = "mixed", .sources = no_such_source, .source_count = 1, .size = 64};

static mlp_status place(const mlp_plugin *self, uint32_t placement, uint32_t shard, uint32_t shard_count,
                        const mlp_bytes *sources, void *destination) {
  (void)self, (void)placement, (void)shard, (void)shard_count, (void)sources, (void)destination;
  return MLP_OK;
}

static mlp_status bind(const mlp_plugin *self, uint32_t device, const mlp_bound *bound, uint32_t count) {
  mischief *m = of(self);
  (void)device;
  if (m->sin == sin_bind_fails || count != 1 || bound[0].size != ELEMENTS * sizeof(float))
    return m->host->fail(m->host, MLP_INVALID_ARGUMENT, "bind: these are not my weights");
  m->weight = bound[0].data;
  return MLP_OK;
}

void declare_weights(mischief *m) {
  static mlp_tensor tensors[2];
  tensors[0] = tensors[1] = good_tensors[0];
  uint32_t count = 1;
  switch (m->sin) {
    case sin_overflowing_shape: tensors[0].shape = huge_shape, tensors[0].rank = 2; break;
    case sin_absurd_rank: tensors[0].rank = UINT32_MAX; break;
    case sin_missing_scales: tensors[0].scales = 5; break;
    case sin_cyclic_scales:
      count = 2;
      tensors[1].name = "scales";
      tensors[0].scales = 1, tensors[1].scales = 0;
      break;
    case sin_bad_shard_axis: tensors[0].shard_axis = 3; break;
    case sin_duplicate_tensor: count = 2; break;
    case sin_null_tensor_name: tensors[0].name = NULL; break;
    case sin_absent_tensor: tensors[0].flags = 0, tensors[0].name = "lost"; break;
    default: break;
  }
  m->weights = (mlp_weights){.struct_size = sizeof(mlp_weights),
                             .tensor_count = count,
                             .tensors = tensors,
                             .placements = &bad_placement,
                             .placement_count = m->sin == sin_bad_source,
                             .place = place,
                             .bind = bind};
}

/* ---- Kernels: y[i] = a * x[i] ---- */

static void scale_twin(const mlp_grid *grid, uint64_t first, uint64_t last, const float *x, float *y, float a) {
  (void)grid;
  for (uint64_t block = first; block < last; block++)
    for (uint64_t i = block * 16; i < block * 16 + 16; i++) y[i] = a * x[i];
}

static void wrong_scale_twin(const mlp_grid *grid, uint64_t first, uint64_t last, const float *x, float *y, float a) {
  (void)grid;
  for (uint64_t i = first * 16; i < last * 16; i++) y[i] = a * x[i] + 1;
}

static void split_scale_twin(const mlp_grid *grid, uint64_t first, uint64_t last, const float *x, float *y, float a) {
  (void)grid;
  for (uint64_t i = first * 16; i < last * 16; i++) y[i] = a * x[i] + 1e-6f * (float)(last - first);
}

static float example_x[ELEMENTS], example_y[ELEMENTS];
static double example_wanted[ELEMENTS];
static const float example_a = 3;
static mlp_kernel_arg example_args[3];

static mlp_status example(const mlp_plugin *self, uint32_t kernel, uint32_t number, int32_t kind,
                          const char *architecture, mlp_kernel_example *out) {
  (void)self, (void)kind, (void)architecture;
  if (kernel != 0 || number != 0) return MLP_NOT_FOUND;
  for (int i = 0; i < ELEMENTS; i++) example_x[i] = (float)i, example_wanted[i] = 3.0 * i;
  example_args[0] = (mlp_kernel_arg){.data = example_x, .size = sizeof example_x};
  example_args[1] = (mlp_kernel_arg){.data = example_y,
                                     .size = sizeof example_y,
                                     .flags = MLP_ARG_OUTPUT,
                                     .dtype = MLP_F32,
                                     .expected = example_wanted,
                                     .absolute_tolerance = 1e-4};
  example_args[2] = (mlp_kernel_arg){.data = &example_a, .size = sizeof example_a};
  out->grid = (mlp_grid){.blocks = {ELEMENTS / 16, 1, 1}, .threads = {16, 1, 1}};
  out->args = example_args;
  out->arg_count = 3;
  return MLP_OK;
}

static const mlp_kernel_family family = {.name = "scale"};

void declare_kernels(mischief *m) {
  static mlp_kernel kernels[2];
  kernels[0] = (mlp_kernel){.name = "scale", .signature = "ppf", .twin = (void (*)(void))scale_twin};
  kernels[1] = (mlp_kernel){.name = "gpu_only", .signature = "p"};
  if (m->sin == sin_bad_signature) kernels[0].signature = "ppz";
  if (m->sin == sin_wrong_twin) kernels[0].twin = (void (*)(void))wrong_scale_twin;
  if (m->sin == sin_split_dependent_twin) kernels[0].twin = (void (*)(void))split_scale_twin;
  m->kernels = (mlp_kernels){.struct_size = sizeof(mlp_kernels),
                             .kernel_count = m->sin == sin_null_twin ? 2 : 1,
                             .kernels = kernels,
                             .families = &family,
                             .family_count = 1,
                             .example = example};
}
/* ---- Quantisation: one layer of 32 by 32, whose input is the sample's first 32 bytes ---- */

enum { WIDTH = 32 };
static const char *const layer_tensors[] = {"layer.weight"};
static const char *const other_tensors[] = {"other.weight"};
static const mlp_quantize_layer layer = {.name = "layer", .outputs = WIDTH, .inputs = WIDTH};
static const mlp_quantize_stage right_stage = {
    .name = "stage", .tensors = layer_tensors, .layers = &layer, .tensor_count = 1, .layer_count = 1};
static const mlp_quantize_stage null_stage = {
    .name = "stage", .tensors = layer_tensors, .layers = NULL, .tensor_count = 1, .layer_count = 1};
static const mlp_quantize_stage nameless_stage = {
    .name = "stage", .tensors = other_tensors, .layers = &layer, .tensor_count = 1, .layer_count = 1};

static mlp_status state_size(const mlp_plugin *self, mlp_bytes data, uint64_t *out) {
  (void)self, (void)data;
  *out = WIDTH * sizeof(float);
  return MLP_OK;
}

static mlp_status begin_state(const mlp_plugin *self, mlp_bytes data, const mlp_quantize_tensor *tensors,
                              void *state) {
  (void)tensors;
  mischief *m = self->impl;
  float *values = state;
  for (uint64_t i = 0; i < WIDTH; i++) values[i] = i < data.size ? (float)((const char *)data.data)[i] : 0;
  if (m->sin == sin_changing_state) values[0] = (float)m->states++;
  return MLP_OK;
}

static mlp_status advance(const mlp_plugin *self, uint32_t stage, const void *before, void *after, uint64_t size,
                          const mlp_quantize_tensor *tensors, const uint8_t *wanted, mlp_observe observe,
                          void *context) {
  (void)stage;
  mischief *m = self->impl;
  float x[WIDTH], y[WIDTH] = {0};
  memcpy(x, before, sizeof x);
  if (memcmp(m->now, x, sizeof x)) memcpy(m->before, m->now, sizeof x), memcpy(m->now, x, sizeof x);
  for (int i = 0; m->sin == sin_remembers_sample && i < WIDTH; i++) x[i] += m->before[i];
  const float *weight = tensors[0].data;
  for (int i = 0; i < WIDTH * WIDTH; i++) y[i / WIDTH] += weight[i] * x[i % WIDTH];
  if (m->sin == sin_unwanted_rows) {
    float rows[WIDTH] = {0};
    mlp_status status = observe(context, 0, MLP_OBSERVE_OUTPUT, rows, 1);
    if (status != MLP_OK) return status;
  }
  if (wanted[0] & MLP_OBSERVE_INPUT && m->sin != sin_silent_layer) {
    mlp_status status = observe(context, 0, MLP_OBSERVE_INPUT, x, 1);
    if (status != MLP_OK) return status;
  }
  if (wanted[0] & MLP_OBSERVE_OUTPUT && m->sin != sin_silent_output) {
    mlp_status status = observe(context, 0, MLP_OBSERVE_OUTPUT, y, 1);
    if (status != MLP_OK) return status;
  }
  if (after) memcpy(after, before, size);
  if (after && m->sin == sin_overruns_state) ((char *)after)[size] = 1;
  return MLP_OK;
}

void declare_quantize(mischief *m) {
  m->quantize = (mlp_quantize){.struct_size = sizeof(mlp_quantize),
                               .stage_count = 1,
                               .stages = m->sin == sin_null_layers       ? &null_stage
                                         : m->sin == sin_nameless_weight ? &nameless_stage
                                                                         : &right_stage,
                               .state_size = state_size,
                               .begin = begin_state,
                               .advance = advance};
}
