#include "podium_kernels.h"

#include "../Lanes/live.h"

/* Rows and changes that one block takes; the form for a GPU has a thread for each. */
enum { BLOCK = 256 };

void podium_begin_step(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t *tokens,
                       const int32_t *chosen, const int32_t *live, int32_t max_rows, int32_t *page_table,
                       const int32_t *changes, const int32_t *live_changes, int32_t max_changes) {
  /* One block on a CPU, which takes all. */
  uint64_t end = last_block < grid->blocks[0] ? last_block * BLOCK : UINT64_MAX;
  uint64_t rows = (uint64_t)podium_live(live, max_rows);
  for (uint64_t row = first_block * BLOCK; row < rows && row < end; row++) {
    if (tokens[row] < 0) tokens[row] = chosen[-1 - (int64_t)tokens[row]];
  }
  uint64_t count = (uint64_t)podium_live(live_changes, max_changes);
  for (uint64_t i = first_block * BLOCK; i < count && i < end; i++) page_table[changes[2 * i]] = changes[2 * i + 1];
}

mlp_grid podium_grid_begin_step(podium_backend backend, int32_t max_rows, int32_t max_changes) {
  int32_t most = max_rows > max_changes ? max_rows : max_changes;
  if (backend == PODIUM_BACKEND_CPU) return (mlp_grid){.blocks = {most > 0, 1, 1}, .threads = {1, 1, 1}};
  return (mlp_grid){.blocks = {podium_ceiling(most, BLOCK), 1, 1}, .threads = {BLOCK, 1, 1}};
}
