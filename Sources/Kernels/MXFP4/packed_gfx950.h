/* packed_gfx950.h - how MXFP4 weights lie in memory for the scaled matrix instruction of gfx950, and where the scales
 * of quantised rows lie for it.
 *
 * A panel is two tiles of sixteen rows: rows 32 p .. + 15 and + 16 .. + 31 of the matrix, or sixteen rows of gate and the
 * same of up.  Along k it goes in steps of 128, one instruction for each tile, and four steps make a group:
 *
 *   512 bytes      E8M0 scales, [64 lanes][2 tiles][4 steps]: a lane's eight are one load, and the instruction picks
 *                  the byte of the step
 *   4 x 2 x 1024   elements, [4 steps][2 tiles][64 lanes][16 bytes]: a lane's operand is one load, a wave's 1 KiB in a row
 *
 * Lane 16 q + r holds row r of its tile and block 4 s + q of 32 elements, in the order of the checkpoint.  The last group
 * has the elements of the steps that are there and scales for four; blocks and rows that are not there are zeros with
 * scale 1.  mxfp4_gfx950.h reads it. */
#ifndef PODIUM_PACKED_GFX950_H
#define PODIUM_PACKED_GFX950_H

#include "packed.h"

enum {
  MX950_PANEL_ROWS = 32,
  MX950_STEPS = 4, /* in a group */
  MX950_TILE = 64 * 16,
  MX950_SCALES = 64 * 2 * MX950_STEPS,
  MX950_GROUP = MX950_SCALES + MX950_STEPS * 2 * MX950_TILE
};

static inline size_t mx950_panel_size(int32_t k) {
  size_t steps = ((size_t)k / MX_BLOCK + 3) / 4;
  return (steps + MX950_STEPS - 1) / MX950_STEPS * MX950_SCALES + steps * 2 * MX950_TILE;
}

static inline size_t mx950_panels(int32_t n) { return ((size_t)n + MX950_PANEL_ROWS - 1) / MX950_PANEL_ROWS; }

/* Quantised rows: the four scales that a lane wants in a group lie in one word, [group][quarter][row of the sixteen];
 * the last group has words for the quarters that it has blocks for.  Never more bytes than one float for each block. */
static inline size_t mx950_words(size_t blocks) {
  size_t rest = blocks % (4 * MX950_STEPS);
  return blocks / (4 * MX950_STEPS) * 4 + (rest < 4 ? rest : 4);
}

#endif
