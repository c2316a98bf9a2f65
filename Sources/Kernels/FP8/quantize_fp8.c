#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../FP8/quantize_fp8_body.h"
#include "../Lanes/each_isa.h"

void podium_quantize_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, uint8_t *codes,
                         const float *x, float scale, const int32_t *live, int32_t max_rows, int32_t width) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    size_t start = (size_t)row * (size_t)width;
    ISA_CALL(quantize_row_fp8, codes + start, x + start, scale, (size_t)width);
  }
}

mlp_grid podium_grid_quantize_fp8(podium_backend backend, int32_t max_rows) {
  return podium_grid_round_to_fp8(backend, max_rows);
}

void podium_rms_norm_quantize_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype,
                                  uint8_t *codes, const float *x, const void *weight, float scale,
                                  const int32_t *rows, const int32_t *live, int32_t max_rows, int32_t width,
                                  float epsilon) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *from = x + (rows ? (size_t)rows[row] : (size_t)row) * (size_t)width;
    ISA_CALL(rms_norm_row_fp8, dtype, codes + row * (size_t)width, from, weight, scale, (size_t)width, epsilon);
  }
}

mlp_grid podium_grid_rms_norm_quantize_fp8(podium_backend backend, int32_t max_rows) {
  return podium_grid_rms_norm(backend, max_rows);
}
