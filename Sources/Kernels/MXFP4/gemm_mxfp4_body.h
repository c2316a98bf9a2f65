/* Compiled per instruction set by gemm_mxfp4.c. */

#include "mxfp4_tile.h"

#define TILE_CASE(rows_) \
  case rows_: ISA(mx_tile)(rows_, panel, first, count, tile, sums); break;

/* sums[r] += the products of `rows` rows with the blocks first..<first + count of a panel; first is a multiple of
 * MX_BLOCKS. */
ISA_TARGET __attribute__((noinline)) static void ISA(mx_any_tile)(int rows, const uint8_t *panel, size_t first,
                                                                  size_t count, mx_tile tile, f32x16 *sums) {
  switch (rows) {
    TILE_CASE(1)
#if MX_TILE_ROWS >= 2
    TILE_CASE(2)
#endif
#if MX_TILE_ROWS >= 3
    TILE_CASE(3)
#endif
#if MX_TILE_ROWS >= 4
    TILE_CASE(4)
#endif
#if MX_TILE_ROWS >= 16
    TILE_CASE(5) TILE_CASE(6) TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12)
    TILE_CASE(13) TILE_CASE(14) TILE_CASE(15) TILE_CASE(16)
#endif
  }
}

/* Copies blocks first..<first + count of `rows` rows together; a single row is together as it is. */
ISA_TARGET static mx_tile ISA(mx_gather)(mx_activations x, size_t row, int rows, size_t first, size_t count,
                                         int8_t *codes, float *scales, int32_t *offsets) {
  size_t blocks = x.k / MX_BLOCK;
  if (rows == 1) {
    size_t at = row * blocks + first;
    return (mx_tile){x.codes + at * MX_BLOCK, x.scales + at, x.offsets + at};
  }
  for (int r = 0; r < rows; r++) {
    size_t at = (row + (size_t)r) * blocks + first;
    for (size_t b = 0; b < count; b++) {
      size_t to = b * (size_t)rows + (size_t)r;
      __builtin_memcpy(codes + to * MX_BLOCK, x.codes + (at + b) * MX_BLOCK, MX_BLOCK);
      scales[to] = x.scales[at + b];
      offsets[to] = x.offsets[at + b];
    }
  }
  return (mx_tile){codes, scales, offsets};
}

/* sums[panel][row] of the products of `rows` <= CHUNK_ROWS rows with `panels` <= GROUP_PANELS packed panels. */
ISA_TARGET static void ISA(mx_products)(mx_activations x, size_t row, int rows, const uint8_t *packed, int panels,
                                        f32x16 (*sums)[CHUNK_ROWS]) {
  /* One block of 32 codes, its scale and its offset for each. */
  enum { ENTRIES = PASS_BYTES / MX_BLOCK };
  __attribute__((aligned(64))) int8_t codes[PASS_BYTES];
  float scales[ENTRIES];
  int32_t offsets[ENTRIES];
  size_t blocks = x.k / MX_BLOCK, panel_size = mx_panel_size((int32_t)x.k);
  int tiles = (rows + MX_TILE_ROWS - 1) / MX_TILE_ROWS;
  size_t pass = tiles > 1 ? PASS_BLOCKS : rows > 1 ? (size_t)(ENTRIES / rows) / MX_BLOCKS * MX_BLOCKS : blocks;
  for (int p = 0; p < panels; p++) {
    for (int r = 0; r < rows; r++) sums[p][r] = (f32x16){0};
  }
  for (size_t first = 0; first < blocks; first += pass) {
    size_t count = blocks - first < pass ? blocks - first : pass;
    for (int t = 0; t < tiles; t++) {
      int from = t * rows / tiles, to = (t + 1) * rows / tiles;
      mx_tile tile = ISA(mx_gather)(x, row + (size_t)from, to - from, first, count, codes, scales, offsets);
      for (int p = 0; p < panels; p++) {
        ISA(mx_any_tile)(to - from, packed + (size_t)p * panel_size, first, count, tile, sums[p] + from);
      }
    }
  }
}

/* y[0..rows) of the panels first..<last. */
ISA_TARGET static void ISA(mx_linear)(float *y, mx_activations x, int rows, const void *w, const float *bias, size_t n,
                                      int accumulate, size_t first, size_t last) {
  f32x16 sums[GROUP_PANELS][CHUNK_ROWS];
  size_t panel_size = mx_panel_size((int32_t)x.k);
  for (; first < last; first += GROUP_PANELS) {
    int panels = last - first < GROUP_PANELS ? (int)(last - first) : GROUP_PANELS;
    for (int row = 0; row < rows; row += CHUNK_ROWS) {
      int chunk = rows - row < CHUNK_ROWS ? rows - row : CHUNK_ROWS;
      ISA(mx_products)(x, (size_t)row, chunk, (const uint8_t *)w + first * panel_size, panels, sums);
      for (int r = 0; r < chunk; r++) {
        for (int p = 0; p < panels; p++) {
          size_t column = (first + (size_t)p) * MX_ROWS;
          float *out = y + (size_t)(row + r) * n + column;
          f32x16 v = sums[p][r];
          if (bias) v += ISA(load_up_to)(bias + column, n - column);
          if (accumulate) v += ISA(load_up_to)(out, n - column);
          ISA(store_up_to)(out, v, n - column);
        }
      }
    }
  }
}

/* h[0..rows) of the pairs of panels first..<last. */
ISA_TARGET static void ISA(mx_gate)(float *h, mx_activations x, int rows, const void *w, size_t n, size_t first,
                                    size_t last) {
  enum { PAIRS = GROUP_PANELS / 2 };
  f32x16 sums[GROUP_PANELS][CHUNK_ROWS];
  size_t pair_size = 2 * mx_panel_size((int32_t)x.k);
  for (; first < last; first += PAIRS) {
    int pairs = last - first < PAIRS ? (int)(last - first) : PAIRS;
    for (int row = 0; row < rows; row += CHUNK_ROWS) {
      int chunk = rows - row < CHUNK_ROWS ? rows - row : CHUNK_ROWS;
      ISA(mx_products)(x, (size_t)row, chunk, (const uint8_t *)w + first * pair_size, 2 * pairs, sums);
      for (int r = 0; r < chunk; r++) {
        for (int p = 0; p < pairs; p++) {
          size_t column = (first + (size_t)p) * MX_ROWS;
          f32x16 g = sums[2 * p][r], u = sums[2 * p + 1][r];
          f32x16 silu = g / (ISA(splat)(1.0f) + ISA(exp)(-g));
          ISA(store_up_to)(h + (size_t)(row + r) * n + column, silu * u, n - column);
        }
      }
    }
  }
}

#undef TILE_CASE
#undef MX_TILE_ROWS
