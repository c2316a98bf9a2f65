#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Embedding/embedding_body.h"
#include "../Lanes/each_isa.h"

void podium_embedding(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *out,
                      const void *table, const int32_t *tokens, const int32_t *live, int32_t max_rows,
                      int32_t vocabulary, int32_t width) {
  (void)grid;
  size_t row_size = (size_t)width * podium_weight_size(dtype);
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    float *to = out + row * (size_t)width;
    int32_t token = tokens[row];
    if (token < 0 || token >= vocabulary) {
      for (int32_t i = 0; i < width; i++) to[i] = __builtin_nanf("");
    } else {
      ISA_CALL(embedding_row, dtype, to, (const char *)table + (size_t)token * row_size, (size_t)width);
    }
  }
}

mlp_grid podium_grid_embedding(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 256 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
