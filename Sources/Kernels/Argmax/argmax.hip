/* The form of podium_argmax for a GPU: one block of 1024 threads for a row.  Every order gives the same index, because
 * "larger, or equal and earlier" is a total order with NaN on top. */
#ifndef PODIUM_DEVICE_H
#include "../Device/podium_device.h"
#endif

using namespace podium;

constexpr int ARGMAX_THREADS = 1024;

/* A key that grows with the number: all NaN largest, -0 as +0. */
PODIUM_DEVICE uint32_t rank(float value) {
  if (is_nan(value)) return 0xffffffffu;
  uint32_t bits = bits_of(value == 0 ? 0.0f : value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

struct candidate {
  uint32_t rank;
  int32_t index;
};

PODIUM_DEVICE candidate better(candidate a, candidate b) {
  return b.rank > a.rank || (b.rank == a.rank && b.index < a.index) ? b : a;
}

PODIUM_DEVICE candidate best_of_warp(candidate own) {
  PODIUM_UNROLL
  for (int mask = WARP / 2; mask > 0; mask /= 2) {
    candidate other = {(uint32_t)shuffle_xor((int)own.rank, mask), shuffle_xor(own.index, mask)};
    own = better(own, other);
  }
  return own;
}

/* An excluded element, below the rank of minus infinity. */
PODIUM_DEVICE uint32_t rank_unless_excluded(float value, int32_t index, const int32_t *excluded, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    if (excluded[i] == index) return 0;
  }
  return rank(value);
}

PODIUM_KERNEL(1024)
argmax(int32_t *tokens, const float *x, const int32_t *live, int32_t max_rows, int32_t width, const int32_t *excludes,
       const int32_t *excluded, int32_t excluded_count) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  const float *from = x + (uint64_t)row * (uint64_t)width;
  candidate best = {0, 0x7fffffff};
  if (excluded_count > 0 && excludes[row] != 0) {
    for (int32_t i = thread_index(); i < width; i += ARGMAX_THREADS) {
      best = better(best, candidate{rank_unless_excluded(from[i], i, excluded, excluded_count), i});
    }
  } else if (width % 4 == 0 && aligned16(x)) {
    for (int32_t start = 4 * thread_index(); start < width; start += 4 * ARGMAX_THREADS) {
      words4 bits = load16(from + start);
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) best = better(best, candidate{rank(float_of(bits.word[i])), start + i});
    }
  } else {
    for (int32_t i = thread_index(); i < width; i += ARGMAX_THREADS) best = better(best, candidate{rank(from[i]), i});
  }
  PODIUM_SHARED(candidate, of_warp, ARGMAX_THREADS / WARP);
  best = best_of_warp(best);
  if (lane_index() == 0) of_warp[warp_index()] = best;
  barrier();
  if (warp_index() != 0) return;
  int lane = lane_index();
  best = lane < ARGMAX_THREADS / WARP ? of_warp[lane] : candidate{0, 0x7fffffff};
  best = best_of_warp(best);
  if (lane == 0) tokens[row] = best.index;
}
