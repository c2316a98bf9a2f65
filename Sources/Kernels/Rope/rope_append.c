#include "podium_kernels.h"

#include "../Lanes/live.h"

#define ISA_BODY "../Rope/rope_append_body.h"
#include "../Lanes/each_isa.h"

void podium_rope_append(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype, float *q,
                        const float *k, const float *v, int32_t stride, const float *cosines, const float *sines,
                        const int32_t *slots, const int32_t *positions, const int32_t *page_table, void *k_pages,
                        void *v_pages, float k_scale, float v_scale, const int32_t *live, int32_t max_rows,
                        int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t page_size, int32_t max_pages) {
  (void)grid;
  size_t width = (size_t)head_dim, pairs = width / 2, size = podium_weight_size(kv_dtype);
  size_t q_stride = stride ? (size_t)stride : (size_t)heads * width;
  size_t kv_stride = stride ? (size_t)stride : (size_t)kv_heads * width;
  size_t head_size = (size_t)page_size * width * size;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    const float *c = cosines + row * pairs, *s = sines + row * pairs;
    ISA_CALL(rotate_queries, q + row * q_stride, (size_t)heads, c, s, pairs);
    int32_t position = positions[row];
    if (position < 0) continue;
    size_t page = (size_t)page_table[(int64_t)slots[row] * max_pages + position / page_size];
    size_t offset = (size_t)(position % page_size), at = page * (size_t)kv_heads * head_size;
    /* A page has the keys of a head as [head_dim, page_size], the values as [page_size, head_dim]. */
    ISA_CALL(append, kv_dtype, (char *)k_pages + at + offset * size, (char *)v_pages + at + offset * width * size,
             head_size, (size_t)page_size, (size_t)kv_heads, k + row * kv_stride, v + row * kv_stride, c, s, pairs,
             k_scale, v_scale);
  }
}

mlp_grid podium_grid_rope_append(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 256 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
