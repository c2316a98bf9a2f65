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
/* Rows and panels of a tile; from so many tiles on there is work for at least half of the 256 compute units. */
constexpr int MX950_ROWS = 128, MX950_PANELS = 4, MX950_TILES = 128;
constexpr uint32_t MX950_ONES = 0x7f7f7f7fu; /* four scales of 1 */

/* Device memory at base + offset + lane: what all lanes share stays in scalar registers, so that a loop over many
 * streams has the vector registers for what it loads.  As a buffer without bounds, at any address. */
template <typename T>
PODIUM_DEVICE T mx950_load(const uint8_t *base, uint32_t offset, uint32_t lane) {
#if defined(PODIUM_SHIM)
  return load_anywhere<T>(base + offset + lane);
#else
  auto buffer = __builtin_amdgcn_make_buffer_rsrc((void *)base, 0, -1, 0x00020000);
  if constexpr (sizeof(T) == 16) {
    return same_bits<T>(__builtin_amdgcn_raw_buffer_load_b128(buffer, (int)lane, (int)offset, 0));
  } else if constexpr (sizeof(T) == 8) {
    return same_bits<T>(__builtin_amdgcn_raw_buffer_load_b64(buffer, (int)lane, (int)offset, 0));
  } else {
    return same_bits<T>(__builtin_amdgcn_raw_buffer_load_b32(buffer, (int)lane, (int)offset, 0));
  }
#endif
}

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

/* Sixteen rows of activations: where they lie behind the first rows of the block, and this lane's place among a step's
 * operands and among a group's scales. */
struct mx950_rows {
  const uint8_t *codes, *scales;
  uint32_t first_code, first_scale, stride, lane;
};

/* Those from `row` on, a multiple of sixteen and at least `first`, which is the block's.  Rows beyond max_rows are the
 * last one again; what is computed of rows that do not count is dropped.  `all`: all sixteen are there, as the caller
 * knows. */
PODIUM_DEVICE mx950_rows mx950_rows_at(const mx950_product &p, int32_t first, int32_t row, bool all = false) {
  int32_t rest = p.blocks % MX950_BLOCKS, words = p.blocks / MX950_BLOCKS * 4 + smaller(rest, 4);
  if (!all) row = smaller(row, (p.max_rows - 1) / 16 * 16);
  int32_t here = all ? 16 : smaller(p.max_rows - row, 16);
  mx950_rows result;
  result.codes = p.codes + (uint64_t)first * (uint64_t)p.blocks * 16;
  result.scales = p.scales + (uint64_t)first * (uint64_t)words * 4;
  result.first_code = (uint32_t)(row - first) * (uint32_t)p.blocks * 16;
  result.first_scale = (uint32_t)(row - first) * (uint32_t)words * 4;
  result.stride = (uint32_t)here;
  result.lane =
      (uint32_t)(all ? lane_index() : smaller(lane_index() % 16, here - 1) + lane_index() / 16 * here);
  return result;
}

/* A step that all quarters have blocks of. */
PODIUM_DEVICE words4 mx950_codes(const mx950_rows &rows, int32_t step) {
  return mx950_load<words4>(rows.codes, rows.first_code + (uint32_t)step * (rows.stride * 64), rows.lane * 16);
}
/* The four scales of a group that all quarters have. */
PODIUM_DEVICE uint32_t mx950_scales(const mx950_rows &rows, int32_t group) {
  return mx950_load<uint32_t>(rows.scales, rows.first_scale + (uint32_t)group * (rows.stride * 16), rows.lane * 4);
}

/* The last step and group: a lane without a block takes that of another.  Its elements do not matter, because those of
 * the weights are zeros there; its scale becomes 1, for it could be NaN. */
PODIUM_DEVICE words4 mx950_last_codes(const mx950_product &p, const mx950_rows &rows, int32_t step) {
  int32_t beyond = larger(4 * step + lane_index() / 16 - (p.blocks - 1), 0);
  return mx950_load<words4>(rows.codes, rows.first_code + (uint32_t)step * (rows.stride * 64),
                            (rows.lane - (uint32_t)beyond * rows.stride) * 16);
}
PODIUM_DEVICE uint32_t mx950_last_scales(const mx950_product &p, const mx950_rows &rows, int32_t group) {
  int32_t has = p.blocks - group * MX950_BLOCKS - lane_index() / 16; /* from this lane's first block on */
  uint32_t beyond = (uint32_t)larger(1 - has, 0) * rows.stride;
  uint32_t at = rows.first_scale + (uint32_t)group * (rows.stride * 16);
  uint32_t word = mx950_load<uint32_t>(rows.scales, at, (rows.lane - beyond) * 4);
  int32_t steps = larger((has + 3) / 4, 0);
  uint32_t absent = has <= 0 ? ~0u : steps >= MX950_STEPS ? 0u : ~0u << 8 * steps;
  return (word & ~absent) | (MX950_ONES & absent);
}

/* A step of both tiles of a panel, and the four scales of a group. */
PODIUM_DEVICE void mx950_weights(words4 *to, const uint8_t *panel, int32_t step) {
  uint32_t group = (uint32_t)step / MX950_STEPS, in_group = (uint32_t)step % MX950_STEPS;
  uint32_t at = group * MX950_GROUP + MX950_SCALES + in_group * (2 * MX950_TILE);
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) to[c] = mx950_load<words4>(panel, at + c * MX950_TILE, (uint32_t)(lane_index() * 16));
}
PODIUM_DEVICE void mx950_weight_scales(uint32_t *to, const uint8_t *panel, int32_t group) {
  uint64_t eight = mx950_load<uint64_t>(panel, (uint32_t)group * MX950_GROUP, (uint32_t)(lane_index() * 8));
  to[0] = (uint32_t)eight;
  to[1] = (uint32_t)(eight >> 32);
}

template <int tiles, int step>
PODIUM_DEVICE void mx950_multiply(f32x4 (*sums)[2], const words4 *w, const uint32_t *w_scales, const words4 *x,
                                  const uint32_t *scales) {
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) sums[t][c] = multiply_mxfp4<step>(w[c], x[t], sums[t][c], w_scales[c], scales[t]);
  }
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
    if (bias) sum += same_bits<f32x4>(load_anywhere<words4>(bias));
    if (p.accumulate) sum += same_bits<f32x4>(load_anywhere<words4>(to));
    store_anywhere(to, same_bits<words4>(sum));
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

/* What is asked for after it is asked for when these sums are made, not before: its registers are those that they free.
 * Without it the compiler takes new ones, copies at the end of the loop, and waits there for all. */
template <int tiles>
PODIUM_DEVICE void mx950_settle(f32x4 (*sums)[2]) {
#if !defined(PODIUM_SHIM)
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) asm volatile("" : "+v"(sums[t][c]) : : "memory");
  }
#endif
  keep_order();
}

/* What a warp has on its way from memory: weights and activations of as many steps as leave registers for four waves.
 * The place of a step takes what comes so many steps later as soon as it is multiplied.  Loads come back in their order,
 * so the activations of a step are asked for before weights that are wanted later. */
template <int tiles>
struct mx950_pipe {
  static constexpr int depth = tiles == 1 ? 4 : 2, w_depth = tiles == 4 ? 2 : 4;
  words4 w[w_depth][2], x[depth][tiles];
  uint32_t w_scales[2], scales[tiles];

  PODIUM_MEMBER void take_scales(const uint8_t *panel, const mx950_rows *rows, int32_t group) {
    mx950_weight_scales(w_scales, panel, group);
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) scales[t] = mx950_scales(rows[t], group);
  }
  PODIUM_MEMBER void take_x(const mx950_rows *rows, int32_t step, int place) {
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) x[place][t] = mx950_codes(rows[t], step);
  }
  PODIUM_MEMBER void start(const uint8_t *panel, const mx950_rows *rows, int32_t group) {
    take_scales(panel, rows, group);
    PODIUM_UNROLL
    for (int step = 0; step < depth; step++) take_x(rows, group * MX950_STEPS + step, step);
    PODIUM_UNROLL
    for (int step = 0; step < w_depth; step++) mx950_weights(w[step], panel, group * MX950_STEPS + step);
  }
  /* `more`: the next group is asked for. */
  template <int step, bool more>
  PODIUM_MEMBER void multiply(f32x4 (*sums)[2], const uint8_t *panel, const mx950_rows *rows, int32_t group) {
    mx950_multiply<tiles, step>(sums, w[step % w_depth], w_scales, x[step % depth], scales);
    mx950_settle<tiles>(sums);
    int32_t at = group * MX950_STEPS + step;
    if (more || step + depth < MX950_STEPS) take_x(rows, at + depth, step % depth);
    if (more || step + w_depth < MX950_STEPS) mx950_weights(w[step % w_depth], panel, at + w_depth);
    keep_order();
  }
  template <bool more>
  PODIUM_MEMBER void multiply_group(f32x4 (*sums)[2], const uint8_t *panel, const mx950_rows *rows, int32_t group) {
    mx950_pipe later;
    if (more) later.take_scales(panel, rows, group + 1);
    keep_order();
    multiply<0, more>(sums, panel, rows, group);
    multiply<1, more>(sums, panel, rows, group);
    multiply<2, more>(sums, panel, rows, group);
    multiply<3, more>(sums, panel, rows, group);
    if (!more) return;
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) w_scales[c] = later.w_scales[c];
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) scales[t] = later.scales[t];
  }
};

/* A step of the last group, of which some blocks, or all, are not there. */
template <int tiles, int step>
PODIUM_DEVICE void mx950_last_step(const mx950_product &p, f32x4 (*sums)[2], const uint8_t *panel,
                                   const uint32_t *w_scales, const mx950_rows *rows, const uint32_t *scales,
                                   int32_t group) {
  int32_t at = group * MX950_STEPS + step;
  if (4 * at >= p.blocks) return;
  words4 w[2], x[tiles];
  mx950_weights(w, panel, at);
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) x[t] = mx950_last_codes(p, rows[t], at);
  mx950_multiply<tiles, step>(sums, w, w_scales, x, scales);
}

/* `tiles` x 16 rows, more than half of them there. */
template <bool gated, int tiles>
PODIUM_DEVICE void mx950_skinny(const mx950_product &p, int32_t first_row, int32_t at, f32x4 *shared) {
  int lane = lane_index(), warp = warp_index();
  const uint8_t *panel = p.panel(at);
  mx950_rows rows[tiles];
  f32x4 sums[tiles][2];
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    rows[t] = mx950_rows_at(p, first_row, first_row + 16 * t, t < tiles / 2);
    sums[t][0] = sums[t][1] = f32x4{0, 0, 0, 0};
  }
  int32_t length = p.segment(), start = warp * length, end = smaller(start + length, p.groups());
  int32_t whole = smaller(end, p.blocks / MX950_BLOCKS);
  if (start < whole) {
    mx950_pipe<tiles> pipe;
    pipe.start(panel, rows, start);
    for (int32_t group = start; group + 1 < whole; group++) {
      pipe.template multiply_group<true>(sums, panel, rows, group);
    }
    pipe.template multiply_group<false>(sums, panel, rows, whole - 1);
  }
  if (start <= whole && whole < end) {
    uint32_t w_scales[2], scales[tiles];
    mx950_weight_scales(w_scales, panel, whole);
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) scales[t] = mx950_last_scales(p, rows[t], whole);
    mx950_last_step<tiles, 0>(p, sums, panel, w_scales, rows, scales, whole);
    mx950_last_step<tiles, 1>(p, sums, panel, w_scales, rows, scales, whole);
    mx950_last_step<tiles, 2>(p, sums, panel, w_scales, rows, scales, whole);
    mx950_last_step<tiles, 3>(p, sums, panel, w_scales, rows, scales, whole);
  }
  int segments = (p.groups() + length - 1) / length;
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) shared[((warp * tiles + t) * 2 + c) * 64 + lane] = sums[t][c];
  }
  barrier();
  /* A warp ends one tile of one sixteen rows, or gate and up of it. */
  constexpr int parts = gated ? 1 : 2;
  if (warp >= tiles * parts) return;
  int t = warp / parts, c = gated ? 0 : warp % 2, from = (t * 2 + c) * 64 + lane;
  f32x4 sum = shared[from], up = shared[from + (gated ? 64 : 0)];
  for (int s = 1; s < segments; s++) {
    sum += shared[from + s * tiles * 128];
    if (gated) up += shared[from + 64 + s * tiles * 128];
  }
  mx950_finish<gated>(p, first_row + 16 * t + lane % 16, mx950_column<gated>(at, c, lane), sum, up);
}

/* ---- Tiled ----------------------------------------------------------------------------------------------------- */

/* 128 rows with four panels: eight warps of 64 rows and one panel each, half a group at a time. */
template <bool gated>
struct mx950_tile {
  static constexpr int HALF = MX950_STEPS / 2, BUFFER = 8 * HALF * 64;

  const mx950_product &p;
  words4 *shared;
  const uint8_t *panel;
  mx950_rows own, rows[4];
  int32_t steps;
  f32x4 totals[4][2], sums[4][2];
  /* Activations that this warp brings to the others; weights of this half. */
  words4 brought[HALF], w[HALF][2];
  uint32_t w_scales[2], scales[4];

  /* Steps that are not there are the last one again: read and not used. */
  PODIUM_MEMBER void bring(int32_t step) {
    PODIUM_UNROLL
    for (int i = 0; i < HALF; i++) brought[i] = mx950_last_codes(p, own, smaller(step + i, steps - 1));
  }
  PODIUM_MEMBER void take_weights(int32_t step, int place) { mx950_weights(w[place], panel, smaller(step, steps - 1)); }
  PODIUM_MEMBER void take_scales(uint32_t *of_weights, uint32_t *of_rows, int32_t group) {
    mx950_weight_scales(of_weights, panel, group);
    PODIUM_UNROLL
    for (int t = 0; t < 4; t++) of_rows[t] = mx950_last_scales(p, rows[t], group);
  }
  template <int step>
  PODIUM_MEMBER void multiply(const words4 *buffer, int32_t group) {
    int32_t at = group * MX950_STEPS + step;
    if (at < steps) {
      words4 x[4];
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) x[t] = buffer[(t * HALF + step % HALF) * 64 + lane_index()];
      mx950_multiply<4, step>(sums, w[step % HALF], w_scales, x, scales);
    }
    keep_order();
    take_weights(at + HALF, step % HALF);
    keep_order();
  }
  template <int half>
  PODIUM_MEMBER void multiply_half(int32_t group) {
    int warp = warp_index();
    words4 *buffer = shared + half * BUFFER;
    PODIUM_UNROLL
    for (int i = 0; i < HALF; i++) buffer[(warp * HALF + i) * 64 + lane_index()] = brought[i];
    /* One barrier a half: the buffer that is written next is the one that all have read who come here. */
    barrier();
    bring(group * MX950_STEPS + (half + 1) * HALF);
    const words4 *x = buffer + warp / 4 * (4 * HALF * 64);
    multiply<half * HALF>(x, group);
    multiply<half * HALF + 1>(x, group);
  }
  PODIUM_MEMBER void multiply_all(int32_t groups, int32_t length) {
    bring(0);
    take_scales(w_scales, scales, 0);
    PODIUM_UNROLL
    for (int i = 0; i < HALF; i++) take_weights(i, i);
    for (int32_t group = 0; group < groups; group++) {
      uint32_t later_weights[2], later_rows[4];
      take_scales(later_weights, later_rows, smaller(group + 1, groups - 1));
      multiply_half<0>(group);
      multiply_half<1>(group);
      PODIUM_UNROLL
      for (int c = 0; c < 2; c++) w_scales[c] = later_weights[c];
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) scales[t] = later_rows[t];
      if ((group + 1) % length != 0 && group + 1 != groups) continue;
      PODIUM_UNROLL
      for (int t = 0; t < 4; t++) {
        PODIUM_UNROLL
        for (int c = 0; c < 2; c++) {
          totals[t][c] = group < length ? sums[t][c] : totals[t][c] + sums[t][c];
          sums[t][c] = f32x4{0, 0, 0, 0};
        }
      }
    }
  }
};

template <bool gated>
PODIUM_DEVICE void mx950_tiled(const mx950_product &p, int32_t first_row, int32_t first_panel, words4 *shared) {
  int lane = lane_index(), warp = warp_index();
  int32_t at = first_panel + warp % 4, first = first_row + warp / 4 * 64;
  /* A panel that is not there is the last one again; its sums are dropped. */
  const uint8_t *panel = p.panel(smaller(at, p.panels - 1));
  mx950_rows own = mx950_rows_at(p, first_row, first_row + 16 * warp);
  mx950_tile<gated> tile = {p, shared, panel, own, {}, (p.blocks + 3) / 4, {}, {}, {}, {}, {}, {}};
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) {
    tile.rows[t] = mx950_rows_at(p, first_row, first + 16 * t);
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) tile.totals[t][c] = tile.sums[t][c] = f32x4{0, 0, 0, 0};
  }
  tile.multiply_all(p.groups(), p.segment());
  if (at >= p.panels) return;
  PODIUM_UNROLL
  for (int t = 0; t < 4; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < (gated ? 1 : 2); c++) {
      mx950_finish<gated>(p, first + 16 * t + lane % 16, mx950_column<gated>(at, c, lane), tile.totals[t][c],
                          tile.totals[t][1]);
    }
  }
}

/* What one block does. */
template <bool gated>
PODIUM_DEVICE void mx950_block(const mx950_product &p) {
  PODIUM_SHARED(words4, shared, 8 * 4 * 2 * 64); /* 64 KiB: the sums of eight segments with 64 rows */
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
  /* Blocks that take the same panel for 64 rows each run beside each other. */
  int32_t passes = (p.rows + 63) / 64, row = block % larger(passes, 1) * 64;
  if (block >= p.panels * passes) return;
  block /= passes;
  f32x4 *sums = (f32x4 *)shared;
  if (p.rows - row <= 16) {
    mx950_skinny<gated, 1>(p, row, block, sums);
  } else if (p.rows - row <= 32) {
    mx950_skinny<gated, 2>(p, row, block, sums);
  } else {
    mx950_skinny<gated, 4>(p, row, block, sums);
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
    store_anywhere(codes + at * 16 + (uint64_t)(part * 4), eight);
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
