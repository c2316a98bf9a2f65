/* tile.h - the register tile of a product: dot products of a few rows with a few columns, sixteen lanes each.
 *
 * Included once per instruction set, after lanes.h; Gemm and Attention share it.  It is where the rule of reduction
 * lives: lane j of a dot product takes the elements k = j (mod 16), ascending, by fused multiply-add. */

/* sums[r * stride + c] (+)= x[r][start..end) . w[c][start..end), lane by lane.  start is a multiple of 16, and so is
 * end unless it ends the rows; a missing element counts as zero.  first: start from zero instead of the stored sums.
 * Constants: rows, columns, bf16, prefetch. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(tile)(const int rows, const int columns, const int bf16, const int prefetch,
                                              const float *const *x, const void *const *w, size_t start, size_t end,
                                              size_t ahead, int first, f32x16 *sums, size_t stride) {
  f32x16 sum[TILE_ROWS_MAX][TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sum[r][c] = first ? (f32x16){0} : sums[(size_t)r * stride + (size_t)c];
  }
  size_t k = start;
  for (; k + LANES <= end; k += LANES) {
    f32x16 weights[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) {
      weights[c] = ISA(load_weights)(bf16, w[c], k);
      if (prefetch) __builtin_prefetch((const char *)w[c] + ahead + k * (bf16 ? 2 : 4), 0, 3);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 v = ISA(load)(x[r] + k);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) sum[r][c] = ISA(fma)(v, weights[c], sum[r][c]);
    }
  }
  if (k < end) {
    f32x16 weights[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) weights[c] = ISA(load_weights_part)(bf16, w[c], k, end - k);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 v = ISA(load_part)(x[r] + k, end - k);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) sum[r][c] = ISA(fma)(v, weights[c], sum[r][c]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sums[(size_t)r * stride + (size_t)c] = sum[r][c];
  }
}
