/* The forms for a GPU of the kernels with E4M3 activations.
 *
 * Order of the sums of a product, with matrix cores: k is cut into eight segments, whose length depends on k alone.  A
 * segment is summed by one chain of multiply_fp8, k ascending by 64 (gfx950: 128); the eight sums are added in their
 * order.  With few rows the eight warps of a block take a segment each (skinny): every weight is read once, sixteen bytes
 * per lane, and a warp has 8 KiB of weights on their way while it multiplies.  With many rows a warp takes all segments of
 * its tile in turn, and operands pass through shared memory, of which a block fills one half while it reads the other
 * (tiled).  A row has the same bits in all forms.
 *
 * Without matrix cores: product.h.  Quantising: a block for a row. */
#ifndef PODIUM_PRODUCT_H
#include "../Gemm/product.h"
#endif
#ifndef PODIUM_INVERSE_ROOT_H
#include "../Norm/inverse_root.h"
#endif

namespace fp8 {

using namespace podium;

/* ---- Activations ----------------------------------------------------------------------------------------------- */

PODIUM_DEVICE uint32_t code_of(float value, float scale) {
  uint32_t code = e4m3_of(value / scale), size = code & 0x7f;
  return size == 0 ? 0 : size == 0x7f ? FP8_NAN : code;
}

/* Codes start .. start + 3 of a row; whole: their address is a multiple of four. */
PODIUM_DEVICE void store4(uint8_t *codes, int32_t start, int32_t width, bool whole, const float *values, float scale) {
  if (whole) {
    uint32_t word = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) word |= code_of(values[i], scale) << 8 * i;
    *(uint32_t *)(codes + start) = word;
  } else {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      if (start + i < width) codes[start + i] = (uint8_t)code_of(values[i], scale);
    }
  }
}

/* ---- Products -------------------------------------------------------------------------------------------------- */

/* As fp8_grid() in gemm.c has them. */
constexpr int SKINNY_ROWS = 128, SKINNY_COLUMNS = 32, ENOUGH_BLOCKS = 256;

/* Rows of the tiles of a product: twice their columns. */
PODIUM_DEVICE int32_t tile_rows(int32_t max_rows, int32_t n, int32_t matrices) {
  int64_t blocks = (int64_t)((n + 128 / matrices - 1) / (128 / matrices)) * ((max_rows + 255) / 256);
  return blocks >= ENOUGH_BLOCKS ? 256 : 128;
}

#if PODIUM_MATRIX

/* One for each warp of a block. */
constexpr int SEGMENTS = 8;

/* Codes of a row that a warp takes at once. */
constexpr int STEP = 64 * FP8_PIECES;

/* A multiple of 128, whatever STEP is. */
PODIUM_DEVICE int32_t segment_length(int32_t k) { return (k + SEGMENTS * 128 - 1) / (SEGMENTS * 128) * 128; }

/* What a lane holds of one step: of a row of each tile, and of a column of both. */
template <int tiles>
struct step {
  words4 x[tiles][FP8_PIECES], w[2][FP8_PIECES];
};

/* The rows and columns of a lane, from its own first sixteen codes on. */
template <int tiles>
struct lines {
  const uint8_t *x[tiles], *w[2];
};

template <int tiles>
PODIUM_DEVICE void take(step<tiles> &s, const lines<tiles> &from, int32_t k) {
  PODIUM_UNROLL
  for (int piece = 0; piece < FP8_PIECES; piece++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) s.w[c][piece] = load16(from.w[c] + (uint64_t)k + 64 * piece);
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) s.x[t][piece] = load16(from.x[t] + (uint64_t)k + 64 * piece);
  }
}

template <int tiles>
PODIUM_DEVICE void multiply(const step<tiles> &s, f32x4 (*sums)[2], uint32_t *nan) {
  words4 w[2][FP8_PIECES];
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) {
    PODIUM_UNROLL
    for (int piece = 0; piece < FP8_PIECES; piece++) w[c][piece] = fp8_operand(s.w[c][piece], nan[c]);
  }
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) sums[t][c] = multiply_fp8(s.x[t], w[c], sums[t][c]);
  }
}

/* The last step of a row, which ends within it, or one of rows that cannot be read sixteen bytes at a time: codes from
 * `end` on are zero. */
template <int tiles, bool whole>
PODIUM_DEVICE void take_part(step<tiles> &s, const lines<tiles> &from, int32_t k, int32_t end) {
  int own = 16 * (lane_index() / 16);
  PODIUM_UNROLL
  for (int piece = 0; piece < FP8_PIECES; piece++) {
    int32_t left = end - (k + 64 * piece + own), at = left > 0 ? k + 64 * piece : -own;
    PODIUM_UNROLL
    for (int line = 0; line < tiles + 2; line++) {
      const uint8_t *codes = (line < 2 ? from.w[line] : from.x[line - 2]) + (int64_t)at;
      words4 &to = line < 2 ? s.w[line][piece] : s.x[line - 2][piece];
      if constexpr (whole) {
        to = load16(codes);
        PODIUM_UNROLL
        for (int i = 0; i < 4; i++) to.word[i] = left > 0 ? to.word[i] : 0;
      } else {
        PODIUM_UNROLL
        for (int i = 0; i < 4; i++) {
          to.word[i] = 0;
          PODIUM_UNROLL
          for (int byte = 0; byte < 4; byte++) {
            if (4 * i + byte < left) to.word[i] |= (uint32_t)codes[4 * i + byte] << 8 * byte;
          }
        }
      }
    }
  }
}

/* Sums of `tiles` x 16 rows with two tiles of sixteen columns, k from `start` to `end`. */
template <int tiles, bool whole>
PODIUM_DEVICE void chain(const lines<tiles> &from, int32_t start, int32_t end, f32x4 (*sums)[2]) {
  /* Steps that are on their way: four loads of weights for each column, two where rows take the registers. */
  constexpr int ahead = (tiles > 4 ? 2 : 4) / FP8_PIECES;
  uint32_t nan[2] = {0, 0};
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) sums[t][0] = sums[t][1] = f32x4{0, 0, 0, 0};
  int32_t k = start;
  if constexpr (whole) {
    int32_t groups = (end - start) / (ahead * STEP), last = start + (groups * ahead - 1) * STEP;
    if (groups > 0) {
      step<tiles> ring[ahead];
      PODIUM_UNROLL
      for (int i = 0; i < ahead; i++) {
        take(ring[i], from, start + i * STEP);
        keep_order(); /* what is waited for first is asked for first */
      }
      do {
        PODIUM_UNROLL
        for (int i = 0; i < ahead; i++) {
          /* Lest codes be mended as soon as they might be there, which waits for all steps at once. */
          PODIUM_UNROLL
          for (int word = 0; word < 8 * FP8_PIECES; word++) {
            if (FP8_NAN != 0x7f) finish_first(ring[i].w[word / 4 % 2][word / 8].word[word % 4]);
          }
          multiply(ring[i], sums, nan);
          PODIUM_UNROLL
          for (int t = 0; t < tiles; t++) finish_first(sums[t][0]), finish_first(sums[t][1]);
          keep_order();
          take(ring[i], from, smaller(k + (ahead + i) * STEP, last)); /* at the end, once more what was there */
          keep_order();
        }
        k += ahead * STEP;
      } while (k <= last);
    }
  }
  for (; k < end; k += STEP) {
    step<tiles> s;
    take_part<tiles, whole>(s, from, k, end);
    multiply(s, sums, nan);
  }
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) {
    if (FP8_NAN == 0x7f) break;
    /* The four lanes of a column. */
    nan[c] |= (uint32_t)shuffle_xor((int)nan[c], 16);
    nan[c] |= (uint32_t)shuffle_xor((int)nan[c], 32);
    PODIUM_UNROLL
    for (int t = 0; t < tiles; t++) {
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) sums[t][c][i] = fp8_has_nan(nan[c]) ? quiet_nan() : sums[t][c][i];
    }
  }
}

/* Up to `tiles` x 16 rows from first_row on with 32 columns, or 16 of gate and 16 of up: a segment for each warp. */
template <bool gated, int tiles, bool whole>
PODIUM_DEVICE void skinny(const product &p, int32_t first_row, int32_t last_row, int32_t first_column, f32x4 *shared) {
  int lane = lane_index(), warp = warp_index(), thread = thread_index(), own = 16 * (lane / 16);
  lines<tiles> from;
  PODIUM_UNROLL
  for (int c = 0; c < 2; c++) { /* surplus columns and rows are computed and dropped */
    int32_t column = smaller(first_column + (gated ? 0 : 16 * c) + lane % 16, p.n - 1);
    from.w[c] = (const uint8_t *)(gated && c ? p.up : p.w) + (uint64_t)column * (uint64_t)p.k + own;
  }
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    int32_t row = smaller(first_row + 16 * t + lane % 16, last_row - 1);
    from.x[t] = (const uint8_t *)p.x + (uint64_t)row * (uint64_t)p.k + own;
  }
  int32_t length = segment_length(p.k), start = warp * length;
  f32x4 sums[tiles][2];
  chain<tiles, whole>(from, start, smaller(start + length, p.k), sums);
  int segments = (p.k + length - 1) / length;
  const float *partial = (const float *)shared;
  int32_t half = thread % 32 / 16, column = first_column + (gated ? 0 : 16 * half) + thread % 16;
  ending end = ending_of(p, column);
  PODIUM_UNROLL
  for (int t = 0; t < tiles; t++) {
    barrier(); /* the sums of the tile before are read */
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) shared[(warp * 2 + c) * 64 + lane] = sums[t][c];
    barrier();
    int32_t in_tile = thread / 32, row = first_row + 16 * t + in_tile;
    int at = ((in_tile / 4) * 16 + thread % 16) * 4 + in_tile % 4;
    float sum[2];
    PODIUM_UNROLL
    for (int c = 0; c < 2; c++) {
      if (!gated && c == 1) break;
      int place = (gated ? c : half) * 256 + at;
      sum[c] = partial[place];
      for (int s = 1; s < segments; s++) sum[c] += partial[place + s * 512];
      sum[c] *= fp8_factor;
    }
    if (row < last_row && column < p.n && !(gated && half == 1)) finish<gated>(p, end, row, column, sum);
  }
}

/* Shared memory in pieces of sixteen codes: piece p of the row or column `line` of a tile.  Lanes read sixteen lines of
 * one piece, and write all pieces of a few lines: the XOR keeps either from crowding the same banks. */
constexpr int LINE_PIECES = 4 * FP8_PIECES;
PODIUM_DEVICE int place_of(int line, int piece) {
  return (line / 16 * LINE_PIECES + piece) * 16 + (line % 16 ^ piece * (8 / LINE_PIECES));
}

/* 64 x span rows with 32 x span columns, or half as many of gate and of up, by warps of 16 x span each way, four below
 * each other and two abreast. */
template <bool gated, int span>
PODIUM_DEVICE void tiled(const product &p, int32_t first_row, int32_t last_row, int32_t first_column, words4 *shared) {
  constexpr int rows = 64 * span, columns = 32 * span, all = (rows + columns) * LINE_PIECES;
  constexpr int x_loads = rows * LINE_PIECES / 512, w_loads = (columns * LINE_PIECES + 511) / 512;
  int lane = lane_index(), warp = warp_index(), thread = thread_index();
  int quarter = lane / 16, below = warp / 2, abreast = warp % 2;

  /* What this thread brings: its piece of every (512 / LINE_PIECES)-th line. */
  int piece = thread % LINE_PIECES, line = thread / LINE_PIECES;
  constexpr int stride = 512 / LINE_PIECES;
  const uint8_t *x[x_loads], *w[w_loads];
  PODIUM_UNROLL
  for (int i = 0; i < x_loads; i++) {
    int32_t row = smaller(first_row + line + stride * i, last_row - 1);
    x[i] = (const uint8_t *)p.x + (uint64_t)row * (uint64_t)p.k;
  }
  PODIUM_UNROLL
  for (int i = 0; i < w_loads; i++) {
    int at = line + stride * i;
    int32_t column = smaller(first_column + (gated ? at / 32 * 16 + at % 16 : at), p.n - 1);
    w[i] = (const uint8_t *)(gated && at / 16 % 2 ? p.up : p.w) + (uint64_t)column * (uint64_t)p.k;
  }
  /* Half of the threads have no weight to bring where 512 pieces are too many. */
  bool brings = columns * LINE_PIECES >= 512 || line < columns;
  uint32_t nan[w_loads] = {};
  words4 codes[x_loads + w_loads];
  auto fetch = [&](int32_t stage) __attribute__((always_inline)) {
    int32_t k = stage * STEP + 16 * piece;
    bool there = k < p.k;
    k = there ? k : 0;
    PODIUM_UNROLL
    for (int i = 0; i < x_loads; i++) codes[i] = load16(x[i] + (uint64_t)k);
    PODIUM_UNROLL
    for (int i = 0; i < w_loads; i++) {
      if (!brings) break;
      words4 got = load16(w[i] + (uint64_t)k);
      PODIUM_UNROLL
      for (int j = 0; j < 4; j++) codes[x_loads + i].word[j] = there ? got.word[j] : 0;
    }
  };
  auto put = [&](words4 *to) __attribute__((always_inline)) {
    PODIUM_UNROLL
    for (int i = 0; i < x_loads; i++) store16(to + place_of(line + stride * i, piece), codes[i]);
    PODIUM_UNROLL
    for (int i = 0; i < w_loads; i++) {
      if (brings) store16(to + place_of(rows + line + stride * i, piece), fp8_operand(codes[x_loads + i], nan[i]));
    }
  };

  f32x4 totals[span][span], sums[span][span];
  PODIUM_UNROLL
  for (int t = 0; t < span; t++) {
    PODIUM_UNROLL
    for (int c = 0; c < span; c++) {
      sums[t][c] = f32x4{0, 0, 0, 0};
      totals[t][c] = f32x4{-0.0f, -0.0f, -0.0f, -0.0f}; /* to which anything may be added and stays as it is */
    }
  }
  int32_t stages = (p.k + STEP - 1) / STEP, segment = segment_length(p.k) / STEP, left = segment;
  fetch(0);
  put(shared);
  barrier();
  for (int32_t stage = 0; stage < stages; stage++) {
    fetch(smaller(stage + 1, stages - 1));
    keep_order();
    const words4 *from = shared + stage % 2 * all;
    words4 b[span][FP8_PIECES];
    PODIUM_UNROLL
    for (int c = 0; c < span; c++) {
      PODIUM_UNROLL
      for (int i = 0; i < FP8_PIECES; i++) {
        b[c][i] = load16(from + place_of(rows + 16 * (abreast * span + c) + lane % 16, quarter + 4 * i));
      }
    }
    PODIUM_UNROLL
    for (int t = 0; t < span; t++) {
      words4 a[FP8_PIECES];
      PODIUM_UNROLL
      for (int i = 0; i < FP8_PIECES; i++) {
        a[i] = load16(from + place_of(16 * (below * span + t) + lane % 16, quarter + 4 * i));
      }
      PODIUM_UNROLL
      for (int c = 0; c < span; c++) sums[t][c] = multiply_fp8(a, b[c], sums[t][c]);
    }
    if (--left == 0 || stage + 1 == stages) {
      left = segment;
      PODIUM_UNROLL
      for (int t = 0; t < span; t++) {
        PODIUM_UNROLL
        for (int c = 0; c < span; c++) {
          totals[t][c] += sums[t][c];
          sums[t][c] = f32x4{0, 0, 0, 0};
        }
      }
    }
    keep_order();
    put(shared + (stage + 1) % 2 * all);
    barrier();
  }

  /* Columns with a NaN among their weights. */
  uint32_t *found = (uint32_t *)shared;
  if (FP8_NAN != 0x7f) {
    if (thread < columns) found[thread] = 0;
    barrier();
    PODIUM_UNROLL
    for (int i = 0; i < w_loads; i++) {
      if (brings && fp8_has_nan(nan[i])) found[line + stride * i] = 1;
    }
    barrier();
  }
  PODIUM_UNROLL
  for (int c = 0; c < span; c += gated ? 2 : 1) {
    int in_block = 16 * (abreast * span + c) + lane % 16;
    int32_t at = first_column + (gated ? in_block / 32 * 16 + in_block % 16 : in_block);
    if (at >= p.n) continue;
    ending end = ending_of(p, at);
    bool is_nan = FP8_NAN != 0x7f && (found[in_block] || (gated && found[in_block + 16]));
    PODIUM_UNROLL
    for (int t = 0; t < span; t++) {
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        int32_t row = first_row + 16 * (below * span + t) + 4 * quarter + i;
        float sum[2] = {totals[t][c][i] * fp8_factor, totals[t][gated ? c + 1 : c][i] * fp8_factor};
        if (is_nan) sum[0] = quiet_nan();
        if (row < last_row) finish<gated>(p, end, row, at, sum);
      }
    }
  }
}

#endif

/* What one block does. */
template <bool gated>
PODIUM_DEVICE void block(const product &p, int32_t max_rows, words4 *shared) {
  (void)shared;
  constexpr int matrices = gated ? 2 : 1;
  bool wide = max_rows > SKINNY_ROWS, whole = whole_reads(p, 16);
  int32_t block_rows = wide ? tile_rows(max_rows, p.n, matrices) : SKINNY_ROWS;
  int32_t block_columns = (wide ? block_rows / 2 : SKINNY_COLUMNS) / matrices;
  int32_t first_row = wide ? (int32_t)block_index_y() * block_rows : 0;
  int32_t first_column = (int32_t)block_index() * block_columns;
  if (first_row >= p.rows) return;
  int32_t last_row = smaller(first_row + block_rows, p.rows);
  int32_t last_column = smaller(first_column + block_columns, p.n);
#if PODIUM_MATRIX
  int32_t rows = last_row - first_row;
  f32x4 *sums = (f32x4 *)shared;
  if (!whole) {
    for (int32_t column = first_column; column < last_column; column += SKINNY_COLUMNS / matrices) {
      for (int32_t row = first_row; row < last_row; row += 16) {
        skinny<gated, 1, false>(p, row, last_row, column, sums);
      }
    }
  } else if (block_rows == 256) {
    tiled<gated, 4>(p, first_row, last_row, first_column, shared);
  } else if (wide) {
    tiled<gated, 2>(p, first_row, last_row, first_column, shared);
  } else if (rows <= 16) {
    skinny<gated, 1, true>(p, first_row, last_row, first_column, sums);
  } else if (rows <= 32) {
    skinny<gated, 2, true>(p, first_row, last_row, first_column, sums);
  } else if (rows <= 64) {
    skinny<gated, 4, true>(p, first_row, last_row, first_column, sums);
  } else {
    skinny<gated, 8, true>(p, first_row, last_row, first_column, sums);
  }
#else
  plain_block<F8E4M3, F8E4M3, gated>(p, first_row, last_row, first_column, last_column, whole);
#endif
}

#if PODIUM_MATRIX
/* Both halves of the larger tiles. */
#define FP8_SHARED PODIUM_SHARED(words4, shared, 2 * (256 + 128) * fp8::LINE_PIECES)
#else
#define FP8_SHARED words4 *const shared = nullptr
#endif

} // namespace fp8

using namespace podium;

PODIUM_KERNEL(256)
quantize_fp8(uint8_t *codes, const float *x, float scale, const int32_t *live, int32_t max_rows, int32_t width) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  uint64_t start = (uint64_t)row * (uint64_t)width;
  bool whole = width % 4 == 0 && aligned16(x) && aligned16(codes);
  for (int32_t i = 4 * thread_index(); i < width; i += 4 * 256) {
    float values[4];
    four(x + start, i, width, whole, values);
    fp8::store4(codes + start, i, width, whole, values, scale);
  }
}

PODIUM_KERNEL(512)
rms_norm_quantize_fp8(int32_t dtype, uint8_t *codes, const float *x, const void *weight, float code_scale,
                      const int32_t *rows, const int32_t *live, int32_t max_rows, int32_t width, float epsilon) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  const float *from = x + (rows ? (uint64_t)rows[row] : (uint64_t)row) * (uint64_t)width;
  bool whole = width % 4 == 0 && aligned16(x) && aligned16(codes);
  float scale = inverse_root(from, width, whole, epsilon);
  for (int32_t start = 4 * thread_index(); start < width; start += 4 * NORM_THREADS) {
    float values[4];
    four(from, start, width, whole, values);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      if (start + i < width) values[i] = values[i] * scale * element(dtype, weight, (uint64_t)(start + i));
    }
    fp8::store4(codes + (uint64_t)row * (uint64_t)width, start, width, whole, values, code_scale);
  }
}

PODIUM_KERNEL(512)
gemm_fp8(float *y, const uint8_t *codes, float x_scale, const void *w, const float *scales, const void *bias,
         int32_t bias_dtype, const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  FP8_SHARED;
  product p = {F8E4M3, y,    codes,      x_scale, w, nullptr, scales, nullptr, bias, bias_dtype, live_rows(live, max_rows),
               n,      k,    accumulate};
  fp8::block<false>(p, max_rows, shared);
}

PODIUM_KERNEL(512)
gemm_fp8_silu_gate(float *h, const uint8_t *codes, float x_scale, const void *gate, const void *up,
                   const float *gate_scales, const float *up_scales, const int32_t *live, int32_t max_rows, int32_t n,
                   int32_t k) {
  FP8_SHARED;
  product p = {F8E4M3, h, codes, x_scale, gate, up, gate_scales, up_scales, nullptr, 0, live_rows(live, max_rows), n,
               k,      0};
  fp8::block<true>(p, max_rows, shared);
}
