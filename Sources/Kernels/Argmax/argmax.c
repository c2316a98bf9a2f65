#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Argmax/argmax_body.h"
#include "../Lanes/each_isa.h"

void podium_argmax(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t *tokens, const float *x,
                   const int32_t *live, int32_t max_rows, int32_t width) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    ISA_CALL(argmax_row, tokens + row, x + row * (size_t)width, width);
  }
}

mlp_grid podium_grid_argmax(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 1024 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
