/* mxfp4_gfx950.h - MXFP4 kernels for the scaled matrix instruction of gfx950, on the layouts of packed_gfx950.h.
 *
 * The instruction multiplies 16 x 128 elements with 128 x 16, each block of 32 with its two scales, and adds to float32;
 * what it rounds on the way is AMD's.  The order of a sum beyond that depends on k alone: k is cut into eight segments of
 * whole groups (512); a segment is one chain of instructions, k ascending; the segments are added in their order.
 *
 * Skinny: the eight warps of a block take a segment each of one panel (32 columns), with up to 64 rows at a time; every
 * byte of the weights passes once.  Tiled: a block takes 128 rows with four panels; activations go through shared
 * memory, because four warps want them, and weights straight into the lanes that want them.  Both do the same sums.
 *
 * The weights are the left factor: a lane then holds four neighbouring columns of a row of y. */
#ifndef PODIUM_MXFP4_GFX950_H
#define PODIUM_MXFP4_GFX950_H

#ifndef PODIUM_MATRIX_H
#include "../Device/podium_matrix.h"
#endif

#if PODIUM_GFX950

namespace podium {

/* As packed_gfx950.h has them. */
constexpr int MX950_STEPS = 4, MX950_TILE = 64 * 16, MX950_SCALES = 64 * 2 * MX950_STEPS;
constexpr int MX950_GROUP = MX950_SCALES + MX950_STEPS * 2 * MX950_TILE, MX950_BLOCKS = 4 * MX950_STEPS;
/* Rows and panels of a tile; tiles that are worth reading the weights of a panel with fewer blocks. */
constexpr int MX950_ROWS = 128, MX950_PANELS = 4, MX950_TILES = 128;
constexpr uint32_t MX950_ONES = 0x7f7f7f7fu; /* four scales of 1 */

struct mx950_product {
  float *y;
  const uint8_t *codes, *scales, *w;
  const float *bias;
  int32_t max_rows, rows, n, blocks, panels, accumulate;

  PODIUM_MEMBER int32_t groups() const { return (blocks + MX950_BLOCKS - 1) / MX950_BLOCKS; }
  PODIUM_MEMBER int32_t segment() const { return (groups() + 7) / 8; }
  PODIUM_MEMBER const uint8_t *panel(int32_t at) const {
    int32_t steps = (blocks + 3) / 4;
    return w + (uint64_t)at * ((uint64_t)groups() * MX950_SCALES + (uint64_t)steps * (2 * MX950_TILE));
  }
};

/* ---- Operands -------------------------------------------------------------------------------------------------- */

/* Sixteen rows of activations.  `lane` is where this lane's operand of a step lies behind the step's first. */
struct mx950_rows {
  const uint8_t *codes, *scales;
  uint32_t stride, lane;
};

/* Those from `row` on, a multiple of sixteen.  Rows beyond max_rows are the last one again; what is computed of rows
 * that do not count is dropped. */
PODIUM_DEVICE mx950_rows mx950_rows_at(const mx950_product &p, int32_t row) {
  int32_t rest = p.blocks % MX950_BLOCKS, words = p.blocks / MX950_BLOCKS * 4 + smaller(rest, 4);
  row = smaller(row, (p.max_rows - 1) / 16 * 16);
  int32_t here = smaller(p.max_rows - row, 16);
  mx950_rows result;
  result.codes = p.codes + (uint64_t)row * (uint64_t)p.blocks * 16;
  result.scales = p.scales + (uint64_t)row * (uint64_t)words * 4;
  result.stride = (uint32_t)here;
  result.lane = (uint32_t)(smaller(lane_index() % 16, here - 1) + lane_index() / 16 * here);
  return result;
}
PODIUM_DEVICE words4 mx950_codes(const mx950_rows &rows, int32_t step) {
  return load16_anywhere(rows.codes + (uint64_t)step * rows.stride * 64 + rows.lane * 16);
}
/* The four scales of a group. */
PODIUM_DEVICE uint32_t mx950_scales(const mx950_rows &rows, int32_t group) {
  return load4_anywhere(rows.scales + (uint64_t)group * rows.stride * 16 + rows.lane * 4);
}

/* Whether this lane has a block in a step. */
PODIUM_DEVICE bool mx950_has(const mx950_product &p, int32_t step) { return 4 * step + lane_index() / 16 < p.blocks; }

/* A group of a panel. */
struct mx950_weights {
  words4 codes[MX950_STEPS][2];
  uint32_t scales[2];
};

PODIUM_DEVICE void mx950_take_scales(mx950_weights &to, const uint8_t *panel, int32_t group) {
  const uint8_t *from = panel + (uint64_t)group * MX950_GROUP + (uint64_t)(lane_index() * 8);
  to.scales[0] = load4_anywhere(from);
  to.scales[1] = load4_anywhere(from + 4);
}
PODIUM_DEVICE void mx950_take(mx950_weights &to, const uint8_t *panel, int32_t group, int step) {
  const uint8_t *from = panel + (uint64_t)group * MX950_GROUP + MX950_SCALES + (uint64_t)(lane_index() * 16);
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) to.codes[step][c] = load16_anywhere(from + (step * 2 + c) * MX950_TILE);
}

/* ---- Ends ------------------------------------------------------------------------------------------------------ */

/* Ends four neighbouring columns of a row: sums of both tiles, or of gate and up. */
template <bool gated>
PODIUM_DEVICE void mx950_finish(const mx950_product &p, int32_t row, int32_t column, f32x4 sum, f32x4 up) {
  if (row >= p.rows || column >= p.n) return;
  float *to = p.y + (uint64_t)row * (uint64_t)p.n + (uint64_t)column;
  const float *bias = p.bias ? p.bias + column : nullptr;
  if (gated) {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) sum[i] = sum[i] / (1.0f + exponential(-sum[i])) * up[i];
  }
  if (p.n - column >= 4) {
    if (bias) sum += same_bits<f32x4>(load16_anywhere(bias));
    if (p.accumulate) sum += same_bits<f32x4>(load16_anywhere(to));
    store16_anywhere(to, same_bits<words4>(sum));
    return;
  }
  PODIUM_UNROLL
  for (int i = 0; i < 3; i++) {
    if (column + i >= p.n) break;
    float value = sum[i];
    if (bias) value += bias[i];
    if (p.accumulate) value += to[i];
    to[i] = value;
  }
}

/* The first column of four that a lane has in tile c of a panel. */
template <bool gated>
PODIUM_DEVICE int32_t mx950_column(int32_t panel, int c, int lane) {
  return panel * (gated ? 16 : 32) + (gated ? 0 : 16 * c) + lane / 16 * 4;
}

/* ---- Skinny ---------------------------------------------------------------------------------------------------- */

template <int tiles, int step>
PODIUM_DEVICE void mx950_multiply(f32x4 (*sums)[2], const mx950_weights &w, const words4 *x, const uint32_t *scales) {
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) {
      sums[t][c] = multiply_mxfp4<step>(w.codes[step][c], x[t], sums[t][c], w.scales[c], scales[t]);
    }
  }
}

template <int tiles, int step>
PODIUM_DEVICE void mx950_skinny_step(f32x4 (*sums)[2], const mx950_weights &w, const mx950_rows *rows, int32_t group,
                                     const uint32_t *scales) {
  words4 x[tiles];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) x[t] = mx950_codes(rows[t], group * MX950_STEPS + step);
  mx950_multiply<tiles, step>(sums, w, x, scales);
}

/* The same where some blocks of the step may not be there. */
template <int tiles, int step>
PODIUM_DEVICE void mx950_last_step(const mx950_product &p, f32x4 (*sums)[2], const uint8_t *panel, mx950_weights &w,
                                   const mx950_rows *rows, int32_t group) {
  int32_t at = group * MX950_STEPS + step;
  if (4 * at >= p.blocks) return;
  mx950_take(w, panel, group, step);
  bool there = mx950_has(p, at);
  words4 x[tiles];
  uint32_t scales[tiles];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    x[t] = words4{{0, 0, 0, 0}};
    scales[t] = MX950_ONES;
    if (there) {
      x[t] = mx950_codes(rows[t], at);
      scales[t] = mx950_scales(rows[t], group);
    }
  }
  mx950_multiply<tiles, step>(sums, w, x, scales);
}

template <bool gated, int tiles>
PODIUM_DEVICE void mx950_skinny(const mx950_product &p, int32_t first_row, int32_t at, f32x4 *shared) {
  int lane = lane_index(), warp = warp_index(), thread = thread_index();
  const uint8_t *panel = p.panel(at);
  mx950_rows rows[tiles];
  f32x4 sums[tiles][2];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    rows[t] = mx950_rows_at(p, first_row + 16 * t);
    sums[t][0] = sums[t][1] = f32x4{0, 0, 0, 0};
  }
  int32_t length = p.segment(), start = warp * length, end = smaller(start + length, p.groups());
  int32_t whole = smaller(end, p.blocks / MX950_BLOCKS);
  for (int32_t group = start; group < whole; group++) {
    mx950_weights w;
    uint32_t scales[tiles];
    mx950_take_scales(w, panel, group);
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) scales[t] = mx950_scales(rows[t], group);
    PODIUM_UNROLL
    for (int step = 0; step < MX950_STEPS; step++) mx950_take(w, panel, group, step);
    mx950_skinny_step<tiles, 0>(sums, w, rows, group, scales);
    mx950_skinny_step<tiles, 1>(sums, w, rows, group, scales);
    mx950_skinny_step<tiles, 2>(sums, w, rows, group, scales);
    mx950_skinny_step<tiles, 3>(sums, w, rows, group, scales);
  }
  if (start <= whole && whole < end) {
    mx950_weights w;
    mx950_take_scales(w, panel, whole);
    mx950_last_step<tiles, 0>(p, sums, panel, w, rows, whole);
    mx950_last_step<tiles, 1>(p, sums, panel, w, rows, whole);
    mx950_last_step<tiles, 2>(p, sums, panel, w, rows, whole);
    mx950_last_step<tiles, 3>(p, sums, panel, w, rows, whole);
  }
  int segments = (p.groups() + length - 1) / length;
  barrier(); /* what the pass before left is read */
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) shared[((warp * tiles + t) * 2 + c) * 64 + lane] = sums[t][c];
  }
  barrier();
  /* Thread 64 (2 t + c) + lane ends what lane holds in tile c of t; gate and up are one thread's. */
  constexpr int parts = gated ? 1 : 2;
  if (warp >= tiles * parts) return;
  int t = warp / parts, c = gated ? 0 : warp % 2, from = (t * 2 + c) * 64 + lane;
  f32x4 sum = shared[from], up = shared[from + (gated ? 64 : 0)];
  for (int s = 1; s < segments; s++) {
    sum += shared[from + s * tiles * 128];
    if (gated) up += shared[from + 64 + s * tiles * 128];
  }
  mx950_finish<gated>(p, first_row + 16 * t + lane % 16, mx950_column<gated>(at, c, lane), sum, up);
  (void)thread;
}

/* ---- Tiled ----------------------------------------------------------------------------------------------------- */

/* What this warp brings of a group: its sixteen of the rows, four steps. */
struct mx950_brought {
  words4 codes[MX950_STEPS];
};
PODIUM_DEVICE void mx950_bring(const mx950_product &p, mx950_brought &to, const mx950_rows &rows, int32_t group) {
  PODIUM_UNROLL
  for (int step = 0; step < MX950_STEPS; step++) {
    int32_t at = group * MX950_STEPS + step;
    to.codes[step] = mx950_has(p, at) ? mx950_codes(rows, at) : words4{{0, 0, 0, 0}};
  }
}

template <int step>
PODIUM_DEVICE void mx950_tiled_step(f32x4 (*sums)[2], const mx950_weights &w, const words4 *x, const uint32_t *scales) {
  words4 operands[4];
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) operands[t] = x[(t * MX950_STEPS + step) * 64 + lane_index()];
  mx950_multiply<4, step>(sums, w, operands, scales);
}

template <bool gated>
PODIUM_DEVICE void mx950_tiled(const mx950_product &p, int32_t first_row, int32_t first_panel, words4 *shared) {
  int lane = lane_index(), warp = warp_index();
  int32_t groups = p.groups(), length = p.segment(), steps = (p.blocks + 3) / 4, at = first_panel + warp % 4;
  const uint8_t *panel = p.panel(smaller(at, p.panels - 1)); /* the surplus is computed and dropped */
  mx950_rows own = mx950_rows_at(p, first_row + 16 * warp), rows[4];
  f32x4 totals[4][2], sums[4][2];
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) {
    rows[t] = mx950_rows_at(p, first_row + 16 * (warp / 4 * 4 + t));
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) totals[t][c] = sums[t][c] = f32x4{0, 0, 0, 0};
  }
  mx950_brought next;
  mx950_bring(p, next, own, 0);
  for (int32_t group = 0; group < groups; group++) {
    words4 *buffer = shared + group % 2 * (8 * MX950_STEPS * 64);
    PODIUM_UNROLL
    for (int step = 0; step < MX950_STEPS; step++) buffer[(warp * MX950_STEPS + step) * 64 + lane] = next.codes[step];
    /* One barrier: the buffer that the next group writes is the one that everybody has read when he comes here. */
    barrier();
    if (group + 1 < groups) mx950_bring(p, next, own, group + 1);
    mx950_weights w;
    uint32_t scales[4];
    bool has_word = mx950_has(p, group * MX950_STEPS);
    mx950_take_scales(w, panel, group);
    PODIUM_UNROLL
    for (int t = 0; t < 4; t++) scales[t] = has_word ? mx950_scales(rows[t], group) : MX950_ONES;
    PODIUM_UNROLL
    for (int step = 0; step < MX950_STEPS; step++) {
      if (group * MX950_STEPS + step < steps) mx950_take(w, panel, group, step);
    }
    const words4 *x = buffer + warp / 4 * (4 * MX950_STEPS * 64);
    int32_t left = steps - group * MX950_STEPS;
    /* The scale of a block that is not there was never written. */
    if (left <= MX950_STEPS && p.blocks % 4 != 0 && !mx950_has(p, steps - 1)) {
      uint32_t byte = 0xffu << 8 * ((steps - 1) % MX950_STEPS);
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) scales[t] = (scales[t] & ~byte) | (MX950_ONES & byte);
    }
    mx950_tiled_step<0>(sums, w, x, scales);
    if (left > 1) mx950_tiled_step<1>(sums, w, x, scales);
    if (left > 2) mx950_tiled_step<2>(sums, w, x, scales);
    if (left > 3) mx950_tiled_step<3>(sums, w, x, scales);
    if ((group + 1) % length == 0 || group + 1 == groups) {
      bool first = group < length;
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) {
        PODIUM_UNROLL
        for (int c = 0; c < 2; c++) {
          totals[t][c] = first ? sums[t][c] : totals[t][c] + sums[t][c];
          sums[t][c] = f32x4{0, 0, 0, 0};
        }
      }
    }
  }
  if (at >= p.panels) return;
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) {
    int32_t row = first_row + 16 * (warp / 4 * 4 + t) + lane % 16;
    PODIUM_UNROLL
    for (int c = 0; c < (gated ? 1 : 2); c++) {
      mx950_finish<gated>(p, row, mx950_column<gated>(at, c, lane), totals[t][c], totals[t][1]);
    }
  }
}

/* What one block does. */
template <bool gated>
PODIUM_DEVICE void mx950_block(const mx950_product &p) {
  PODIUM_SHARED(words4, shared, 2 * 8 * MX950_STEPS * 64); /* 64 KiB */
  int32_t block = (int32_t)block_index();
  int32_t down = (p.rows + MX950_ROWS - 1) / MX950_ROWS, across = (p.panels + MX950_PANELS - 1) / MX950_PANELS;
  int32_t tiles = down * across;
  if (p.rows > 64 && (tiles >= MX950_TILES || p.rows > 256)) {
    if (block >= tiles) return;
    /* Blocks are dealt to eight dies in turn, each with a L2 of its own: a die gets neighbouring tiles, columns first. */
    int32_t die = block % 8, tile = die * (tiles / 8) + smaller(die, tiles % 8) + block / 8;
    mx950_tiled<gated>(p, tile % down * MX950_ROWS, tile / down * MX950_PANELS, shared);
    return;
  }
  if (block >= p.panels) return;
  f32x4 *sums = (f32x4 *)shared;
  for (int32_t row = 0; row < p.rows; row += 64) {
    if (p.rows - row <= 16) {
      mx950_skinny<gated, 1>(p, row, block, sums);
    } else if (p.rows - row <= 32) {
      mx950_skinny<gated, 2>(p, row, block, sums);
    } else {
      mx950_skinny<gated, 4>(p, row, block, sums);
    }
  }
}

/* ---- Quantise -------------------------------------------------------------------------------------------------- */

/* Four lanes quantise a block of 32, eight numbers each; values(i) is element i of the row.  The scale is Quark's rule
 * `even`, as in the twin. */
template <typename Values>
PODIUM_DEVICE void mx950_quantize_row(bool exists, uint8_t *codes, uint8_t *scales, int32_t row, int32_t max_rows,
                                      int32_t k, Values values) {
  constexpr int at_once = 512 / 4;
  int32_t blocks = k / 32, part = thread_index() % 4, first = row / 16 * 16, here = smaller(max_rows - first, 16);
  int32_t rest = blocks % MX950_BLOCKS, words = blocks / MX950_BLOCKS * 4 + smaller(rest, 4);
  for (int32_t from = 0; from < blocks; from += at_once) {
    int32_t block = from + thread_index() / 4;
    bool there = block < blocks;
    float x[8];
    uint32_t largest = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) {
      x[i] = there ? values(block * 32 + part * 8 + i) : 0.0f;
      largest = larger(largest, bits_of(x[i]) & 0x7fffffffu);
    }
    largest = larger(largest, (uint32_t)shuffle_xor((int)largest, 1));
    largest = larger(largest, (uint32_t)shuffle_xor((int)largest, 2));
    bool finite = largest < 0x7f800000u && exists;
    /* The exponent of the largest, one more from 1.75 on, less that of 4. */
    uint32_t exponent = (largest + 0x00200000u) >> 23;
    exponent = exponent > 2 ? exponent - 2 : 0;
    float inverse = float_of((254 - exponent) << 23);
    uint32_t eight = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) eight |= e2m1_of(x[i] * inverse) << 4 * i;
    if (!there) continue;
    if (!finite) eight = 0;
    uint64_t at = (uint64_t)first * (uint64_t)blocks + (uint64_t)(row % 16) + (uint64_t)block * (uint64_t)here;
    store4_anywhere(codes + at * 16 + (uint64_t)(part * 4), eight);
    if (part == 0) {
      uint64_t word = (uint64_t)first * (uint64_t)words + (uint64_t)(row % 16) +
                      (uint64_t)(block / MX950_BLOCKS * 4 + block % 4) * (uint64_t)here;
      scales[4 * word + (uint64_t)(block / 4 % MX950_STEPS)] = (uint8_t)(finite ? exponent : 255);
    }
  }
}

} // namespace podium

#endif

#endif
