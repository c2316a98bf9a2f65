/* The forms of podium_paged_attention and podium_attention_join for a GPU.  attention_rows.h has the order of a sum.
 *
 * A block takes one kv head and one row, or several when there are many, of which neighbours of one sequence share the
 * reads.  With few rows each part of a row is a block of its own, and podium_attention_join adds up the parts; with
 * many a block takes the parts in turn. */
#ifndef PODIUM_ATTENTION_PLAIN_H
#include "attention_plain.h"
#endif
#ifndef PODIUM_ATTENTION_MATRIX_H
#include "attention_matrix.h"
#endif

using namespace podium;

/* What the loop over the rows of a block needs; in shared memory like the rest. */
struct block_turns {
  const int32_t *slots, *page_table;
  int32_t max_pages, group, last, from, to;
};

template <int dtype>
PODIUM_DEVICE void narrow_run(const queries &run, const shared_area &area, int32_t from, int32_t to) {
#if PODIUM_MATRIX
  int32_t head_dim = uniform(area.launch->head_dim);
  bool is_aligned = aligned16(area.launch->q) && area.launch->q_stride % 4 == 0 && aligned16(area.destination->out);
  if (uniform(is_aligned)) {
    if (head_dim == 128) return matrix_run<dtype, 128>(run, area, from, to);
    if (head_dim == 64) return matrix_run<dtype, 64>(run, area, from, to);
  }
#endif
  plain_run<dtype, WIDE<dtype>>(run, area, from, to);
}

PODIUM_DEVICE void attend_run(const queries &run, const shared_area &area, int32_t from, int32_t to) {
  int32_t dtype = uniform(area.launch->kv_dtype), elements = 16 / element_size(dtype);
  bool is_aligned = aligned16(area.launch->k_pages) && aligned16(area.launch->v_pages);
  if (uniform(area.launch->head_dim) % elements != 0 || !uniform(is_aligned)) {
    plain_run<F32, 1>(run, area, from, to);
  } else if (dtype == F32) {
    plain_run<F32, WIDE<F32>>(run, area, from, to);
  } else if (dtype == BF16) {
    narrow_run<BF16>(run, area, from, to);
  } else {
    narrow_run<F8E4M3>(run, area, from, to);
  }
}

PODIUM_KERNEL_OF_WAVES(256, 2)
paged_attention(int32_t kv_dtype, float *out, const float *q, int32_t q_stride, const void *k_pages,
                const void *v_pages, float k_scale, float v_scale, const int32_t *page_table, const int32_t *slots,
                const int32_t *positions, const int32_t *live, int32_t max_rows, int32_t heads, int32_t kv_heads,
                int32_t head_dim, int32_t page_size, int32_t max_pages, float scale, float *workspace) {
  PODIUM_SHARED(float, floats, AREA);
  PODIUM_SHARED(standing, shares, SHARES * QUERIES);
  PODIUM_SHARED(standing, so_far, 2 * QUERIES);
  PODIUM_SHARED(block_turns, turns, 1);
  PODIUM_SHARED(attention, launch, 1);
  PODIUM_SHARED(destination, to_where, 1);
  int32_t rows = live_rows(live, max_rows), group = heads / kv_heads, context = max_pages * page_size;
  int32_t block_rows = attention_block_rows(max_rows, heads, kv_heads), parts = attention_parts(context);
  int32_t first = (int32_t)block_index_y() * block_rows, last = smaller(first + block_rows, rows);
  if (first >= rows) return;
  bool is_split = attention_is_split(max_rows, kv_heads, context);
  int32_t from = is_split ? (int32_t)block_index_z() : 0, to = is_split ? from + 1 : parts;
  if (is_split && from > part_of(positions[first])) return;
  shared_area area = {floats, shares, so_far, launch, to_where};
  if (thread_index() == 0) {
    int32_t shift = 0;
    while (1 << shift < page_size && shift < 30) shift++;
    *launch = {q, k_pages, v_pages, positions, q_stride ? q_stride : heads * head_dim, kv_heads, head_dim, page_size,
               1 << shift == page_size ? shift : -1, (int32_t)block_index(), kv_dtype,
               kv_dtype == F8E4M3 ? scale * k_scale : scale};
    *turns = {slots, page_table, max_pages, group, last, from, to};
    uint64_t results = (uint64_t)max_rows * (uint64_t)parts * (uint64_t)heads * (uint64_t)head_dim;
    *to_where = {out, is_split ? workspace : nullptr, workspace + results, heads, parts,
                 kv_dtype == F8E4M3 ? v_scale : 1.0f};
  }
  barrier();
  for (int32_t row = first; row < uniform(turns->last);) {
    const int32_t *slot = uniform_pointer(turns->slots);
    int32_t end = row + 1, end_of_block = uniform(turns->last), heads_of_row = uniform(turns->group);
    int32_t own = uniform(slot[row]);
    while (end < end_of_block && uniform(slot[end]) == own) end++;
    queries run = {uniform_pointer(turns->page_table) + (int64_t)own * uniform(turns->max_pages), row,
                   (int32_t)block_index() * heads_of_row, heads_of_row, 0, (end - row) * heads_of_row, 0, 0};
    int32_t from_part = uniform(turns->from), to_part = uniform(turns->to);
    attend_run(run, area, from_part, to_part);
    row = end;
  }
}

/* A thread for an element: the parts in their order, from the first. */
PODIUM_KERNEL(256)
attention_join(int32_t kv_dtype, float *out, const float *workspace, float v_scale, const int32_t *positions,
               const int32_t *live, int32_t max_rows, int32_t heads, int32_t head_dim, int32_t context) {
  int32_t row = (int32_t)block_index_y();
  if (row >= live_rows(live, max_rows)) return;
  int32_t last = part_of(positions[row]), parts = attention_parts(context);
  /* A row of one part is finished. */
  if (last == 0) return;
  int64_t i = (int64_t)block_index() * 256 + thread_index();
  if (i >= (int64_t)heads * head_dim) return;
  int32_t head = (int32_t)(i / head_dim), d = (int32_t)(i % head_dim);
  const float *statistics = workspace + (uint64_t)max_rows * (uint64_t)parts * (uint64_t)heads * (uint64_t)head_dim;
  standing all = nothing();
  float value = 0;
  for (int32_t part = 0; part <= last; part++) {
    uint64_t index = index_of_part(heads, parts, row, part, head);
    standing next = {statistics[2 * index], statistics[2 * index + 1]};
    float own = workspace[index * (uint64_t)head_dim + (uint64_t)d];
    if (part == 0) {
      all = next;
      value = own;
    } else {
      factors f = fold(all, next);
      value = fold(value, f, own);
    }
  }
  out[((uint64_t)row * (uint64_t)heads + (uint64_t)head) * (uint64_t)head_dim + (uint64_t)d] =
      finished(value, all.total, kv_dtype == F8E4M3 ? v_scale : 1.0f);
}
