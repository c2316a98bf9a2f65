#include "podium_kernels.h"

#include "packed.h"
#include "packed_gfx950.h"

#include <string.h>

size_t podium_packed_mxfp4_size(podium_backend backend, int32_t n, int32_t k) {
  if (backend == PODIUM_BACKEND_GFX950) return mx950_panels(n) * mx950_panel_size(k);
  return mx_panels(n) * mx_panel_size(k);
}

size_t podium_packed_mxfp4_pair_size(podium_backend backend, int32_t n, int32_t k) {
  /* A panel of a pair has sixteen rows of each. */
  if (backend == PODIUM_BACKEND_GFX950) return mx_panels(n) * mx950_panel_size(k);
  return 2 * mx_panels(n) * mx_panel_size(k);
}

/* The eight elements of four bytes, first in the low half, to four bytes with the elements i and i + 4 in byte i. */
static uint32_t regrouped(const uint8_t *four) {
  uint32_t low = (uint32_t)(four[0] & 15) | (uint32_t)(four[0] >> 4) << 8 | (uint32_t)(four[1] & 15) << 16 |
                 (uint32_t)(four[1] >> 4) << 24;
  uint32_t high = (uint32_t)(four[2] & 15) | (uint32_t)(four[2] >> 4) << 8 | (uint32_t)(four[3] & 15) << 16 |
                  (uint32_t)(four[3] >> 4) << 24;
  return low | high << 4;
}

/* Rows from..<to of a panel; those in padding..<16 become zeros. */
static void pack_panel(uint8_t *panel, size_t blocks, size_t from, size_t to, size_t padding, const uint8_t *codes,
                       const uint8_t *scales) {
  for (size_t block = 0; block < blocks; block++) {
    uint8_t *to_scales = panel + mx_scales_at(block), *to_elements = panel + mx_elements_at(block);
    for (size_t row = from; row < to; row++) to_scales[row] = scales[(row - from) * blocks + block];
    for (size_t row = padding; row < MX_ROWS; row++) to_scales[row] = 127;
    for (size_t part = 0; part < 4; part++) {
      uint8_t *line = to_elements + part * 4 * MX_ROWS;
      for (size_t row = from; row < to; row++) {
        uint32_t bytes = regrouped(codes + ((row - from) * blocks + block) * MX_BLOCK / 2 + part * 4);
        for (int i = 0; i < 4; i++) line[4 * row + (size_t)i] = (uint8_t)(bytes >> 8 * i);
      }
      for (size_t row = padding; row < MX_ROWS; row++) {
        for (size_t i = 0; i < 4; i++) line[4 * row + i] = 0;
      }
    }
  }
  /* The scales of blocks that the last line has room for and the matrix has not. */
  for (size_t block = blocks; block % MX_BLOCKS != 0; block++) {
    uint8_t *to_scales = panel + mx_scales_at(block);
    for (size_t row = from; row < to; row++) to_scales[row] = 127;
    for (size_t row = padding; row < MX_ROWS; row++) to_scales[row] = 127;
  }
}

/* Panels that lie `stride` bytes apart. */
static void pack_rows(uint8_t *packed, size_t stride, int32_t n, int32_t k, int32_t first_row, int32_t rows,
                      const uint8_t *codes, const uint8_t *scales) {
  size_t blocks = (size_t)k / MX_BLOCK, end = (size_t)first_row + (size_t)rows;
  for (size_t row = (size_t)first_row; row < end;) {
    size_t panel = row / MX_ROWS, start = panel * MX_ROWS;
    size_t to = end < start + MX_ROWS ? end : start + MX_ROWS, done = row - (size_t)first_row;
    pack_panel(packed + panel * stride, blocks, row - start, to - start, to == (size_t)n ? to - start : MX_ROWS,
               codes + done * blocks * (MX_BLOCK / 2), scales + done * blocks);
    row = to;
  }
}

/* Rows from..<to of one tile of a panel; those in padding..<16 become zeros. */
static void pack_tile(uint8_t *panel, size_t tile, size_t blocks, size_t from, size_t to, size_t padding,
                      const uint8_t *codes, const uint8_t *scales) {
  size_t steps = (blocks + 3) / 4, groups = (steps + MX950_STEPS - 1) / MX950_STEPS;
  for (size_t step = 0; step < groups * MX950_STEPS; step++) {
    uint8_t *group = panel + step / MX950_STEPS * MX950_GROUP;
    uint8_t *to_scales = group + tile * MX950_STEPS + step % MX950_STEPS;
    uint8_t *elements = group + MX950_SCALES + (step % MX950_STEPS * 2 + tile) * MX950_TILE;
    for (size_t quarter = 0; quarter < 4; quarter++) {
      size_t block = 4 * step + quarter;
      for (size_t row = from; row < MX_ROWS; row++) {
        if (row >= to && row < padding) continue; /* another call's */
        size_t lane = 16 * quarter + row;
        bool there = row < to && block < blocks;
        to_scales[lane * 2 * MX950_STEPS] = there ? scales[(row - from) * blocks + block] : 127;
        if (step >= steps) continue;
        if (there) {
          memcpy(elements + 16 * lane, codes + ((row - from) * blocks + block) * 16, 16);
        } else {
          memset(elements + 16 * lane, 0, 16);
        }
      }
    }
  }
}

/* A matrix whose tile t is tile first + t * every of the panels' tiles. */
static void pack_tiles(uint8_t *packed, size_t first, size_t every, int32_t n, int32_t k, int32_t first_row,
                       int32_t rows, const uint8_t *codes, const uint8_t *scales) {
  size_t blocks = (size_t)k / MX_BLOCK, end = (size_t)first_row + (size_t)rows, panel = mx950_panel_size(k);
  for (size_t row = (size_t)first_row; row < end;) {
    size_t tile = row / MX_ROWS, start = tile * MX_ROWS, place = first + every * tile;
    size_t to = end < start + MX_ROWS ? end : start + MX_ROWS, done = row - (size_t)first_row;
    pack_tile(packed + place / 2 * panel, place % 2, blocks, row - start, to - start,
              to == (size_t)n ? to - start : MX_ROWS, codes + done * blocks * (MX_BLOCK / 2), scales + done * blocks);
    row = to;
    /* The second tile of the last panel, which the matrix does not reach. */
    if (to == (size_t)n && every == 1 && place % 2 == 0) {
      pack_tile(packed + place / 2 * panel, 1, blocks, 0, 0, 0, NULL, NULL);
    }
  }
}

void podium_pack_mxfp4(podium_backend backend, void *packed, int32_t n, int32_t k, int32_t first_row, int32_t rows,
                       const uint8_t *codes, const uint8_t *scales) {
  if (backend == PODIUM_BACKEND_GFX950) {
    pack_tiles(packed, 0, 1, n, k, first_row, rows, codes, scales);
  } else {
    pack_rows(packed, mx_panel_size(k), n, k, first_row, rows, codes, scales);
  }
}

void podium_pack_mxfp4_pair(podium_backend backend, void *packed, int32_t n, int32_t k, const uint8_t *gate_codes,
                            const uint8_t *gate_scales, const uint8_t *up_codes, const uint8_t *up_scales) {
  if (backend == PODIUM_BACKEND_GFX950) {
    pack_tiles(packed, 0, 2, n, k, 0, n, gate_codes, gate_scales);
    pack_tiles(packed, 1, 2, n, k, 0, n, up_codes, up_scales);
    return;
  }
  size_t panel = mx_panel_size(k);
  pack_rows(packed, 2 * panel, n, k, 0, n, gate_codes, gate_scales);
  pack_rows((uint8_t *)packed + panel, 2 * panel, n, k, 0, n, up_codes, up_scales);
}
