/* gemm_sizes.h - the blocking of products, common to all instruction sets.  It decides speed only, never bits. */
#ifndef PODIUM_GEMM_SIZES_H
#define PODIUM_GEMM_SIZES_H

enum {
  TILE_ROWS_MAX = 6,
  TILE_COLUMNS_MAX = 4,
  /* Weight rows of a block, a multiple of 16. */
  BLOCK_COLUMNS = 32,
  /* Rows of x whose unfinished sums are kept at once: 96 x 32 x 64 bytes = 192 KiB of stack, within L2. */
  PANEL_ROWS = 96,
  /* Elements of k that a pass over a panel takes: 6 rows of x, 24 KiB, stay in L1 while the weights come from L2. */
  PASS_K = 1024,
  /* Elements from column to column of widened weights; not a multiple of 4 KiB, lest the same k of all columns crowds
   * one set of L1. */
  WIDE_STRIDE = PASS_K + 16,
  /* Rows of x that take their turns with sixteen streamed columns: with those, they stay in L2. */
  STREAM_PANEL_ROWS = 48,
  /* Bytes of a column that a pass over streamed weights takes: twice sixteen columns stay within L2. */
  STREAM_BYTES = 16384,
  /* Bytes of one row of x up to which columns are read one by one: so much stays in L1 beside what streams past. */
  STREAM_ALONE_BYTES = 8192
};

#endif
