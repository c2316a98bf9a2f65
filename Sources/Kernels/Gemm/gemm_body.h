/* Compiled per instruction set by gemm.c. */

#include "tile.h"

#define TILE_CASE(rows_, dtype_)                                                                                   \
  case rows_:                                                                                                      \
    ISA(tile)(rows_, TILE_COLUMNS, dtype_, x, w, start, count, ahead, ahead_count, first, sums, BLOCK_COLUMNS);    \
    break;

#if TILE_ROWS == 6
#define TILE_CASES(dtype_)                                       \
  TILE_CASE(1, dtype_) TILE_CASE(2, dtype_) TILE_CASE(3, dtype_) \
  TILE_CASE(4, dtype_) TILE_CASE(5, dtype_) TILE_CASE(6, dtype_)
#elif TILE_ROWS == 3
#define TILE_CASES(dtype_) TILE_CASE(1, dtype_) TILE_CASE(2, dtype_) TILE_CASE(3, dtype_)
#else
#define TILE_CASES(dtype_) TILE_CASE(1, dtype_)
#endif

/* TILE_COLUMNS columns of `rows` rows. */
ISA_TARGET __attribute__((noinline)) static void ISA(tile_f32)(int rows, const float *const *x, const void *const *w,
                                                               size_t start, size_t count, const char *const *ahead,
                                                               int ahead_count, int first, f32x16 *sums) {
  switch (rows) { TILE_CASES(PODIUM_F32) }
}

ISA_TARGET __attribute__((noinline)) static void ISA(tile_bf16)(int rows, const float *const *x, const void *const *w,
                                                                size_t start, size_t count, const char *const *ahead,
                                                                int ahead_count, int first, f32x16 *sums) {
  switch (rows) { TILE_CASES(PODIUM_BF16) }
}

ISA_TARGET __attribute__((noinline)) static void ISA(tile_f16)(int rows, const float *const *x, const void *const *w,
                                                               size_t start, size_t count, const char *const *ahead,
                                                               int ahead_count, int first, f32x16 *sums) {
  switch (rows) { TILE_CASES(PODIUM_F16) }
}

ISA_TARGET __attribute__((noinline)) static void ISA(tile_f8)(int rows, const float *const *x, const void *const *w,
                                                              size_t start, size_t count, const char *const *ahead,
                                                              int ahead_count, int first, f32x16 *sums) {
  switch (rows) { TILE_CASES(PODIUM_F8E4M3) }
}

/* sums[r][c] = lanes of x[r] . w[c] for `rows` <= PANEL_ROWS rows of x and `columns` of the BLOCK_COLUMNS columns, a
 * multiple of TILE_COLUMNS.  next_block: bytes from a column to the one in its place in the next block, which is
 * likely to be wanted next. */
ISA_TARGET static void ISA(panel)(int dtype, const float *x, int rows, const void *const *w, int columns, size_t k,
                                  size_t next_block, f32x16 *sums) {
  int tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  int tile_rows = (rows + tiles - 1) / tiles;
  size_t pass = tile_rows == 1 ? 4 * PASS_K : tile_rows <= 3 ? 2 * PASS_K : PASS_K;
  size_t size = podium_weight_size(dtype);
  /* When a row is a multiple of 4 KiB, the same k of all rows of x and w falls into one set of L1, and the ways do not
   * suffice: then x is copied together.  Weights of two bytes advance at half the pace and leave room. */
  int crowded = tile_rows > 1 && dtype == PODIUM_F32 && k * sizeof(float) % 4096 == 0;
  for (size_t start = 0; start < k; start += pass) {
    size_t end = start + pass < k ? start + pass : k;
    for (int tile = 0; tile < tiles; tile++) {
      int from = tile * rows / tiles, to = (tile + 1) * rows / tiles;
      float copy[TILE_ROWS_MAX * PASS_K];
      const float *at[TILE_ROWS_MAX];
      for (int r = from; r < to; r++) {
        at[r - from] = x + (size_t)r * k + start;
        if (crowded) {
          float *row = copy + (size_t)(r - from) * pass;
          for (size_t i = 0; i < end - start; i += LANES) ISA(store)(row + i, ISA(load)(at[r - from] + i));
          at[r - from] = row;
        }
      }
      /* Each tile brings a share of every column that the next pass, or the next block, needs. */
      int ahead_first = tile * TILE_COLUMNS / tiles, ahead_count = (tile + 1) * TILE_COLUMNS / tiles - ahead_first;
      /* A single row only streams: two tiles ahead are enough, and what comes too early may be gone again. */
      int distance = rows == 1 ? 2 * TILE_COLUMNS : columns;
      for (int c = 0; c < columns; c += TILE_COLUMNS) {
        const char *ahead[TILE_COLUMNS_MAX];
        for (int i = 0; i < ahead_count; i++) {
          int column = c + ahead_first + i + distance;
          if (column < columns) {
            ahead[i] = (const char *)w[column] + start * size;
          } else {
            column = (column - columns) % columns;
            ahead[i] = (const char *)w[column] + (end < k ? end * size : next_block);
          }
        }
        f32x16 *to_sums = sums + (size_t)from * BLOCK_COLUMNS + (size_t)c;
        if (dtype == PODIUM_BF16) {
          ISA(tile_bf16)(to - from, at, w + c, start, end - start, ahead, ahead_count, start == 0, to_sums);
        } else if (dtype == PODIUM_F16) {
          ISA(tile_f16)(to - from, at, w + c, start, end - start, ahead, ahead_count, start == 0, to_sums);
        } else if (dtype == PODIUM_F8E4M3) {
          ISA(tile_f8)(to - from, at, w + c, start, end - start, ahead, ahead_count, start == 0, to_sums);
        } else {
          ISA(tile_f32)(to - from, at, w + c, start, end - start, ahead, ahead_count, start == 0, to_sums);
        }
      }
    }
  }
}

/* y[0..rows)[first..first + columns) of the product. */
ISA_TARGET static void ISA(gemm_block)(int dtype, float *y, const float *x, const void *w, const float *scales,
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
    ISA(panel)(dtype, x + (size_t)from * k, to - from, weights, padded, k,
               panel + 1 < panels ? 0 : BLOCK_COLUMNS * row_size, sums);
    for (int r = from; r < to; r++) {
      const f32x16 *row_sums = sums + (size_t)(r - from) * BLOCK_COLUMNS;
      float *out = y + (size_t)r * n + first;
      for (int c = 0; c < columns; c += LANES) {
        size_t count = (size_t)(columns - c);
        f32x16 v = ISA(sums)(row_sums + c);
        if (scales) v *= ISA(load_up_to)(scales + first + c, count);
        if (bias) v += ISA(load_weights_up_to)(bias_dtype, bias, first + (size_t)c, count);
        if (accumulate) v += ISA(load_up_to)(out + c, count);
        ISA(store_up_to)(out + c, v, count);
      }
    }
  }
}

/* h[0..rows)[first..first + columns) of the gated product: gate in the lower half of the panel's columns, up in the
 * upper half. */
ISA_TARGET static void ISA(gate_block)(int dtype, float *h, const float *x, const void *gate, const void *up,
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
    ISA(panel)(dtype, x + (size_t)from * k, to - from, weights, BLOCK_COLUMNS, k,
               panel + 1 < panels ? 0 : HALF * row_size, sums);
    for (int r = from; r < to; r++) {
      const f32x16 *row_sums = sums + (size_t)(r - from) * BLOCK_COLUMNS;
      float *out = h + (size_t)r * n + first;
      for (int c = 0; c < columns; c += LANES) {
        f32x16 g = ISA(sums)(row_sums + c);
        f32x16 u = ISA(sums)(row_sums + HALF + c);
        size_t count = (size_t)(columns - c);
        if (gate_scales) g *= ISA(load_up_to)(gate_scales + first + c, count);
        if (up_scales) u *= ISA(load_up_to)(up_scales + first + c, count);
        f32x16 silu = g / (ISA(splat)(1.0f) + ISA(exp)(-g));
        ISA(store_up_to)(out + c, silu * u, count);
      }
    }
  }
}

#undef TILE_CASE
#undef TILE_CASES
