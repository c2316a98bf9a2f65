#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Rope/rope_append_body.h"
#include "../Lanes/each_isa.h"

void podium_rope_append(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *q, const float *k,
                        const float *v, const float *cosines, const float *sines, const int32_t *slots,
                        const int32_t *positions, const int32_t *page_table, float *k_pages, float *v_pages,
                        const int32_t *live, int32_t max_rows, int32_t heads, int32_t kv_heads, int32_t head_dim,
                        int32_t page_size, int32_t max_pages) {
  (void)grid;
  size_t width = (size_t)head_dim, pairs = width / 2;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *c = cosines + row * pairs, *s = sines + row * pairs;
    for (int32_t head = 0; head < heads; head++) {
      float *from = q + (row * (size_t)heads + (size_t)head) * width;
      ISA_CALL(rope_rotate, from, from, c, s, pairs);
    }
    int32_t position = positions[row];
    if (position < 0) continue;
    int64_t page = page_table[(int64_t)slots[row] * max_pages + position / page_size];
    for (int32_t head = 0; head < kv_heads; head++) {
      size_t from = (row * (size_t)kv_heads + (size_t)head) * width;
      int64_t to = ((page * kv_heads + head) * page_size + position % page_size) * head_dim;
      ISA_CALL(rope_rotate, k_pages + to, k + from, c, s, pairs);
      __builtin_memcpy(v_pages + to, v + from, width * sizeof(float));
    }
  }
}

mlp_grid podium_grid_rope_append(podium_backend backend, int32_t max_rows) {
  (void)backend;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {1, 1, 1}};
}
