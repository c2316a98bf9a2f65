/* The form of podium_rms_norm for a GPU: one block of 512 threads for a row. */
#ifndef PODIUM_INVERSE_ROOT_H
#include "inverse_root.h"
#endif

using namespace podium;

PODIUM_KERNEL(512)
rms_norm(int32_t dtype, float *out, const float *x, const void *weight, const int32_t *rows, const int32_t *live,
         int32_t max_rows, int32_t width, float epsilon) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  const float *from = x + (rows ? (uint64_t)rows[row] : (uint64_t)row) * (uint64_t)width;
  float *to = out + (uint64_t)row * (uint64_t)width;
  bool whole = width % 4 == 0 && aligned16(x) && aligned16(out);
  float scale = inverse_root(from, width, whole, epsilon);
  for (int32_t start = 4 * thread_index(); start < width; start += 4 * NORM_THREADS) {
    float values[4];
    four(from, start, width, whole, values);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      if (start + i < width) values[i] = values[i] * scale * element(dtype, weight, (uint64_t)(start + i));
    }
    if (whole) {
      store16(to + start, values);
    } else {
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        if (start + i < width) to[start + i] = values[i];
      }
    }
  }
}
