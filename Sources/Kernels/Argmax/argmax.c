#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Argmax/argmax_body.h"
#include "../Lanes/each_isa.h"

static bool contains(const int32_t *list, int32_t count, int32_t value) {
  for (int32_t i = 0; i < count; i++) {
    if (list[i] == value) return true;
  }
  return false;
}

/* The rare case: the best of the row may not be chosen. */
static int32_t argmax_except(const float *x, int32_t width, const int32_t *excluded, int32_t count) {
  int32_t best = -1;
  for (int32_t i = 0; i < width; i++) {
    if (contains(excluded, count, i)) continue;
    if (best < 0 || x[i] > x[best] || (x[i] != x[i] && x[best] == x[best])) best = i;
  }
  return best < 0 ? 0 : best;
}

void podium_argmax(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t *tokens, const float *x,
                   const int32_t *live, int32_t max_rows, int32_t width, const int32_t *excludes,
                   const int32_t *excluded, int32_t excluded_count) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *from = x + row * (size_t)width;
    ISA_CALL(argmax_row, tokens + row, from, width);
    if (excluded_count > 0 && excludes[row] && contains(excluded, excluded_count, tokens[row])) {
      tokens[row] = argmax_except(from, width, excluded, excluded_count);
    }
  }
}

mlp_grid podium_grid_argmax(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 1024 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
