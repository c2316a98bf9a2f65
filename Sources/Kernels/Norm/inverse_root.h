/* inverse_root.h - what a row is multiplied by in an RMS norm, by a block of 512 threads.
 *
 * Order of the sum: thread t takes the elements 4t .. 4t+3, 4(t + 512) .., ascending, by fused multiply-add; then the
 * lanes of a warp (warp_sum), then the warps, ascending. */
#ifndef PODIUM_INVERSE_ROOT_H
#define PODIUM_INVERSE_ROOT_H

#ifndef PODIUM_FORMATS_H
#include "../Device/podium_formats.h"
#endif

namespace podium {

constexpr int NORM_THREADS = 512;

/* Elements start .. start + 3 of a row, zero beyond its width. */
PODIUM_DEVICE void four(const float *row, int32_t start, int32_t width, bool whole, float *values) {
  if (whole) {
    words4 bits = load16(row + start);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) values[i] = float_of(bits.word[i]);
  } else {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) values[i] = start + i < width ? row[start + i] : 0.0f;
  }
}

/* 1 / sqrt(mean of the squares + epsilon), the same in every thread. */
PODIUM_DEVICE float inverse_root(const float *row, int32_t width, bool whole, float epsilon) {
  PODIUM_SHARED(float, sums, NORM_THREADS / WARP);
  float sum = 0;
  for (int32_t start = 4 * thread_index(); start < width; start += 4 * NORM_THREADS) {
    float values[4];
    four(row, start, width, whole, values);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) sum = multiply_add(values[i], values[i], sum);
  }
  sum = warp_sum(sum);
  if (lane_index() == 0) sums[warp_index()] = sum;
  barrier();
  float total = 0;
  PODIUM_UNROLL
  for (int warp = 0; warp < NORM_THREADS / WARP; warp++) total += sums[warp];
  return 1.0f / square_root(total / (float)width + epsilon);
}

} // namespace podium

#endif
