/* tile.h - the register tile of a product: dot products of a few rows with a few columns, sixteen lanes each.
 *
 * Included once per instruction set, after lanes.h.  It is where the rule of reduction
 * lives: lane j of a dot product takes the elements k = j (mod 16), ascending, by fused multiply-add. */

/* sums[r * stride + c] (+)= x[r][0..count) . w[c][start..start + count), lane by lane.  start is a multiple of 16, and
 * so is count unless it ends the rows; a missing element counts as zero.  first: start from zero instead of the stored
 * sums.  The loop also asks for the bytes that `count` weights take at each of the `ahead_count` addresses in `ahead`,
 * the weights that come later, to be brought from memory into L2.  If `wide` is not NULL, the weights are also left there
 * as float32, wide_stride elements from column to column, with zeros up to a multiple of sixteen.  Constants: rows,
 * columns, dtype, and whether wide is NULL. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(widening_tile)(const int rows, const int columns, const int dtype,
                                                       const float *const *x, const void *const *w, size_t start,
                                                       size_t count, const char *const *ahead, int ahead_count,
                                                       int first, float *wide, size_t wide_stride, f32x16 *sums,
                                                       size_t stride) {
  const size_t size = podium_weight_size(dtype);
  const char *row[TILE_COLUMNS_MAX];
  f32x16 sum[TILE_ROWS_MAX][TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
  for (int c = 0; c < columns; c++) row[c] = (const char *)w[c] + start * size;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sum[r][c] = first ? (f32x16){0} : sums[(size_t)r * stride + (size_t)c];
  }
  size_t k = 0;
  for (; k + LANES <= count; k += LANES) {
    f32x16 weights[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) {
      weights[c] = ISA(load_weights)(dtype, row[c], k);
      if (wide) ISA(store)(wide + (size_t)c * wide_stride + k, weights[c]);
    }
#pragma clang loop unroll(disable)
    for (int i = 0; i < ahead_count; i++) __builtin_prefetch(ahead[i] + k * size, 0, 2);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 v = ISA(load)(x[r] + k);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) sum[r][c] = ISA(fma)(v, weights[c], sum[r][c]);
    }
  }
  if (k < count) {
    f32x16 weights[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) {
      weights[c] = ISA(load_weights_part)(dtype, row[c], k, count - k);
      if (wide) ISA(store)(wide + (size_t)c * wide_stride + k, weights[c]);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 v = ISA(load_part)(x[r] + k, count - k);
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
