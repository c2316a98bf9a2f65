/* packed.h - how MXFP4 weights lie in memory for the products.
 *
 * Sixteen rows of the matrix make a panel, panels follow each other, and a panel is read from its first byte to its
 * last: one sequential stream per thread, whatever the shape.  Along k a panel goes in blocks of 32, four of which
 * share a line of scales:
 *
 *   64 bytes    E8M0 scales, [4 blocks][16 rows]
 *   4 x 256     elements of the blocks, [4 eighths of k, 8 elements each][16 rows][4 bytes]
 *
 * Byte i of a row's four holds element 8 e + i in its low half and 8 e + 4 + i in its high half, e being the eighth: so
 * the low halves of one 64-byte line are one operand of a dot product of bytes, and the high halves the next.  The last
 * line of scales may serve fewer than four blocks; it is there in full length. */
#ifndef PODIUM_PACKED_H
#define PODIUM_PACKED_H

#include <stddef.h>
#include <stdint.h>

enum {
  MX_BLOCK = 32,
  MX_ROWS = 16, /* of a panel */
  MX_BLOCKS = 4, /* to a line of scales */
  MX_SCALES = MX_BLOCKS * MX_ROWS,
  MX_ELEMENTS = MX_ROWS * MX_BLOCK / 2,
  MX_GROUP = MX_SCALES + MX_BLOCKS * MX_ELEMENTS,
  /* What an element's doubled value is raised by to be an unsigned byte. */
  MX_RAISED = 12
};

static inline size_t mx_panel_size(int32_t k) {
  size_t blocks = (size_t)k / MX_BLOCK;
  return (blocks + MX_BLOCKS - 1) / MX_BLOCKS * MX_SCALES + blocks * MX_ELEMENTS;
}

static inline size_t mx_panels(int32_t n) { return ((size_t)n + MX_ROWS - 1) / MX_ROWS; }

/* Where the sixteen scales and the elements of a block begin in its panel. */
static inline size_t mx_scales_at(size_t block) {
  return block / MX_BLOCKS * MX_GROUP + block % MX_BLOCKS * MX_ROWS;
}

static inline size_t mx_elements_at(size_t block) {
  return block / MX_BLOCKS * MX_GROUP + MX_SCALES + block % MX_BLOCKS * MX_ELEMENTS;
}

#endif
