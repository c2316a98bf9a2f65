/* gemm_sizes.h - the blocking of products, common to all instruction sets.  It decides speed only, never bits. */
#ifndef PODIUM_GEMM_SIZES_H
#define PODIUM_GEMM_SIZES_H

enum {
  TILE_ROWS_MAX = 6,
  TILE_COLUMNS_MAX = 4,
  /* Weight rows of a block, a multiple of 16. */
  BLOCK_COLUMNS = 32,
  /* Rows of x whose unfinished sums are kept at once: 48 x 32 x 64 bytes = 96 KiB of stack, within L2. */
  PANEL_ROWS = 48,
  /* Elements of k that a pass over a panel takes: 6 rows of x, 12 KiB, stay in L1 while the weights come from L2. */
  PASS_K = 512
};

#endif
