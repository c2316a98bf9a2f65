/* The forms of podium_gemm and podium_gemm_silu_gate for a GPU.
 *
 * With matrix cores: k is cut into eight segments, whose length depends on k alone.  A segment is summed by a chain of
 * matrix instructions, k ascending by 32 (FP8: 64), and the eight sums are added in their order.  With few rows, eight
 * warps take a segment each of one tile (skinny): the weights are read once, sixteen bytes per lane.  With many rows
 * one warp takes all segments in turn (tiled), so that a row has the same bits in either form.
 *   BF16 and FP8 weights  bfloat16 instructions; FP8 widens exactly.  Activations are the exact sum of three bfloat16,
 *                         so no bit of them is lost, at three instructions for one.
 *   F32 and F16 weights   float32 instructions.
 *
 * Without them: product.h. */
#ifndef PODIUM_PRODUCT_H
#include "product.h"
#endif

using namespace podium;

/* As gpu_grid() in gemm.c has them. */
constexpr int SKINNY_ROWS = 64, SKINNY_COLUMNS = 32, TILE = 128;

#if PODIUM_MATRIX

/* One for each warp of a block. */
constexpr int SEGMENTS = 8;

/* Elements of k that a segment has; a multiple of 64. */
PODIUM_DEVICE int32_t segment_length(int32_t k) { return (k + SEGMENTS * 64 - 1) / (SEGMENTS * 64) * 64; }

/* Whether the weights go through the bfloat16 instructions. */
template <int dtype>
struct narrow {
  static constexpr bool value = dtype == BF16 || dtype == F8E4M3;
};

/* Eight elements of k as an operand. */
template <bool narrow>
struct left_operand {
  terms8 terms;
  static PODIUM_MEMBER left_operand make(const float *values) { return {split(values)}; }
};
template <>
struct left_operand<false> {
  float values[8];
  static PODIUM_MEMBER left_operand make(const float *from) {
    left_operand result;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) result.values[i] = from[i];
    return result;
  }
};
template <bool narrow>
struct right_operand {
  words4 codes;
};
template <>
struct right_operand<false> {
  float values[8];
};

/* Weights k .. k + 7 of a row.  A bfloat16 is taken as it is; FP8 becomes one, which is exact. */
template <int dtype, bool whole>
PODIUM_DEVICE right_operand<narrow<dtype>::value> take_weights(const void *w, uint64_t row, int32_t k, int32_t end) {
  right_operand<narrow<dtype>::value> result;
  if constexpr (dtype == BF16 && whole) {
    result.codes = k < end ? load16((const uint16_t *)w + row + (uint64_t)k) : words4{{0, 0, 0, 0}};
  } else {
    float values[8];
    take8<dtype, whole>(w, row, k, end, values);
    if constexpr (narrow<dtype>::value) {
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        result.codes.word[i] = bits_of(values[2 * i]) >> 16 | (bits_of(values[2 * i + 1]) & 0xffff0000u);
      }
    } else {
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) result.values[i] = values[i];
    }
  }
  return result;
}

PODIUM_DEVICE f32x4 multiply(const left_operand<true> &a, const right_operand<true> &b, f32x4 c) {
  c = multiply_bf16(a.terms.term[2], b.codes, c);
  c = multiply_bf16(a.terms.term[1], b.codes, c);
  return multiply_bf16(a.terms.term[0], b.codes, c);
}
PODIUM_DEVICE f32x4 multiply(const left_operand<false> &a, const right_operand<false> &b, f32x4 c) {
  return multiply_f32(a.values, b.values, c);
}

/* Sums of `tiles` x 16 rows from first_row on with two tiles of sixteen columns, k from `start` to `end`. */
template <int dtype, int tiles, bool whole>
PODIUM_DEVICE void chain(const product &p, int32_t first_row, int32_t last_row, const void *const *w,
                         const uint64_t *columns, int32_t start, int32_t end, f32x4 (*sums)[2]) {
  constexpr int count = lane_elements<dtype>::count;
  constexpr bool is_narrow = narrow<dtype>::value;
  int lane = lane_index(), quarter = lane / 16;
  uint64_t rows[tiles];
  bool there[tiles];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    int32_t row = first_row + 16 * t + lane % 16;
    there[t] = row < last_row;
    rows[t] = (uint64_t)(there[t] ? row : first_row) * (uint64_t)p.k;
    sums[t][0] = sums[t][1] = f32x4{0, 0, 0, 0};
  }
  for (int32_t step = start; step < end; step += 4 * count) {
    PODIUM_UNROLL
    for (int part = 0; part < count; part += 8) {
      int32_t k = step + count * quarter + part;
      right_operand<is_narrow> weights[2];
      PODIUM_UNROLL
      for (int c = 0; c < 2; c++) weights[c] = take_weights<dtype, whole>(w[c], columns[c], k, end);
      PODIUM_UNROLL
      for (int t = 0; t < tiles; t++) {
        float values[8];
        take8<F32, whole>(p.x, rows[t], k, there[t] ? end : 0, values);
        left_operand<is_narrow> x = left_operand<is_narrow>::make(values);
        PODIUM_UNROLL
        for (int c = 0; c < 2; c++) sums[t][c] = multiply(x, weights[c], sums[t][c]);
      }
    }
  }
}

/* Up to `tiles` x 16 rows from first_row on with 32 columns, or 16 of gate and 16 of up: a segment for each warp. */
template <int dtype, bool gated, int tiles, bool whole>
PODIUM_DEVICE void skinny(const product &p, int32_t first_row, int32_t last_row, int32_t first_column, f32x4 *shared) {
  int lane = lane_index(), warp = warp_index(), thread = thread_index();
  const void *w[2] = {p.w, gated ? p.up : p.w};
  uint64_t columns[2];
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) {
    int32_t column = smaller(first_column + (gated ? 0 : 16 * c) + lane % 16, p.n - 1);
    columns[c] = (uint64_t)column * (uint64_t)p.k; /* the surplus is computed and dropped */
  }
  int32_t length = segment_length(p.k), start = warp * length;
  f32x4 sums[tiles][2];
  chain<dtype, tiles, whole>(p, first_row, last_row, w, columns, start, smaller(start + length, p.k), sums);
  int segments = (p.k + length - 1) / length;
  const float *partial = (const float *)shared;
  int32_t half = thread % 32 / 16, column = first_column + (gated ? 0 : 16 * half) + thread % 16;
  ending end = ending_of(p, column);
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    barrier(); /* the sums of the tile before are read */
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) shared[(warp * 2 + c) * 64 + lane] = sums[t][c];
    barrier();
    int32_t in_tile = thread / 32, row = first_row + 16 * t + in_tile;
    int at = ((in_tile / 4) * 16 + thread % 16) * 4 + in_tile % 4;
    float sum[2];
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) {
      if (!gated && c == 1) break;
      int from = (gated ? c : half) * 256 + at;
      sum[c] = partial[from];
      for (int s = 1; s < segments; s++) sum[c] += partial[from + s * 512];
    }
    if (row < last_row && column < p.n && !(gated && half == 1)) finish<gated>(p, end, row, column, sum);
  }
}

/* 128 rows with 128 columns, or 64 of gate and 64 of up, by warps of 64 x 32.  Operands pass through shared memory in
 * the order in which the lanes take them. */
template <int dtype, bool gated>
PODIUM_DEVICE void tiled(const product &p, int32_t first_row, int32_t last_row, int32_t first_column, words4 *shared) {
  constexpr int count = lane_elements<dtype>::count, parts = count / 8;
  int lane = lane_index(), warp = warp_index(), thread = thread_index();
  words4 *left = shared, *right = shared + 8 * 3 * 64;

  /* What this thread brings: eight elements of a row of x and of a row of weights. */
  int line = thread / 4, quarter = thread % 4;
  bool there = first_row + line < last_row;
  uint64_t x_row = (uint64_t)(there ? first_row + line : first_row) * (uint64_t)p.k;
  const void *w = gated && line / 16 % 2 ? p.up : p.w;
  int32_t column = first_column + (gated ? line / 32 * 16 + line % 16 : line);
  uint64_t w_row = (uint64_t)smaller(column, p.n - 1) * (uint64_t)p.k;
  int place = (line / 16) * 64 + quarter * 16 + line % 16;

  f32x4 totals[4][2], sums[4][2];
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) totals[t][c] = sums[t][c] = f32x4{0, 0, 0, 0};
  }
  int32_t segment_steps = segment_length(p.k) / 32, steps = (p.k + 4 * count - 1) / (4 * count) * parts;
  float values[8];
  right_operand<true> weights;
  bool first = true;
  for (int32_t step = -1; step < steps; step++) {
    if (step >= 0) {
      terms8 terms = split(values);
      barrier(); /* the step before is read */
      PODIUM_UNROLL
      for (int i = 0; i < 3; i++) left[(line / 16 * 3 + i) * 64 + place % 64] = terms.term[i];
      right[place] = weights.codes;
      barrier();
    }
    if (step + 1 < steps) {
      int32_t k = (step + 1) / parts * 4 * count + count * quarter + (step + 1) % parts * 8;
      take8<F32, true>(p.x, x_row, k, there ? p.k : 0, values);
      weights = take_weights<dtype, true>(w, w_row, k, p.k);
    }
    if (step < 0) continue;
    right_operand<true> b[2];
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) b[c].codes = right[(warp % 4 * 2 + c) * 64 + lane];
    PODIUM_UNROLL
    for (int t = 0; t < 4; t++) {
      left_operand<true> a;
      PODIUM_UNROLL
      for (int i = 0; i < 3; i++) a.terms.term[i] = left[((warp / 4 * 4 + t) * 3 + i) * 64 + lane];
      PODIUM_UNROLL
      for (int c = 0; c < 2; c++) sums[t][c] = multiply(a, b[c], sums[t][c]);
    }
    if ((step + 1) % segment_steps == 0 || step + 1 == steps) {
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) {
        PODIUM_UNROLL
        for (int c = 0; c < 2; c++) {
          totals[t][c] = first ? sums[t][c] : totals[t][c] + sums[t][c];
          sums[t][c] = f32x4{0, 0, 0, 0};
        }
      }
      first = false;
    }
  }
  PODIUM_UNROLL
  for (int c = 0; c < (gated ? 1 : 2); c++) {
    int32_t at = first_column + lane % 16 + 16 * (gated ? warp % 4 : warp % 4 * 2 + c);
    if (at >= p.n) continue;
    ending end = ending_of(p, at);
    PODIUM_UNROLL
    for (int t = 0; t < 4; t++) {
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        int32_t row = first_row + 16 * (warp / 4 * 4 + t) + 4 * (lane / 16) + i;
        float sum[2] = {totals[t][c][i], totals[t][1][i]};
        if (row < last_row) finish<gated>(p, end, row, at, sum);
      }
    }
  }
}

#endif

/* What one block does. */
template <int dtype, bool gated>
PODIUM_DEVICE void block(const product &p, int32_t max_rows, words4 *shared) {
  (void)shared;
  bool wide = max_rows > SKINNY_ROWS, whole = whole_reads(p, dtype == F8E4M3 ? 16 : 8);
  int32_t block_columns = (wide ? TILE : SKINNY_COLUMNS) / (gated ? 2 : 1);
  int32_t first_row = wide ? (int32_t)block_index_y() * TILE : 0;
  int32_t first_column = (int32_t)block_index() * block_columns;
  if (first_row >= p.rows) return;
  int32_t last_row = wide ? smaller(first_row + TILE, p.rows) : p.rows;
  int32_t last_column = smaller(first_column + block_columns, p.n);
#if PODIUM_MATRIX
  if constexpr (narrow<dtype>::value) {
    if (whole && last_row - first_row > SKINNY_ROWS) {
      tiled<dtype, gated>(p, first_row, last_row, first_column, shared);
      return;
    }
  }
  f32x4 *sums = (f32x4 *)shared;
  for (int32_t column = first_column; column < last_column; column += SKINNY_COLUMNS / (gated ? 2 : 1)) {
    for (int32_t row = first_row; row < last_row;) {
      if (!whole) {
        skinny<dtype, gated, 1, false>(p, row, last_row, column, sums);
        row += 16;
      } else if (last_row - row <= 16) {
        skinny<dtype, gated, 1, true>(p, row, last_row, column, sums);
        row += 16;
      } else {
        skinny<dtype, gated, 4, true>(p, row, last_row, column, sums);
        row += 64;
      }
    }
  }
#else
  plain_block<F32, dtype, gated>(p, first_row, last_row, first_column, last_column, whole);
#endif
}

template <bool gated>
PODIUM_DEVICE void block_of_type(const product &p, int32_t max_rows, words4 *shared) {
  switch (p.dtype) {
  case F32: return block<F32, gated>(p, max_rows, shared);
  case BF16: return block<BF16, gated>(p, max_rows, shared);
  case F16: return block<F16, gated>(p, max_rows, shared);
  default: return block<F8E4M3, gated>(p, max_rows, shared);
  }
}

#if PODIUM_MATRIX
#define GEMM_SHARED PODIUM_SHARED(words4, shared, 8 * 3 * 64 + 8 * 64)
#else
#define GEMM_SHARED words4 *const shared = nullptr
#endif

PODIUM_KERNEL(512)
gemm(int32_t dtype, float *y, const float *x, const void *w, const float *scales, const void *bias, int32_t bias_dtype,
     const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  GEMM_SHARED;
  product p = {dtype, y, x, 1, w, nullptr, scales, nullptr, bias, bias_dtype, live_rows(live, max_rows), n, k, accumulate};
  block_of_type<false>(p, max_rows, shared);
}

PODIUM_KERNEL(512)
gemm_silu_gate(int32_t dtype, float *h, const float *x, const void *gate, const void *up, const float *gate_scales,
               const float *up_scales, const int32_t *live, int32_t max_rows, int32_t n, int32_t k) {
  GEMM_SHARED;
  product p = {dtype, h, x, 1, gate, up, gate_scales, up_scales, nullptr, 0, live_rows(live, max_rows), n, k, 0};
  block_of_type<true>(p, max_rows, shared);
}
