#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Norm/rms_norm_body.h"
#include "../Lanes/each_isa.h"

void podium_rms_norm(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *out,
                     const float *x, const void *weight, const int32_t *rows, const int32_t *live, int32_t max_rows,
                     int32_t width, float epsilon) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *from = x + (rows ? (size_t)rows[row] : (size_t)row) * (size_t)width;
    ISA_CALL(rms_norm_row, dtype, out + row * (size_t)width, from, weight, (size_t)width, epsilon);
  }
}

mlp_grid podium_grid_rms_norm(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 512 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
