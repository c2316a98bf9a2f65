#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Elementwise/elementwise_body.h"
#include "../Lanes/each_isa.h"

void podium_add(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const float *x,
                const int32_t *live, int32_t max_rows, int32_t width) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    size_t start = (size_t)row * (size_t)width;
    ISA_CALL(add_row, y + start, x + start, (size_t)width);
  }
}

void podium_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h, const float *gate,
                      const float *up, const int32_t *live, int32_t max_rows, int32_t width) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    size_t start = (size_t)row * (size_t)width;
    ISA_CALL(silu_gate_row, h + start, gate + start, up + start, (size_t)width);
  }
}

mlp_grid podium_grid_elementwise(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 256 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
