/* Compiled per instruction set by gemm_mxfp4.c. */

#include "mxfp4_tile.h"

#define TILE_CASE(rows_) \
  case rows_: ISA(mx_tile)(rows_, panel, blocks, x, sums); break;

/* sums[r] = the products of `rows` <= MX_TILE_ROWS rows with a panel. */
ISA_TARGET __attribute__((noinline)) static void ISA(mx_any_tile)(int rows, const uint8_t *panel, size_t blocks,
                                                                  mx_rows x, f32x16 *sums) {
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

#if MX_STREAMS > 1
ISA_TARGET __attribute__((noinline)) static void ISA(mx_any_streams)(int rows, const uint8_t *panel, size_t distance,
                                                                     size_t blocks, mx_rows x, f32x16 *sums) {
  switch (rows) {
  case 1: ISA(mx_streams)(1, panel, distance, blocks, x, sums); break;
  case 2: ISA(mx_streams)(2, panel, distance, blocks, x, sums); break;
  case 3: ISA(mx_streams)(3, panel, distance, blocks, x, sums); break;
  default: ISA(mx_streams)(MX_STREAM_ROWS, panel, distance, blocks, x, sums); break;
  }
}
#endif

/* Stores the finished sums of a panel. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_store)(float *y, const mx_product *p, const float *bias, int accumulate,
                                                 int row, int rows, size_t panel, const f32x16 *sums) {
  size_t column = panel * MX_ROWS, count = p->n - column;
  for (int r = 0; r < rows; r++) {
    float *out = y + (size_t)(row + r) * p->n + column;
    f32x16 v = sums[r];
    if (bias) v += ISA(load_up_to)(bias + column, count);
    if (accumulate) v += ISA(load_up_to)(out, count);
    ISA(store_up_to)(out, v, count);
  }
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_store_gated)(float *h, const mx_product *p, int row, int rows, size_t pair,
                                                       const f32x16 *gate, const f32x16 *up) {
  size_t column = pair * MX_ROWS;
  for (int r = 0; r < rows; r++) {
    f32x16 silu = gate[r] / (ISA(splat)(1.0f) + ISA(exp)(-gate[r]));
    ISA(store_up_to)(h + (size_t)(row + r) * p->n + column, silu * up[r], p->n - column);
  }
}

/* y[0..p.rows) of the panels first..<last. */
ISA_TARGET static void ISA(mx_linear)(float *y, mx_product p, const float *bias, int accumulate, size_t first,
                                      size_t last) {
  size_t size = mx_panel_size(p.k), blocks = (size_t)p.k / MX_BLOCK;
  size_t group = mx_panels_at_once(p.rows, size, last - first);
  for (size_t from = first; from < last; from += group) {
    size_t to = last - from < group ? last : from + group;
    for (int row = 0, rows; row < p.rows; row += rows) {
      mx_rows x = mx_rows_from(&p, row, MX_TILE_ROWS, &rows);
      size_t panel = from;
#if MX_STREAMS > 1
      size_t part = mx_stream_length(rows, to - from, MX_STREAMS);
      for (; panel < from + part; panel++) {
        f32x16 sums[MX_STREAMS * MX_STREAM_ROWS];
        ISA(mx_any_streams)(rows, p.w + panel * size, part * size, blocks, x, sums);
        for (size_t s = 0; s < MX_STREAMS; s++) {
          ISA(mx_store)(y, &p, bias, accumulate, row, rows, panel + s * part, sums + s * (size_t)rows);
        }
      }
      panel += (MX_STREAMS - 1) * part;
      if (panel < to) x.are_ordinary = ISA(mx_ordinary_rows)(rows, blocks, x);
#endif
      for (; panel < to; panel++) {
        f32x16 sums[MX_TILE_ROWS];
        ISA(mx_any_tile)(rows, p.w + panel * size, blocks, x, sums);
        ISA(mx_store)(y, &p, bias, accumulate, row, rows, panel, sums);
      }
    }
  }
}

/* h[0..p.rows) of the pairs of panels first..<last. */
ISA_TARGET static void ISA(mx_gate)(float *h, mx_product p, size_t first, size_t last) {
  size_t size = mx_panel_size(p.k), blocks = (size_t)p.k / MX_BLOCK;
  size_t group = mx_panels_at_once(p.rows, 2 * size, last - first);
  for (size_t from = first; from < last; from += group) {
    size_t to = last - from < group ? last : from + group;
    for (int row = 0, rows; row < p.rows; row += rows) {
      mx_rows x = mx_rows_from(&p, row, MX_TILE_ROWS, &rows);
      size_t pair = from;
#if MX_STREAMS > 1
      size_t part = mx_stream_length(rows, to - from, MX_STREAMS);
      for (; pair < from + part; pair++) {
        f32x16 gate[MX_STREAMS * MX_STREAM_ROWS], up[MX_STREAMS * MX_STREAM_ROWS];
        ISA(mx_any_streams)(rows, p.w + 2 * pair * size, 2 * part * size, blocks, x, gate);
        ISA(mx_any_streams)(rows, p.w + (2 * pair + 1) * size, 2 * part * size, blocks, x, up);
        for (size_t s = 0; s < MX_STREAMS; s++) {
          ISA(mx_store_gated)(h, &p, row, rows, pair + s * part, gate + s * (size_t)rows, up + s * (size_t)rows);
        }
      }
      pair += (MX_STREAMS - 1) * part;
      if (pair < to) x.are_ordinary = ISA(mx_ordinary_rows)(rows, blocks, x);
#endif
      for (; pair < to; pair++) {
        f32x16 gate[MX_TILE_ROWS], up[MX_TILE_ROWS];
        ISA(mx_any_tile)(rows, p.w + 2 * pair * size, blocks, x, gate);
        ISA(mx_any_tile)(rows, p.w + (2 * pair + 1) * size, blocks, x, up);
        ISA(mx_store_gated)(h, &p, row, rows, pair, gate, up);
      }
    }
  }
}

#undef TILE_CASE
#undef MX_TILE_ROWS
#undef MX_STREAMS
