/* attention_sizes.h - the tiling of attention.  KEY_TILE is part of the rule of reduction (docs/numerics.md): changing
 * it changes bits.  The other sizes decide speed only. */
#ifndef PODIUM_ATTENTION_SIZES_H
#define PODIUM_ATTENTION_SIZES_H

enum {
  /* Keys of one softmax step, counted from position 0; a multiple of 16. */
  KEY_TILE = 64,
  /* Keys whose scores are the lanes of one vector. */
  KEY_BLOCK = 16,
  KEY_BLOCKS = KEY_TILE / KEY_BLOCK,
  /* Rows of one block, at most. */
  ATTENTION_ROWS = 48,
  /* Blocks that a grid should have, for as many cores, before a block takes more than one row. */
  ATTENTION_BLOCKS = 128,
  /* Queries (row, head) that are worked on together: 48 x 64 scores, 12 KiB; a multiple of 16. */
  QUERIES = 48,
  /* Elements of a head whose keys or values are rearranged or widened at a time: 64 x 128 floats, 32 KiB. */
  HEAD_CHUNK = 128,
  /* Beside the types of podium_dtype: E4M3 without a NaN. */
  FINITE_E4M3 = -1
};

#endif
