/* attention_sizes.h - the tiling of attention.  KEY_TILE is part of the rule of reduction (docs/numerics.md): changing
 * it changes bits.  The other sizes decide speed only. */
#ifndef PODIUM_ATTENTION_SIZES_H
#define PODIUM_ATTENTION_SIZES_H

enum {
  /* Keys of one softmax step, counted from position 0; a multiple of 16. */
  KEY_TILE = 64,
  /* Rows of one block, at most. */
  ATTENTION_ROWS = 32,
  /* Blocks that a grid should have, for as many cores, before a block takes more than one row. */
  ATTENTION_BLOCKS = 128,
  /* Queries (row, head) that are worked on together: 32 x 64 scores, 8 KiB. */
  QUERIES = 32
};

#endif
