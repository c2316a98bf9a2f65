/* The form of podium_round_to_fp8 for a GPU: one block for a row. */
#ifndef PODIUM_FORMATS_H
#include "../Device/podium_formats.h"
#endif

using namespace podium;

PODIUM_KERNEL(256)
round_to_fp8(float *out, const float *x, float scale, const int32_t *live, int32_t max_rows, int32_t width) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  uint64_t start = (uint64_t)row * (uint64_t)width;
  const float *from = x + start;
  float *to = out + start;
  if (width % 4 == 0 && aligned16(x) && aligned16(out)) {
    for (int32_t i = 4 * thread_index(); i < width; i += 4 * 256) {
      words4 bits = load16(from + i);
      float values[4];
      PODIUM_UNROLL
      for (int j = 0; j < 4; j++) values[j] = scale * float_of_e4m3(e4m3_of(float_of(bits.word[j]) / scale));
      store16(to + i, values);
    }
  } else {
    for (int32_t i = thread_index(); i < width; i += 256) to[i] = scale * float_of_e4m3(e4m3_of(from[i] / scale));
  }
}
