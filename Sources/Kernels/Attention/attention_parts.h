/* attention_parts.h - how attention is divided on a GPU: read by attention.c, which makes grids and sizes, and by
 * attention.hip, which is launched with them. */
#ifndef PODIUM_ATTENTION_PARTS_H
#define PODIUM_ATTENTION_PARTS_H

#ifdef PODIUM_DEVICE_H
#define ATTENTION_FUNCTION PODIUM_DEVICE
namespace podium {
#else
#include <stdint.h>
#define ATTENTION_FUNCTION static inline
#endif

enum {
  /* Keys of a part, counted from position 0: part of the order in which a GPU sums (docs/numerics.md). */
  ATTENTION_PART = 512,
  /* Queries (row, head) that a block takes when there are enough of them. */
  ATTENTION_BLOCK_QUERIES = 64,
  /* Blocks that fill a GPU: with fewer the parts of a row are blocks of their own, and with as many a block takes
   * several rows. */
  ATTENTION_FULL = 1024
};

/* Parts of the longest sequence that the page table has room for. */
ATTENTION_FUNCTION int32_t attention_parts(int32_t context) {
  return (int32_t)(((int64_t)context + ATTENTION_PART - 1) / ATTENTION_PART);
}

/* Whether each part is a block of its own, whose result goes to the workspace. */
ATTENTION_FUNCTION int32_t attention_is_split(int32_t max_rows, int32_t kv_heads, int32_t context) {
  return context > ATTENTION_PART && (int64_t)max_rows * kv_heads < ATTENTION_FULL;
}

/* Rows of a block: one when the grid is split. */
ATTENTION_FUNCTION int32_t attention_block_rows(int32_t max_rows, int32_t heads, int32_t kv_heads) {
  int32_t rows = ATTENTION_BLOCK_QUERIES / (heads / kv_heads);
  return rows > 1 && (int64_t)max_rows * kv_heads >= (int64_t)ATTENTION_FULL / 2 * rows &&
                 (int64_t)max_rows * kv_heads >= ATTENTION_FULL
             ? rows
             : 1;
}

#ifdef PODIUM_DEVICE_H
} // namespace podium
#endif
#undef ATTENTION_FUNCTION

#endif
