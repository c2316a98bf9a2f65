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

/* y[0..p.rows) of the panels first..<last. */
ISA_TARGET static void ISA(mx_linear)(float *y, mx_product p, const float *bias, int accumulate, size_t first,
                                      size_t last) {
  size_t panel_size = mx_panel_size(p.k), group = mx_panels_at_once(panel_size);
  for (size_t from = first; from < last; from += group) {
    size_t to = last - from < group ? last : from + group;
    for (int row = 0, rows; row < p.rows; row += rows) {
      mx_rows x = mx_rows_from(&p, row, MX_TILE_ROWS, &rows);
#if WIDENED_HALVES == 16
      x.are_ordinary = ISA(mx_ordinary_rows)(rows, (size_t)p.k / MX_BLOCK, x);
#endif
      for (size_t panel = from; panel < to; panel++) {
        f32x16 sums[MX_TILE_ROWS];
        ISA(mx_any_tile)(rows, p.w + panel * panel_size, (size_t)p.k / MX_BLOCK, x, sums);
        size_t column = panel * MX_ROWS, count = p.n - column;
        for (int r = 0; r < rows; r++) {
          float *out = y + (size_t)(row + r) * p.n + column;
          f32x16 v = sums[r];
          if (bias) v += ISA(load_up_to)(bias + column, count);
          if (accumulate) v += ISA(load_up_to)(out, count);
          ISA(store_up_to)(out, v, count);
        }
      }
    }
  }
}

/* h[0..p.rows) of the pairs of panels first..<last. */
ISA_TARGET static void ISA(mx_gate)(float *h, mx_product p, size_t first, size_t last) {
  size_t panel_size = mx_panel_size(p.k), group = mx_panels_at_once(2 * panel_size);
  for (size_t from = first; from < last; from += group) {
    size_t to = last - from < group ? last : from + group;
    for (int row = 0, rows; row < p.rows; row += rows) {
      mx_rows x = mx_rows_from(&p, row, MX_TILE_ROWS, &rows);
#if WIDENED_HALVES == 16
      x.are_ordinary = ISA(mx_ordinary_rows)(rows, (size_t)p.k / MX_BLOCK, x);
#endif
      for (size_t pair = from; pair < to; pair++) {
        f32x16 gate[MX_TILE_ROWS], up[MX_TILE_ROWS];
        const uint8_t *panels = p.w + pair * 2 * panel_size;
        ISA(mx_any_tile)(rows, panels, (size_t)p.k / MX_BLOCK, x, gate);
        ISA(mx_any_tile)(rows, panels + panel_size, (size_t)p.k / MX_BLOCK, x, up);
        size_t column = pair * MX_ROWS;
        for (int r = 0; r < rows; r++) {
          f32x16 silu = gate[r] / (ISA(splat)(1.0f) + ISA(exp)(-gate[r]));
          ISA(store_up_to)(h + (size_t)(row + r) * p.n + column, silu * up[r], p.n - column);
        }
      }
    }
  }
}

#undef TILE_CASE
#undef MX_TILE_ROWS
