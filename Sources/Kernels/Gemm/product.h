/* product.h - what the products of gemm.hip and fp8.hip share: their arguments, what becomes of finished sums, and the
 * form for devices without matrix cores.
 *
 * Plain form: lane l of a warp takes the l-th, (l + WARP)-th ... eight (FP8: sixteen) elements of k, ascending, by fused
 * multiply-add; then warp_sum. */
#ifndef PODIUM_PRODUCT_H
#define PODIUM_PRODUCT_H

#ifndef PODIUM_MATRIX_H
#include "../Device/podium_matrix.h"
#endif

namespace podium {

/* One product with its weights; a gated one has two of them and half the columns in each. */
struct product {
  int32_t dtype;
  float *y;
  const void *x;
  float x_scale;
  const void *w, *up;
  const float *scales, *up_scales;
  const void *bias;
  int32_t bias_dtype, rows, n, k, accumulate;
};

/* What becomes of the finished sums of a column. */
struct ending {
  float scale, up_scale, bias;
};

PODIUM_DEVICE ending ending_of(const product &p, int32_t column) {
  ending e = {1.0f, 1.0f, 0.0f};
  if (column >= p.n) return e;
  e.scale = p.scales ? p.scales[column] * p.x_scale : p.x_scale;
  e.up_scale = p.up_scales ? p.up_scales[column] * p.x_scale : p.x_scale;
  if (p.bias) e.bias = element(p.bias_dtype, p.bias, (uint64_t)column);
  return e;
}

/* sums: the product, or those of gate and up. */
template <bool gated>
PODIUM_DEVICE void finish(const product &p, const ending &e, int32_t row, int32_t column, const float *sums) {
  float *to = p.y + (uint64_t)row * (uint64_t)p.n + (uint64_t)column;
  float sum = sums[0] * e.scale;
  if (gated) {
    sum = sum / (1.0f + exponential(-sum)) * (sums[1] * e.up_scale);
  } else {
    if (p.bias) sum += e.bias;
    if (p.accumulate) sum += *to;
  }
  *to = sum;
}

/* Elements of k that a lane takes at once: sixteen bytes of a 16-bit or 8-bit type. */
template <int dtype>
struct lane_elements {
  static constexpr int count = dtype == F8E4M3 ? 16 : 8;
};

/* Whether rows of k elements may be read `count` elements at a time. */
PODIUM_DEVICE bool whole_reads(const product &p, int count) {
  return p.k % count == 0 && aligned16(p.x) && aligned16(p.w) && aligned16(p.up);
}

/* Elements k .. k + 7 of a row that begins at element `row` of an array; zero from `end` on.  whole: `end` is a multiple
 * of eight and the addresses are aligned (whole_reads). */
template <int dtype, bool whole>
PODIUM_DEVICE void take8(const void *array, uint64_t row, int32_t k, int32_t end, float *values) {
  if constexpr (whole) {
    if (k < end) {
      elements8<dtype>(array, row + (uint64_t)k, values);
    } else {
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) values[i] = 0.0f;
    }
  } else {
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) values[i] = k + i < end ? element<dtype>(array, row + (uint64_t)(k + i)) : 0.0f;
  }
}

#if !PODIUM_MATRIX

constexpr int GEMM_WARPS = 512 / WARP;

/* Up to `tile` rows with two columns, or with one of gate and of up. */
template <int x_dtype, int dtype, bool gated, int tile, bool whole>
PODIUM_DEVICE void plain(const product &p, int32_t first_row, int32_t last_row, int32_t column) {
  constexpr int count = lane_elements<dtype>::count;
  const void *w[2] = {p.w, gated ? p.up : p.w};
  uint64_t columns[2];
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) {
    columns[c] = (uint64_t)smaller(column + (gated ? 0 : c), p.n - 1) * (uint64_t)p.k;
  }
  int rows = smaller(last_row - first_row, tile);
  float sums[tile][2] = {};
  for (int32_t k = count * lane_index(); k < p.k; k += count * WARP) {
    PODIUM_UNROLL
    for (int part = 0; part < count; part += 8) {
      float weights[2][8];
      PODIUM_UNROLL
      for (int c = 0; c < 2; c++) take8<dtype, whole>(w[c], columns[c], k + part, p.k, weights[c]);
      PODIUM_UNROLL
      for (int r = 0; r < tile; r++) {
        if (r >= rows) break;
        float values[8];
        take8<x_dtype, whole>(p.x, (uint64_t)(first_row + r) * (uint64_t)p.k, k + part, p.k, values);
        PODIUM_UNROLL
        for (int c = 0; c < 2; c++) {
          PODIUM_UNROLL
          for (int i = 0; i < 8; i++) sums[r][c] = multiply_add(values[i], weights[c][i], sums[r][c]);
        }
      }
    }
  }
  /* Lane r, or 2 r + c, ends an output. */
  constexpr int outputs = gated ? 1 : 2;
  int lane = lane_index();
  float own[2] = {0, 0};
  PODIUM_UNROLL
  for (int r = 0; r < tile; r++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) {
      float sum = warp_sum(sums[r][c]);
      if (lane == (gated ? r : 2 * r + c)) own[gated ? c : 0] = sum;
    }
  }
  int32_t at = column + lane % outputs;
  if (lane < outputs * rows && at < p.n) finish<gated>(p, ending_of(p, at), first_row + lane / outputs, at, own);
}

/* Rows first_row .. last_row - 1 with columns first_column .. last_column - 1. */
template <int x_dtype, int dtype, bool gated>
PODIUM_DEVICE void plain_block(const product &p, int32_t first_row, int32_t last_row, int32_t first_column,
                               int32_t last_column, bool whole) {
  constexpr int columns = gated ? 1 : 2;
  for (int32_t column = first_column + columns * warp_index(); column < last_column; column += columns * GEMM_WARPS) {
    for (int32_t row = first_row; row < last_row;) {
      if (!whole || last_row - row == 1) {
        if (whole) {
          plain<x_dtype, dtype, gated, 1, true>(p, row, last_row, column);
        } else {
          plain<x_dtype, dtype, gated, 1, false>(p, row, last_row, column);
        }
        row++;
      } else {
        plain<x_dtype, dtype, gated, 8, true>(p, row, last_row, column);
        row += 8;
      }
    }
  }
}

#endif

} // namespace podium

#endif
