#include "podium_kernels.h"

#include "../Lanes/live.h"
#include "packed_gfx950.h"
#include "quantized.h"

static inline float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/* Where a row's blocks go, `stride` apart. */
typedef struct {
  int8_t *codes;
  float *scales;
  int32_t *offsets;
  size_t stride;
} mx_target;

static inline mx_target mx_target_of(uint64_t row, int8_t *codes, float *scales, int32_t *offsets, int32_t max_rows,
                                     int32_t k) {
  size_t at = mx_first_block((int32_t)row, (size_t)k / MX_BLOCK);
  return (mx_target){codes + at * MX_BLOCK, scales + at, offsets + at, mx_group_rows(max_rows, (int32_t)row)};
}

size_t podium_quantized_block(int32_t max_rows, int32_t k, int32_t row, int32_t block) {
  return mx_first_block(row, (size_t)k / MX_BLOCK) + (size_t)block * mx_group_rows(max_rows, row);
}

size_t podium_quantized_scale(podium_backend backend, int32_t max_rows, int32_t k, int32_t row, int32_t block) {
  if (backend != PODIUM_BACKEND_GFX950) return podium_quantized_block(max_rows, k, row, block);
  size_t group = (size_t)block / (4 * MX950_STEPS), quarter = (size_t)block % 4, step = (size_t)block / 4 % MX950_STEPS;
  size_t first = mx_first_block(row, mx950_words((size_t)k / MX_BLOCK));
  size_t word = first + (4 * group + quarter) * mx_group_rows(max_rows, row);
  return 4 * word + step;
}

#define ISA_BODY "../MXFP4/quantize_body.h"
#include "../Lanes/each_isa.h"

void podium_quantize_rows(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t format,
                          int8_t *codes, float *scales, int32_t *offsets, const float *x, const int32_t *live,
                          int32_t max_rows, int32_t k) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    ISA_CALL(quantize_row, format, mx_target_of(row, codes, scales, offsets, max_rows, k), x + row * (size_t)k,
             (size_t)k);
  }
}

mlp_grid podium_grid_quantize_rows(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 512 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}

void podium_rms_norm_quantize(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t format,
                              int32_t dtype, int8_t *codes, float *scales, int32_t *offsets, const float *x,
                              const void *weight, const int32_t *rows, const int32_t *live, int32_t max_rows,
                              int32_t width, float epsilon) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *from = x + (rows ? (size_t)rows[row] : (size_t)row) * (size_t)width;
    ISA_CALL(norm_quantize_row, format, dtype, mx_target_of(row, codes, scales, offsets, max_rows, width), from, weight,
             (size_t)width, epsilon);
  }
}

mlp_grid podium_grid_rms_norm_quantize(podium_backend backend, int32_t max_rows) {
  return podium_grid_quantize_rows(backend, max_rows);
}
