/* The forms of podium_add and podium_silu_gate for a GPU: one block for a row, operation for operation as the twins. */
#ifndef PODIUM_DEVICE_H
#include "../Device/podium_device.h"
#endif

using namespace podium;

constexpr int ELEMENTWISE_THREADS = 256;

/* to[i] = of(a[i], b[i]); `to` may be either. */
template <typename Operation>
PODIUM_DEVICE void each(float *to, const float *a, const float *b, int32_t width, Operation of) {
  if (width % 4 == 0 && aligned16(to) && aligned16(a) && aligned16(b)) {
    for (int32_t i = 4 * thread_index(); i < width; i += 4 * ELEMENTWISE_THREADS) {
      words4 left = load16(a + i), right = load16(b + i);
      float values[4];
      PODIUM_UNROLL
      for (int j = 0; j < 4; j++) values[j] = of(float_of(left.word[j]), float_of(right.word[j]));
      store16(to + i, values);
    }
  } else {
    for (int32_t i = thread_index(); i < width; i += ELEMENTWISE_THREADS) to[i] = of(a[i], b[i]);
  }
}

struct sum_of {
  PODIUM_MEMBER float operator()(float a, float b) const { return a + b; }
};
struct gated_of {
  PODIUM_MEMBER float operator()(float gate, float up) const { return gate / (1.0f + exponential(-gate)) * up; }
};

PODIUM_KERNEL(256)
add(float *y, const float *x, const int32_t *live, int32_t max_rows, int32_t width) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  uint64_t start = (uint64_t)row * (uint64_t)width;
  each(y + start, y + start, x + start, width, sum_of());
}

PODIUM_KERNEL(256)
silu_gate(float *h, const float *gate, const float *up, const int32_t *live, int32_t max_rows, int32_t width) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  uint64_t start = (uint64_t)row * (uint64_t)width;
  each(h + start, gate + start, up + start, width, gated_of());
}
