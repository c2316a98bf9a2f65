/* The forms of podium_embedding and podium_begin_step for a GPU.  embedding: one block copies a row, sixteen bytes per
 * lane where the addresses allow.  begin_step: a thread for each row and each change of the page table. */
#ifndef PODIUM_FORMATS_H
#include "../Device/podium_formats.h"
#endif

using namespace podium;

template <int dtype>
PODIUM_DEVICE void copy_row(float *to, const void *table, uint64_t from, int32_t width, int32_t threads) {
  int32_t i = thread_index();
  if (width % 8 == 0 && aligned16(to) && aligned16(table)) {
    for (; i < width / 8; i += threads) {
      float values[8];
      elements8<dtype>(table, from + (uint64_t)i * 8, values);
      store16(to + i * 8, values);
      store16(to + i * 8 + 4, values + 4);
    }
  } else {
    for (; i < width; i += threads) to[i] = element<dtype>(table, from + (uint64_t)i);
  }
}

PODIUM_KERNEL(256)
embedding(int32_t dtype, float *out, const void *table, const int32_t *tokens, const int32_t *live, int32_t max_rows,
          int32_t vocabulary, int32_t width) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  float *to = out + (uint64_t)row * (uint64_t)width;
  int32_t token = tokens[row];
  if (token < 0 || token >= vocabulary) {
    for (int32_t i = thread_index(); i < width; i += 256) to[i] = quiet_nan();
    return;
  }
  uint64_t from = (uint64_t)token * (uint64_t)width;
  switch (dtype) {
  case F32: copy_row<F32>(to, table, from, width, 256); break;
  case BF16: copy_row<BF16>(to, table, from, width, 256); break;
  case F16: copy_row<F16>(to, table, from, width, 256); break;
  default: copy_row<F8E4M3>(to, table, from, width, 256); break;
  }
}

PODIUM_KERNEL(256)
begin_step(int32_t *tokens, const int32_t *chosen, const int32_t *live, int32_t max_rows, int32_t *page_table,
           const int32_t *changes, const int32_t *live_changes, int32_t max_changes) {
  uint32_t i = block_index() * 256 + thread_index();
  if (i < (uint32_t)live_rows(live, max_rows)) {
    int32_t token = tokens[i];
    if (token < 0) tokens[i] = chosen[-1 - token];
  }
  if (i < (uint32_t)live_rows(live_changes, max_changes)) page_table[changes[2 * i]] = changes[2 * i + 1];
}
