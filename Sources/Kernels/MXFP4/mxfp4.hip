/* The MXFP4 kernels for GPUs.  gfx950 has its own layouts and products: mxfp4_gfx950.h.  What follows is for the others,
 * on the layouts of the CPU (packed.h, quantized.h).
 *
 * Per block of 32 an exact integer sum and one fused multiply-add in float32, as in the twins; but k is cut into eight
 * segments of whole lines of four blocks, whose length depends on k alone, each with its own chain, blocks ascending;
 * the eight are added in their order.  One i8 instruction of the matrix cores (K = 32) is the sum of one block, and the
 * packed panel has a lane's eight weights in one word: 256 bytes in a row for a warp.  Without matrix cores a lane takes
 * every WARP-th block, then warp_sum. */
#ifndef PODIUM_MATRIX_H
#include "../Device/podium_matrix.h"
#endif
#ifndef PODIUM_INVERSE_ROOT_H
#include "../Norm/inverse_root.h"
#endif
#ifndef PODIUM_MXFP4_GFX950_H
#include "mxfp4_gfx950.h"
#endif

using namespace podium;

struct plain_values {
  const float *x;
  PODIUM_MEMBER float operator()(int32_t i) const { return x[i]; }
};
struct norm_values {
  const float *x;
  const void *weight;
  int32_t dtype;
  float factor;
  PODIUM_MEMBER float operator()(int32_t i) const { return x[i] * factor * element(dtype, weight, (uint64_t)i); }
};

#if !PODIUM_GFX950

/* As packed.h and quantized.h have them. */
constexpr int MX_BLOCK = 32, MX_ROWS = 16, MX_BLOCKS = 4, MX_SCALES = 64, MX_ELEMENTS = 256, MX_GROUP = 1088;
constexpr int MX_RAISED = 12, MX_THREADS = 512;

PODIUM_DEVICE uint64_t panel_size(int32_t k) {
  uint64_t blocks = (uint64_t)k / MX_BLOCK;
  return (blocks + MX_BLOCKS - 1) / MX_BLOCKS * MX_SCALES + blocks * MX_ELEMENTS;
}
PODIUM_DEVICE uint64_t scales_at(int32_t block) {
  return (uint64_t)(block / MX_BLOCKS) * MX_GROUP + (uint64_t)(block % MX_BLOCKS * MX_ROWS);
}
PODIUM_DEVICE uint64_t elements_at(int32_t block) {
  return (uint64_t)(block / MX_BLOCKS) * MX_GROUP + MX_SCALES + (uint64_t)(block % MX_BLOCKS * MX_ELEMENTS);
}
PODIUM_DEVICE int32_t group_rows(int32_t max_rows, int32_t row) { return smaller(max_rows - row / 16 * 16, 16); }
PODIUM_DEVICE uint64_t first_block_of(int32_t row, int32_t k) {
  return (uint64_t)(row / 16 * 16) * (uint64_t)(k / MX_BLOCK) + (uint64_t)(row % 16);
}

/* Four bytes at any address. */
PODIUM_DEVICE uint32_t word_at(const uint8_t *from) {
  if (((uint64_t)from & 3) == 0) return *(const uint32_t *)from;
  return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Half of the scale of an E8M0 code: 2^(code - 128); NaN for 255. */
PODIUM_DEVICE float half_scale(uint32_t code) {
  if (code == 255) return quiet_nan();
  return float_of(code > 1 ? (code - 1) << 23 : 1u << (21 + code));
}

/* ---- Quantise -------------------------------------------------------------------------------------------------- */

/* The E2M1 nearest to a value, ties to even, doubled; operation for operation as the twin. */
PODIUM_DEVICE int32_t doubled_e2m1(float x) {
  float size = magnitude(x);
  float anchor = size < 2.0f ? 0x1.8p22f : 0x1.8p23f;
  anchor = size < 4.0f ? anchor : 0x1.8p24f;
  float rounded = smaller((size + anchor) - anchor, 6.0f);
  int32_t doubled = (int32_t)(rounded * 2.0f);
  return bits_of(x) >> 31 ? -doubled : doubled;
}

/* Eight lanes quantise a block of 32, four numbers each.  values(i) is element i of the row. */
template <typename Values>
PODIUM_DEVICE void quantize_row(int32_t format, int8_t *codes, float *scales, int32_t *offsets, int32_t row,
                                int32_t max_rows, int32_t k, Values values) {
  int32_t blocks = k / MX_BLOCK, part = thread_index() % 8;
  uint64_t first = first_block_of(row, k), stride = (uint64_t)group_rows(max_rows, row);
  for (int32_t from = 0; from < blocks; from += MX_THREADS / 8) {
    int32_t block = from + thread_index() / 8;
    bool there = block < blocks;
    float x[4];
    uint32_t largest = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      x[i] = there ? values(block * MX_BLOCK + part * 4 + i) : 0.0f;
      largest = larger(largest, bits_of(x[i]) & 0x7fffffffu);
    }
    PODIUM_UNROLL
    for (int mask = 1; mask < 8; mask *= 2) largest = larger(largest, (uint32_t)shuffle_xor((int)largest, mask));
    bool finite = largest < 0x7f800000u;
    float scale, inverse = 0;
    if (format == 0) {
      scale = larger(float_of(largest) / 127.0f, 0x1p-126f);
    } else {
      uint32_t exponent = (largest + 0x00200000u) >> 23;
      exponent = exponent > 2 ? exponent - 2 : 0;
      inverse = float_of((254 - exponent) << 23);
      scale = float_of(exponent > 1 ? (exponent - 1) << 23 : (exponent + 1) << 21);
    }
    int32_t sum = 0;
    uint32_t bytes = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      int32_t code = 0;
      if (finite) code = format == 0 ? (int32_t)round_to_integer(x[i] / scale) : doubled_e2m1(x[i] * inverse);
      sum += code;
      bytes |= (uint32_t)(code & 255) << 8 * i;
    }
    PODIUM_UNROLL
    for (int mask = 1; mask < 8; mask *= 2) sum += shuffle_xor(sum, mask);
    if (!there) continue;
    uint64_t at = first + (uint64_t)block * stride;
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) codes[at * MX_BLOCK + (uint64_t)(part * 4 + i)] = (int8_t)(bytes >> 8 * i);
    if (part == 0) {
      scales[at] = finite ? scale : quiet_nan();
      offsets[at] = -MX_RAISED * sum;
    }
  }
}

/* ---- Products -------------------------------------------------------------------------------------------------- */

struct mx_product {
  float *y;
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
  const uint8_t *w;
  const float *bias;
  int32_t max_rows, rows, n, k, accumulate;
};

/* sums: the product, or those of gate and up. */
template <bool gated>
PODIUM_DEVICE void mx_finish(const mx_product &p, int32_t row, int32_t column, const float *sums) {
  float *to = p.y + (uint64_t)row * (uint64_t)p.n + (uint64_t)column;
  float sum = sums[0];
  if (gated) {
    sum = sum / (1.0f + exponential(-sum)) * sums[1];
  } else {
    if (p.bias) sum += p.bias[column];
    if (p.accumulate) sum += *to;
  }
  *to = sum;
}

#if PODIUM_MATRIX

/* Doubled values, raised by twelve, of the four E2M1 codes in the low halves of a word: one byte each. */
PODIUM_DEVICE uint32_t raised_bytes(uint32_t word) {
  uint32_t index = word & 0x07070707u, negative = (word & 0x08080808u) >> 3;
#if defined(PODIUM_SHIM)
  static const uint8_t doubled[8] = {0, 1, 2, 3, 4, 6, 8, 12};
  uint32_t size = 0;
  for (int i = 0; i < 4; i++) size |= (uint32_t)doubled[index >> 8 * i & 7] << 8 * i;
#else
  uint32_t size = __builtin_amdgcn_perm(0x0c080604u, 0x03020100u, index);
#endif
  uint32_t mask = negative * 255;
  return 0x0c0c0c0cu + (size & ~mask) - (size & mask);
}

/* `tiles` x 16 rows with two panels, a segment for each warp. */
template <bool gated, int tiles>
PODIUM_DEVICE void mx_skinny(const mx_product &p, int32_t first_row, int32_t first_panel, int32_t panels, f32x4 *shared) {
  int lane = lane_index(), warp = warp_index(), thread = thread_index(), quarter = lane / 16;
  int32_t blocks = p.k / MX_BLOCK, length = (blocks + 8 * MX_BLOCKS - 1) / (8 * MX_BLOCKS) * MX_BLOCKS;
  int32_t start = warp * length, end = smaller(start + length, blocks);
  const uint8_t *w[2];
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) w[c] = p.w + (uint64_t)smaller(first_panel + c, panels - 1) * panel_size(p.k);
  /* Rows that do not exist are the last one again; their sums are dropped. */
  uint64_t of_codes[tiles], of_scales[tiles][4];
  int32_t stride[tiles];
  f32x4 sums[tiles][2];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    int32_t tile_row = first_row + 16 * t;
    of_codes[t] = first_block_of(smaller(tile_row + lane % 16, p.rows - 1), p.k);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) of_scales[t][i] = first_block_of(smaller(tile_row + 4 * quarter + i, p.rows - 1), p.k);
    stride[t] = group_rows(p.max_rows, smaller(tile_row, p.rows - 1));
    sums[t][0] = sums[t][1] = f32x4{0, 0, 0, 0};
  }
  for (int32_t block = start; block < end; block++) {
    uint64_t weights[2];
    float half[2];
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) {
      uint32_t word = word_at(w[c] + elements_at(block) + (uint64_t)(quarter * 64 + 4 * (lane % 16)));
      weights[c] = raised_bytes(word) | (uint64_t)raised_bytes(word >> 4) << 32;
      half[c] = half_scale(w[c][scales_at(block) + (uint64_t)(lane % 16)]);
    }
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) {
      uint64_t step = (uint64_t)block * (uint64_t)stride[t];
      const uint8_t *at = (const uint8_t *)p.codes + (of_codes[t] + step) * MX_BLOCK + 8 * quarter;
      uint64_t x = word_at(at) | (uint64_t)word_at(at + 4) << 32;
      i32x4 offset;
      f32x4 scale;
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        offset[i] = p.offsets[of_scales[t][i] + step];
        scale[i] = p.scales[of_scales[t][i] + step];
      }
      PODIUM_UNROLL
      for (int c = 0; c < 2; c++) {
        i32x4 dot = multiply_i8(x, weights[c], offset);
        PODIUM_UNROLL
        for (int i = 0; i < 4; i++) sums[t][c][i] = multiply_add((float)dot[i], half[c] * scale[i], sums[t][c][i]);
      }
    }
  }
  int segments = (blocks + length - 1) / length;
  const float *partial = (const float *)shared;
  int32_t side = thread % 32 / 16, column = (gated ? first_panel / 2 : first_panel + side) * MX_ROWS + thread % 16;
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    barrier(); /* the sums of the tile before are read */
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) shared[(warp * 2 + c) * 64 + lane] = sums[t][c];
    barrier();
    int32_t in_tile = thread / 32, row = first_row + 16 * t + in_tile;
    int at = ((in_tile / 4) * 16 + thread % 16) * 4 + in_tile % 4;
    float sum[2] = {0, 0};
    PODIUM_UNROLL
    for (int c = 0; c < (gated ? 2 : 1); c++) {
      int from = (gated ? c : side) * 256 + at;
      sum[c] = partial[from];
      for (int s = 1; s < segments; s++) sum[c] += partial[from + s * 512];
    }
    if (row < p.rows && column < p.n && !(gated && side == 1)) mx_finish<gated>(p, row, column, sum);
  }
}

template <bool gated>
PODIUM_DEVICE void mx_block(const mx_product &p) {
  PODIUM_SHARED(f32x4, shared, 8 * 2 * 64);
  int32_t panels = (p.n + MX_ROWS - 1) / MX_ROWS * (gated ? 2 : 1), first = 2 * (int32_t)block_index();
  if (first >= panels) return;
  for (int32_t row = 0; row < p.rows;) {
    if (p.rows - row <= 16) {
      mx_skinny<gated, 1>(p, row, first, panels, shared);
      row += 16;
    } else {
      mx_skinny<gated, 4>(p, row, first, panels, shared);
      row += 64;
    }
  }
}

#else

/* A lane's share of the product of a row with row `column` of a panel. */
PODIUM_DEVICE float mx_share(const mx_product &p, int32_t row, const uint8_t *panel, int32_t column) {
  uint64_t first = first_block_of(row, p.k), stride = (uint64_t)group_rows(p.max_rows, row);
  float sum = 0;
  for (int32_t block = lane_index(); block < p.k / MX_BLOCK; block += WARP) {
    uint64_t at = first + (uint64_t)block * stride;
    int32_t dot = 0;
    for (int eighth = 0; eighth < 4; eighth++) {
      uint32_t word = word_at(panel + elements_at(block) + (uint64_t)(eighth * 64 + 4 * column));
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) {
        int32_t code = (int32_t)(word >> (8 * (i % 4) + 4 * (i / 4)) & 15), size = code & 7;
        int32_t value = size < 2 ? size : (2 + size % 2) << (size / 2 - 1);
        dot += (code & 8 ? -value : value) * p.codes[at * MX_BLOCK + (uint64_t)(8 * eighth + i)];
      }
    }
    float scale = half_scale(panel[scales_at(block) + (uint64_t)column]) * p.scales[at];
    sum = multiply_add((float)dot, scale, sum);
  }
  return sum;
}

template <bool gated>
PODIUM_DEVICE void mx_block(const mx_product &p) {
  int32_t first = (int32_t)block_index() * (gated ? 16 : 32);
  for (int32_t i = warp_index(); i < (gated ? 16 : 32); i += MX_THREADS / WARP) {
    int32_t column = first + i, panel = column / MX_ROWS * (gated ? 2 : 1);
    if (column >= p.n) break;
    const uint8_t *w = p.w + (uint64_t)panel * panel_size(p.k);
    for (int32_t row = 0; row < p.rows; row++) {
      float sums[2] = {warp_sum(mx_share(p, row, w, column % MX_ROWS)), 0};
      if (gated) sums[1] = warp_sum(mx_share(p, row, w + panel_size(p.k), column % MX_ROWS));
      if (lane_index() == 0) mx_finish<gated>(p, row, column, sums);
    }
  }
}

#endif

#endif

#if PODIUM_GFX950
constexpr int MX_WAVES = 4; /* two blocks on a compute unit */
#else
constexpr int MX_WAVES = 2;
#endif

/* ---- Kernels --------------------------------------------------------------------------------------------------- */

template <typename Values>
PODIUM_DEVICE void quantized_row(int32_t format, int8_t *codes, float *scales, int32_t *offsets, int32_t row,
                                 int32_t max_rows, int32_t k, Values values) {
#if PODIUM_GFX950
  mx950_quantize_row(format == 1, (uint8_t *)codes, (uint8_t *)scales, row, max_rows, k, values);
#else
  quantize_row(format, codes, scales, offsets, row, max_rows, k, values);
#endif
}

PODIUM_KERNEL(512)
quantize_rows(int32_t format, int8_t *codes, float *scales, int32_t *offsets, const float *x, const int32_t *live,
              int32_t max_rows, int32_t k) {
  int32_t row = (int32_t)block_index();
  if (row >= live_rows(live, max_rows)) return;
  quantized_row(format, codes, scales, offsets, row, max_rows, k, plain_values{x + (uint64_t)row * (uint64_t)k});
}

PODIUM_KERNEL(512)
rms_norm_quantize(int32_t format, int32_t dtype, int8_t *codes, float *scales, int32_t *offsets, const float *x,
                  const void *weight, const int32_t *rows, const int32_t *live, int32_t max_rows, int32_t width,
                  float epsilon) {
  int32_t row = (int32_t)block_index();
  if (row >= live_rows(live, max_rows)) return;
  const float *from = x + (rows ? (uint64_t)rows[row] : (uint64_t)row) * (uint64_t)width;
  float factor = inverse_root(from, width, aligned16(x), epsilon);
  quantized_row(format, codes, scales, offsets, row, max_rows, width, norm_values{from, weight, dtype, factor});
}

PODIUM_KERNEL_OF_WAVES(512, MX_WAVES)
gemm_mxfp4(float *y, const int8_t *codes, const float *scales, const int32_t *offsets, const void *w, const float *bias,
           const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
#if PODIUM_GFX950
  mx950_block<false>(mx950_product{y, (const uint8_t *)codes, (const uint8_t *)scales, (const uint8_t *)w, bias, max_rows,
                                   live_rows(live, max_rows), n, k / 32, (n + 31) / 32, accumulate});
#else
  mx_block<false>(mx_product{y, codes, scales, offsets, (const uint8_t *)w, bias, max_rows, live_rows(live, max_rows), n,
                             k, accumulate});
#endif
}

PODIUM_KERNEL_OF_WAVES(512, MX_WAVES)
gemm_mxfp4_silu_gate(float *h, const int8_t *codes, const float *scales, const int32_t *offsets, const void *w,
                     const int32_t *live, int32_t max_rows, int32_t n, int32_t k) {
#if PODIUM_GFX950
  mx950_block<true>(mx950_product{h, (const uint8_t *)codes, (const uint8_t *)scales, (const uint8_t *)w, nullptr,
                                  max_rows, live_rows(live, max_rows), n, k / 32, (n + 15) / 16, 0});
#else
  mx_block<true>(mx_product{h, codes, scales, offsets, (const uint8_t *)w, nullptr, max_rows, live_rows(live, max_rows), n,
                            k, 0});
#endif
}
