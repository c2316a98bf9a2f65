/* Compiled per instruction set by gemm.c. */

#include "tile.h"

#if WIDENED_HALVES
/* NaN among E4M3 codes: doubled, 0x7f and 0xff are 0xfe, and all other codes are less. */
LANES_ALWAYS_INLINE ISA_TARGET u8x64 ISA(most_doubled)(u8x64 most, const char *codes) {
  u8x64 v;
  __builtin_memcpy(&v, codes, sizeof v);
  return __builtin_elementwise_max(most, v + v);
}

ISA_TARGET static int ISA(is_nan_doubled)(u8x64 most) {
  int found = 0;
  for (size_t i = 0; i < sizeof most; i++) found |= most[i] == 0xfe;
  return found;
}

ISA_TARGET static int ISA(holds_nan)(const char *codes, size_t count) {
  u8x64 most = {0};
  size_t i = 0;
  for (; i + sizeof most <= count; i += sizeof most) most = ISA(most_doubled)(most, codes + i);
  int found = ISA(is_nan_doubled)(most);
  for (; i < count; i++) found |= (codes[i] & 0x7f) == 0x7f;
  return found;
}
#endif

#if defined(BYTE_DOT_PRODUCTS)
#include "e4m3_table.h"

/* 2^-8 times the values of 64 E4M3 codes, NaN included. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(widen_64_e4m3)(const char *codes, f32x16 values[4]) {
  const __m512i high_0 = _mm512_load_si512(podium_e4m3_high), high_1 = _mm512_load_si512(podium_e4m3_high + 64);
  const __m512i low_0 = _mm512_load_si512(podium_e4m3_low), low_1 = _mm512_load_si512(podium_e4m3_low + 64);
  __m512i v = _mm512_loadu_si512(codes);
  __m512i low = _mm512_permutex2var_epi8(low_0, v, low_1);
  __m512i high = _mm512_permutex2var_epi8(high_0, v, high_1);
  high = _mm512_ternarylogic_epi32(high, v, _mm512_set1_epi8((char)0x80), 0xf8); /* high | (v & sign) */
  /* Byte i of each half goes to the two upper bytes of lane i mod 16. */
  u32x16 lanes = (u32x16)ISA(lane_numbers)(), places = lanes << 24 | lanes << 16 | 0x40000000u;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    values[i] = (f32x16)_mm512_maskz_permutex2var_epi8(0xccccccccccccccccull, low,
                                                       (__m512i)(places + 0x10100000u * (uint32_t)i), high);
  }
}
#endif

#include "stream_body.h"

/* ---- Panels: many rows of E4M3, and columns that are less than sixteen ----------------------------------------- */

#if TILE_ROWS == 6
#define TILE_CASES(dtype_, wide_)                                                     \
  TILE_CASE(1, dtype_, wide_) TILE_CASE(2, dtype_, wide_) TILE_CASE(3, dtype_, wide_) \
  TILE_CASE(4, dtype_, wide_) TILE_CASE(5, dtype_, wide_) TILE_CASE(6, dtype_, wide_)
#elif TILE_ROWS == 3
#define TILE_CASES(dtype_, wide_) TILE_CASE(1, dtype_, wide_) TILE_CASE(2, dtype_, wide_) TILE_CASE(3, dtype_, wide_)
#else
#define TILE_CASES(dtype_, wide_) TILE_CASE(1, dtype_, wide_)
#endif

#define TILE_CASE(rows_, dtype_, wide_)                                                                        \
  case rows_:                                                                                                  \
    ISA(widening_tile)(rows_, TILE_COLUMNS, dtype_, x, w, start, count, ahead, ahead_count, first, wide_,      \
                       WIDE_STRIDE, sums, BLOCK_COLUMNS);                                                      \
    break;

/* The first tile of rows in a panel widens TILE_COLUMNS columns for the others while it computes. */
#define FIRST_TILE(name_, dtype_)                                                                                     \
  ISA_TARGET __attribute__((noinline)) static void ISA(first_tile_##name_)(                                           \
      int rows, const float *const *x, const void *const *w, size_t start, size_t count, const char *const *ahead,    \
      int ahead_count, int first, float *wide, f32x16 *sums) {                                                        \
    switch (rows) { TILE_CASES(dtype_, wide) }                                                                        \
  }
FIRST_TILE(f32, PODIUM_F32)
FIRST_TILE(bf16, PODIUM_BF16)
FIRST_TILE(f16, PODIUM_F16)
FIRST_TILE(e4m3, E4M3_SCALED)
#if WIDENED_HALVES
FIRST_TILE(finite_e4m3, E4M3_SCALED_FINITE)
#endif

/* The others compute with what the first has left. */
ISA_TARGET __attribute__((noinline)) static void ISA(wide_tile)(int rows, const float *const *x, const void *const *w,
                                                                size_t count, const char *const *ahead,
                                                                int ahead_count, int first, f32x16 *sums) {
  enum { start = 0 };
  switch (rows) { TILE_CASES(PODIUM_F32, NULL) }
}

ISA_TARGET static void ISA(decode_e4m3)(float *values, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    ISA(store_up_to)(values + i, ISA(load_weights_up_to)(PODIUM_F8E4M3, codes, i, count - i), count - i);
  }
}

/* sums[r][c] = lanes of x[top + r] . w[c] for `rows` <= PANEL_ROWS rows and `columns` of the BLOCK_COLUMNS columns, a
 * multiple of TILE_COLUMNS.  next_block: bytes from a column to the one in its place in the next block, which is
 * likely to be wanted next. */
ISA_TARGET static void ISA(panel)(int dtype, const product_input *x, int top, int rows,
                                  const void *const *w, int columns, size_t k, size_t next_block, f32x16 *sums) {
  float wide[BLOCK_COLUMNS * WIDE_STRIDE] __attribute__((aligned(64)));
  float decoded[PANEL_ROWS * WIDE_STRIDE] __attribute__((aligned(64)));
  int tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  size_t size = podium_weight_size(dtype);
  for (size_t start = 0; start < k; start += PASS_K) {
    size_t end = start + PASS_K < k ? start + PASS_K : k, count = end - start;
    for (int r = 0; r < rows && x->codes; r++) {
      ISA(decode_e4m3)(decoded + (size_t)r * WIDE_STRIDE, x->codes + (size_t)(top + r) * k + start, count);
    }
#if WIDENED_HALVES
    int is_finite = dtype == E4M3_SCALED;
    for (int c = 0; c < columns && is_finite; c++) {
      is_finite = !ISA(holds_nan)((const char *)w[c] + start, count);
    }
#endif
    for (int tile = 0; tile < tiles; tile++) {
      int from = (int)((int64_t)tile * rows / tiles), to = (int)((int64_t)(tile + 1) * rows / tiles);
      const float *at[TILE_ROWS_MAX];
      for (int r = from; r < to; r++) {
        at[r - from] = x->codes ? decoded + (size_t)r * WIDE_STRIDE : x->values + (size_t)(top + r) * k + start;
      }
      /* Each tile brings a share of every column that the next pass, or the next block, needs. */
      int ahead_first = tile * TILE_COLUMNS / tiles, ahead_count = (tile + 1) * TILE_COLUMNS / tiles - ahead_first;
      for (int c = 0; c < columns; c += TILE_COLUMNS) {
        const char *ahead[TILE_COLUMNS_MAX];
        const void *widened[TILE_COLUMNS_MAX];
        for (int i = 0; i < ahead_count; i++) {
          ahead[i] = (const char *)w[c + ahead_first + i] + (end < k ? end * size : next_block);
        }
        for (int i = 0; i < TILE_COLUMNS; i++) widened[i] = wide + (size_t)(c + i) * WIDE_STRIDE;
        f32x16 *to_sums = sums + (size_t)from * BLOCK_COLUMNS + (size_t)c;
#define FIRST(name_)                                                                                         \
  ISA(first_tile_##name_)(to - from, at, w + c, start, count, ahead, ahead_count, start == 0,                \
                          wide + (size_t)c * WIDE_STRIDE, to_sums)
        if (tile > 0) {
          ISA(wide_tile)(to - from, at, widened, count, ahead, ahead_count, start == 0, to_sums);
        } else if (dtype == PODIUM_BF16) {
          FIRST(bf16);
        } else if (dtype == PODIUM_F16) {
          FIRST(f16);
        } else if (dtype == PODIUM_F32) {
          FIRST(f32);
#if WIDENED_HALVES
        } else if (is_finite) {
          FIRST(finite_e4m3);
#endif
        } else {
          FIRST(e4m3);
        }
#undef FIRST
      }
    }
  }
}

/* ---- What follows the sums ------------------------------------------------------------------------------------- */

/* The sums of sixteen results, with their scales and that of x. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(scaled)(int dtype, const f32x16 *sums, float x_scale, const float *scales,
                                                  size_t first, size_t count) {
  f32x16 v = ISA(sums)(sums);
  if (dtype == E4M3_SCALED) v *= 256.0f;
  return scales ? v * (ISA(load_up_to)(scales + first, count) * x_scale) : v * x_scale;
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(finish)(int dtype, float *y, const f32x16 *sums, float x_scale,
                                                const float *scales, const void *bias, int bias_dtype, size_t first, size_t count,
                                                int accumulate) {
  f32x16 v = ISA(scaled)(dtype, sums, x_scale, scales, first, count);
  if (bias) v += ISA(load_weights_up_to)(bias_dtype, bias, first, count);
  if (accumulate) v += ISA(load_up_to)(y, count);
  ISA(store_up_to)(y, v, count);
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(finish_gate)(int dtype, float *h, const f32x16 *gate, const f32x16 *up,
                                                     float x_scale, const float *gate_scales, const float *up_scales,
                                                     size_t first, size_t count) {
  f32x16 g = ISA(scaled)(dtype, gate, x_scale, gate_scales, first, count);
  f32x16 u = ISA(scaled)(dtype, up, x_scale, up_scales, first, count);
  f32x16 silu = g / (ISA(splat)(1.0f) + ISA(exp)(-g));
  ISA(store_up_to)(h, silu * u, count);
}

/* ---- Columns first <= i < last of a product -------------------------------------------------------------------- */

/* Up to BLOCK_COLUMNS of them, by panels. */
ISA_TARGET static void ISA(gemm_block)(int dtype, float *y, const product_input *x, const void *w, const float *scales,
                                       const void *bias, int bias_dtype, int rows, size_t n, size_t k, size_t first,
                                       int columns, int accumulate) {
  f32x16 sums[PANEL_ROWS * BLOCK_COLUMNS];
  const void *weights[BLOCK_COLUMNS];
  size_t row_size = k * podium_weight_size(dtype);
  for (int c = 0; c < BLOCK_COLUMNS; c++) {
    size_t column = first + (size_t)(c < columns ? c : columns - 1); /* the surplus is computed and dropped */
    weights[c] = (const char *)w + column * row_size;
  }
  int padded = (columns + LANES - 1) / LANES * LANES;
  int panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
  for (int panel = 0; panel < panels; panel++) {
    int from = (int)((int64_t)panel * rows / panels), to = (int)((int64_t)(panel + 1) * rows / panels);
    ISA(panel)(dtype, x, from, to - from, weights, padded, k,
               panel + 1 < panels ? 0 : BLOCK_COLUMNS * row_size, sums);
    for (int r = from; r < to; r++) {
      const f32x16 *row_sums = sums + (size_t)(r - from) * BLOCK_COLUMNS;
      float *out = y + (size_t)r * n + first;
      for (int c = 0; c < columns; c += LANES) {
        ISA(finish)(dtype, out + c, row_sums + c, x->scale, scales, bias, bias_dtype, first + (size_t)c,
                    (size_t)(columns - c), accumulate);
      }
    }
  }
}

ISA_TARGET static void ISA(gemm_columns)(int dtype, float *y, const product_input *x, const void *w,
                                         const float *scales, const void *bias, int bias_dtype, int rows, size_t n, size_t k, size_t first,
                                         size_t last, int accumulate) {
  size_t row_size = k * podium_weight_size(dtype);
  size_t streamed = !x->codes && ISA(is_streamed)(dtype, rows) ? first + (last - first) / LANES * LANES : first;
  int panels = (rows + STREAM_PANEL_ROWS - 1) / STREAM_PANEL_ROWS;
  for (int panel = 0; panel < panels && streamed > first; panel++) {
    int top = (int)((int64_t)panel * rows / panels), height = (int)((int64_t)(panel + 1) * rows / panels) - top;
    int groups = (height + STREAM_ROWS - 1) / STREAM_ROWS;
    for (size_t column = first; column < streamed; column += LANES) {
      const char *columns = (const char *)w + column * row_size;
      for (int group = 0; group < groups; group++) {
        f32x16 sums[TILE_ROWS * LANES];
        int from = top + group * height / groups, to = top + (group + 1) * height / groups;
        ISA(stream)(dtype, to - from, x->values + (size_t)from * k, k, columns, columns + LANES * row_size, sums);
        for (int r = from; r < to; r++) {
          ISA(finish)(dtype, y + (size_t)r * n + column, sums + (r - from) * LANES, x->scale, scales, bias, bias_dtype,
                      column, LANES, accumulate);
        }
      }
    }
  }
  for (first = streamed; first < last; first += BLOCK_COLUMNS) {
    int columns = first + BLOCK_COLUMNS < last ? BLOCK_COLUMNS : (int)(last - first);
    ISA(gemm_block)(dtype, y, x, w, scales, bias, bias_dtype, rows, n, k, first, columns, accumulate);
  }
}

/* Up to BLOCK_COLUMNS / 2 of a gated product: gate in the lower half of the panel's columns, up in the upper half. */
ISA_TARGET static void ISA(gate_block)(int dtype, float *h, const product_input *x, const void *gate, const void *up,
                                       const float *gate_scales, const float *up_scales, int rows, size_t n, size_t k,
                                       size_t first, int columns) {
  enum { HALF = BLOCK_COLUMNS / 2 };
  f32x16 sums[PANEL_ROWS * BLOCK_COLUMNS];
  const void *weights[BLOCK_COLUMNS];
  size_t row_size = k * podium_weight_size(dtype);
  for (int c = 0; c < HALF; c++) {
    size_t column = first + (size_t)(c < columns ? c : columns - 1);
    weights[c] = (const char *)gate + column * row_size;
    weights[c + HALF] = (const char *)up + column * row_size;
  }
  int panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
  for (int panel = 0; panel < panels; panel++) {
    int from = (int)((int64_t)panel * rows / panels), to = (int)((int64_t)(panel + 1) * rows / panels);
    ISA(panel)(dtype, x, from, to - from, weights, BLOCK_COLUMNS, k,
               panel + 1 < panels ? 0 : HALF * row_size, sums);
    for (int r = from; r < to; r++) {
      const f32x16 *row_sums = sums + (size_t)(r - from) * BLOCK_COLUMNS;
      for (int c = 0; c < columns; c += LANES) {
        ISA(finish_gate)(dtype, h + (size_t)r * n + first + c, row_sums + c, row_sums + HALF + c, x->scale,
                         gate_scales, up_scales, first + (size_t)c, (size_t)(columns - c));
      }
    }
  }
}

ISA_TARGET static void ISA(gate_columns)(int dtype, float *h, const product_input *x, const void *gate, const void *up,
                                         const float *gate_scales, const float *up_scales, int rows, size_t n,
                                         size_t k, size_t first, size_t last) {
  f32x16 sums[2][STREAM_PANEL_ROWS * LANES];
  size_t row_size = k * podium_weight_size(dtype);
  size_t streamed = !x->codes && ISA(is_streamed)(dtype, rows) ? first + (last - first) / LANES * LANES : first;
  int panels = (rows + STREAM_PANEL_ROWS - 1) / STREAM_PANEL_ROWS;
  for (int panel = 0; panel < panels && streamed > first; panel++) {
    int top = (int)((int64_t)panel * rows / panels), height = (int)((int64_t)(panel + 1) * rows / panels) - top;
    int groups = (height + STREAM_ROWS - 1) / STREAM_ROWS;
    for (size_t column = first; column < streamed; column += LANES) {
      const char *columns[3] = {(const char *)gate + column * row_size, (const char *)up + column * row_size,
                                (const char *)gate + (column + LANES) * row_size};
      for (int half = 0; half < 2; half++) {
        for (int group = 0; group < groups; group++) {
          int from = group * height / groups, to = (group + 1) * height / groups;
          ISA(stream)(dtype, to - from, x->values + (size_t)(top + from) * k, k, columns[half], columns[half + 1],
                      sums[half] + from * LANES);
        }
      }
      for (int r = 0; r < height; r++) {
        ISA(finish_gate)(dtype, h + (size_t)(top + r) * n + column, sums[0] + r * LANES, sums[1] + r * LANES,
                         x->scale, gate_scales, up_scales, column, LANES);
      }
    }
  }
  for (first = streamed; first < last; first += BLOCK_COLUMNS / 2) {
    int columns = first + BLOCK_COLUMNS / 2 < last ? BLOCK_COLUMNS / 2 : (int)(last - first);
    ISA(gate_block)(dtype, h, x, gate, up, gate_scales, up_scales, rows, n, k, first, columns);
  }
}

#undef FIRST_TILE
#undef STREAM_ROWS
#undef TILE_CASE
#undef TILE_CASES
