#include "podium_kernels.h"

#include "../Gemm/gemm_sizes.h"
#include "../Lanes/live.h"
#include "attention_parts.h"
#include "attention_sizes.h"
#include "cache_tile.h"

#define ISA_BODY "../Attention/attention_body.h"
#include "../Lanes/each_isa.h"

/* Rows of one block.  Rows of one sequence share the reads of K and V within a block, but the rows of a decode batch
 * share nothing, and a grid of fewer blocks than cores leaves cores idle: so a block takes only as many rows as leave
 * enough blocks. */
static int32_t rows_of_block(int32_t max_rows, int32_t kv_heads) {
  int64_t rows = (int64_t)max_rows * kv_heads / ATTENTION_BLOCKS;
  return rows < 1 ? 1 : rows > ATTENTION_ROWS ? ATTENTION_ROWS : (int32_t)rows;
}

void podium_paged_attention(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype,
                            float *out, const float *q, int32_t q_stride, const void *k_pages, const void *v_pages,
                            float k_scale, float v_scale, const int32_t *page_table, const int32_t *slots,
                            const int32_t *positions, const int32_t *live, int32_t max_rows, int32_t heads,
                            int32_t kv_heads, int32_t head_dim, int32_t page_size, int32_t max_pages, float scale,
                            float *workspace) {
  (void)grid, (void)workspace;
  int32_t rows = podium_live(live, max_rows), block_rows = rows_of_block(max_rows, kv_heads);
  uint64_t blocks = (uint64_t)podium_ceiling(rows, block_rows) * (uint64_t)kv_heads;
  if (last_block > blocks) last_block = blocks;
  /* The scales of the codes: of the keys in the factor of a score, of the values in the finished result. */
  float score_scale = kv_dtype == PODIUM_F8E4M3 ? scale * k_scale : scale;
  float value_scale = kv_dtype == PODIUM_F8E4M3 ? v_scale : 1;
  kv_cache cache = {.page_size = (size_t)page_size, .width = (size_t)head_dim, .dtype = kv_dtype,
                    .size = podium_weight_size(kv_dtype)};
  size_t head_size = cache.page_size * cache.width * cache.size;
  cache.page_stride = head_size * (size_t)kv_heads;
  for (uint64_t block = first_block; block < last_block; block++) {
    int32_t kv_head = (int32_t)(block % (uint64_t)kv_heads);
    int32_t first = (int32_t)(block / (uint64_t)kv_heads) * block_rows;
    int32_t last = rows - first < block_rows ? rows : first + block_rows;
    cache.k = (const char *)k_pages + (size_t)kv_head * head_size;
    cache.v = (const char *)v_pages + (size_t)kv_head * head_size;
    ISA_CALL(attention_rows, cache, out, q, q_stride ? (size_t)q_stride : (size_t)heads * cache.width, page_table, slots,
             positions, first, last, kv_head, heads, kv_heads, max_pages, score_scale, value_scale);
  }
}

/* Positions that the page table has room for. */
static int32_t context_of(int32_t page_size, int32_t max_pages) {
  int64_t context = (int64_t)page_size * max_pages;
  return context > INT32_MAX ? INT32_MAX : (int32_t)context;
}

static bool is_split(podium_backend backend, int32_t max_rows, int32_t kv_heads, int32_t context) {
  return backend != PODIUM_BACKEND_CPU && attention_is_split(max_rows, kv_heads, context);
}

mlp_grid podium_grid_paged_attention(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                     int32_t page_size, int32_t max_pages) {
  if (backend != PODIUM_BACKEND_CPU) {
    int32_t context = context_of(page_size, max_pages);
    uint32_t row_blocks = podium_ceiling(max_rows, attention_block_rows(max_rows, heads, kv_heads));
    uint32_t parts = is_split(backend, max_rows, kv_heads, context) ? (uint32_t)attention_parts(context) : 1;
    return (mlp_grid){.blocks = {(uint32_t)kv_heads, row_blocks, parts}, .threads = {256, 1, 1}};
  }
  uint32_t row_blocks = podium_ceiling(max_rows, rows_of_block(max_rows, kv_heads));
  return (mlp_grid){.blocks = {(uint32_t)kv_heads, row_blocks, 1}, .threads = {1, 1, 1}};
}

size_t podium_attention_workspace_size(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                       int32_t head_dim, int32_t page_size, int32_t max_pages) {
  int32_t context = context_of(page_size, max_pages);
  /* The most rows of a launch that is split. */
  int32_t most = (ATTENTION_FULL - 1) / kv_heads, rows = max_rows < most ? max_rows : most;
  if (rows < 1 || !is_split(backend, rows, kv_heads, context)) return 0;
  return (size_t)rows * (size_t)attention_parts(context) * (size_t)heads * ((size_t)head_dim + 2) * sizeof(float);
}

mlp_grid podium_grid_attention_join(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                    int32_t head_dim, int32_t page_size, int32_t max_pages) {
  if (!is_split(backend, max_rows, kv_heads, context_of(page_size, max_pages))) {
    return (mlp_grid){.blocks = {0, 0, 0}, .threads = {1, 1, 1}};
  }
  uint32_t blocks = (uint32_t)(((uint64_t)heads * (uint64_t)head_dim + 255) / 256);
  return (mlp_grid){.blocks = {blocks, (uint32_t)max_rows, 1}, .threads = {256, 1, 1}};
}
