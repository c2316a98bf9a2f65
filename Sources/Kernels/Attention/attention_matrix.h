/* attention_matrix.h - attention by matrix cores, for heads of 64 and 128.
 *
 * A warp takes sixteen queries and tiles of 32 keys.  The scores come out transposed, keys by queries, and the keys are
 * dealt to the rows of the instruction so that a lane holds the weights of eight neighbouring keys of one query: what
 * the product with V wants as its operand.  Nothing passes through shared memory inside the loop.  Queries and weights
 * are exact sums of three bfloat16, as in gemm.hip, and BF16 and FP8 caches are bfloat16 exactly.  In a share the maximum follows tile by tile. */
#ifndef PODIUM_ATTENTION_MATRIX_H
#define PODIUM_ATTENTION_MATRIX_H

#ifndef PODIUM_ATTENTION_ROWS_H
#include "attention_rows.h"
#endif
#ifndef PODIUM_MATRIX_H
#include "../Device/podium_matrix.h"
#endif

#if PODIUM_MATRIX

namespace podium {

constexpr int KEYS = 32;

/* ---- E4M3 as bfloat16 ------------------------------------------------------------------------------------------ */

/* Bytes of two words, 0 to 3 of the low one and 4 to 7 of the high one, by four numbers. */
PODIUM_DEVICE uint32_t pick(uint32_t high, uint32_t low, uint32_t bytes) { return PODIUM_AMD(perm)(high, low, bytes); }

#if PODIUM_GFX950
/* What a code stands for is the operand times this. */
constexpr float code_factor = 1.0f;
typedef __bf16 bf16x2 __attribute__((ext_vector_type(2)));
PODIUM_DEVICE uint32_t plain_codes(uint32_t codes) { return codes; }
PODIUM_DEVICE void bf16_of_codes(uint32_t codes, uint32_t *pairs) {
  pairs[0] = same_bits<uint32_t>((bf16x2)PODIUM_AMD(cvt_scalef32_pk_bf16_fp8)(codes, 1.0f, false));
  pairs[1] = same_bits<uint32_t>((bf16x2)PODIUM_AMD(cvt_scalef32_pk_bf16_fp8)(codes, 1.0f, true));
}
#else
/* gfx942 reads FNUZ, in which the same code is half the number, except for -0 (NaN there), which becomes 0 before, and
 * NaN (240 there), which not_numbers() finds. */
constexpr float code_factor = 2.0f;
typedef float f32x2 __attribute__((ext_vector_type(2)));
PODIUM_DEVICE uint32_t plain_codes(uint32_t codes) {
  return codes & (((codes & 0x7f7f7f7fu) + 0x7f7f7f7fu) | 0x7f7f7f7fu);
}
PODIUM_DEVICE void bf16_of_codes(uint32_t codes, uint32_t *pairs) {
  f32x2 low = PODIUM_AMD(cvt_pk_f32_fp8)((int)codes, false), high = PODIUM_AMD(cvt_pk_f32_fp8)((int)codes, true);
  pairs[0] = pick(bits_of(low[1]), bits_of(low[0]), 0x07060302u);
  pairs[1] = pick(bits_of(high[1]), bits_of(high[0]), 0x07060302u);
}
#endif

/* The high bit of each element of a word of the cache: whether it is infinite or NaN.  The other bits are noise. */
template <int dtype>
PODIUM_DEVICE uint32_t not_numbers(uint32_t word) {
  return dtype == BF16 ? (word & 0x7f807f80u) + 0x00800080u : (word & 0x7f7f7f7fu) + 0x01010101u;
}
template <int dtype>
constexpr uint32_t HIGH_BITS = dtype == BF16 ? 0x80008000u : 0x80808080u;

/* ---- Operands -------------------------------------------------------------------------------------------------- */

/* Eight weights as exact sums of three bfloat16.  None is infinite; NaN is quiet, as arithmetic makes it. */
PODIUM_DEVICE terms8 split_weights(const float *values) {
  terms8 result;
  float rest[8];
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) rest[i] = values[i];
  PODIUM_UNROLL
  for (int t = 0; t < 3; t++) {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      result.term[t].word[i] = pick(bits_of(rest[2 * i + 1]), bits_of(rest[2 * i]), 0x07060302u);
    }
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) rest[i] -= float_of(bits_of(rest[i]) & 0xffff0000u);
  }
  return result;
}

/* c + cached * exact, with eight numbers of the cache as bfloat16. */
PODIUM_DEVICE f32x4 multiply(const words4 &cached, const terms8 &exact, f32x4 c) {
  c = multiply_bf16(cached, exact.term[2], c);
  c = multiply_bf16(cached, exact.term[1], c);
  return multiply_bf16(cached, exact.term[0], c);
}

/* ---- What a lane reads ----------------------------------------------------------------------------------------- */

/* Words of the cache that a lane has of a key, a quarter of it, and of a value, a sixteenth. */
template <int dtype, int width>
constexpr int KEY_WORDS = width * (dtype == BF16 ? 2 : 1) / 16;
template <int dtype, int width>
constexpr int VALUE_WORDS = KEY_WORDS<dtype, width> / 4;

/* `count` words, in loads as wide as they are many. */
template <int count>
PODIUM_DEVICE void load_words(const void *from, uint32_t *words) {
  if (count == 1) {
    words[0] = *(const uint32_t *)from;
  } else if (count == 2) {
    uint64_t two = *(const uint64_t *)from;
    words[0] = (uint32_t)two;
    words[count - 1] = (uint32_t)(two >> 32);
  } else {
    PODIUM_UNROLL
    for (int i = 0; i < count / 4; i++) {
      words4 four = load16((const uint32_t *)from + 4 * i);
      PODIUM_UNROLL
      for (int j = 0; j < 4; j++) words[4 * i + j] = four.word[j];
    }
  }
}

/* The element of a head at which operand j of a quarter of the warp begins: two operands of FP8 are one load. */
template <int dtype>
PODIUM_DEVICE int element_of_operand(int j, int quarter) {
  return dtype == F8E4M3 ? 64 * (j / 2) + 16 * quarter + 8 * (j % 2) : 32 * j + 8 * quarter;
}

template <int dtype, int width>
PODIUM_DEVICE void load_key(const attention &a, const queries &some, int32_t key, int quarter, uint32_t *words) {
  const char *row = (const char *)a.k_pages +
                    element_of_key(a, some.pages, smaller(key, some.last_position)) * (KEY_WORDS<dtype, width> * 16 / width);
  PODIUM_UNROLL
  for (int j = 0; j < KEY_WORDS<dtype, width> / 4; j++) load_words<4>(row + 64 * j + 16 * quarter, words + 4 * j);
}

/* A lane's rows of both halves of a tile. */
template <int dtype, int width>
PODIUM_DEVICE void load_keys(const attention &a, const queries &some, int32_t key, int quarter,
                             uint32_t (*words)[KEY_WORDS<dtype, width>]) {
  load_key<dtype, width>(a, some, key, quarter, words[0]);
  load_key<dtype, width>(a, some, key + 4, quarter, words[1]);
}

/* Operand j of the words of a key. */
template <int dtype>
PODIUM_DEVICE words4 key_operand(const uint32_t *words, int j) {
  words4 operand;
  if (dtype == BF16) {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) operand.word[i] = words[4 * j + i];
  } else {
    bf16_of_codes(plain_codes(words[2 * j]), operand.word);
    bf16_of_codes(plain_codes(words[2 * j + 1]), operand.word + 2);
  }
  return operand;
}

/* Of eight values, elements width / 16 * column and those behind it. */
template <int dtype, int width>
PODIUM_DEVICE void load_values(const attention &a, const queries &some, int32_t key, int column, uint32_t (*words)[VALUE_WORDS<dtype, width>]) {
  constexpr int size = KEY_WORDS<dtype, width> * 16 / width;
  const char *pages = (const char *)a.v_pages + width / 16 * size * column;
  if (a.page_size % 8 == 0) {
    /* Eight neighbouring keys lie in one page. */
    const char *from = pages + element_of_key(a, some.pages, smaller(key, some.last_position & ~7)) * size;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) load_words<VALUE_WORDS<dtype, width>>(from + i * width * size, words[i]);
  } else {
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) {
      uint64_t at = element_of_key(a, some.pages, smaller(key + i, some.last_position));
      load_words<VALUE_WORDS<dtype, width>>(pages + at * size, words[i]);
    }
  }
}

/* Puts the codes of four keys that stand below each other side by side. */
PODIUM_DEVICE void transpose(uint32_t &a, uint32_t &b, uint32_t &c, uint32_t &d) {
  uint32_t ab = pick(b, a, 0x05010400u), more_ab = pick(b, a, 0x07030602u);
  uint32_t cd = pick(d, c, 0x05010400u), more_cd = pick(d, c, 0x07030602u);
  a = pick(cd, ab, 0x05040100u);
  b = pick(cd, ab, 0x07060302u);
  c = pick(more_cd, more_ab, 0x05040100u);
  d = pick(more_cd, more_ab, 0x07060302u);
}

/* Operand t of the words of eight values: element t of each.  FP8 must be transposed before. */
template <int dtype, int words>
PODIUM_DEVICE words4 value_operand(const uint32_t (*values)[words], int t) {
  words4 operand;
  if (dtype == BF16) {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      operand.word[i] = pick(values[2 * i + 1][t / 2], values[2 * i][t / 2], t % 2 ? 0x07060302u : 0x05040100u);
    }
  } else {
    PODIUM_UNROLL
    for (int half = 0; half < 2; half++) {
      bf16_of_codes(plain_codes(values[4 * half + t % 4][t / 4]), operand.word + 2 * half);
    }
  }
  return operand;
}

/* NaN where a code of operand t is one, elsewhere zero. */
template <int words>
PODIUM_DEVICE words4 value_nans(const uint32_t (*values)[words], int t) {
  words4 operand;
  PODIUM_UNROLL
  for (int i = 0; i < 4; i++) {
    uint32_t nan = not_numbers<F8E4M3>(values[4 * (i / 2) + t % 4][t / 4]) >> 16 * (i % 2);
    operand.word[i] = (nan & 0x80 ? 0x7fc0u : 0) | (nan & 0x8000 ? 0x7fc00000u : 0);
  }
  return operand;
}

/* ---- A share --------------------------------------------------------------------------------------------------- */

/* Queries as operands, and what a warp has of their results: element i of result[t] is element span (4 quarter + i) + t
 * of the head, with span = width / 16. */
template <int dtype, int width>
struct warp_queries {
  terms8 q[width / 32];
  int32_t position;
};
template <int width>
struct warp_results {
  f32x4 result[width / 16];
  standing own;
};

template <int dtype, int width>
PODIUM_DEVICE warp_queries<dtype, width> queries_of_warp(const attention &a, const queries &some) {
  warp_queries<dtype, width> of;
  int lane = lane_here(), quarter = lane / 16, query = lane % 16;
  int32_t row = row_of(some, query);
  of.position = a.positions[row];
  const float *from = a.q + (uint64_t)row * (uint64_t)a.q_stride + (uint64_t)(head_of(some, query) * width);
  PODIUM_UNROLL
  for (int j = 0; j < width / 32; j++) {
    uint32_t words[8];
    float values[8];
    load_words<8>(from + element_of_operand<dtype>(j, quarter), words);
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) values[i] = float_of(words[i]);
    of.q[j] = split(values);
  }
  return of;
}

template <int width>
PODIUM_DEVICE void clear(warp_results<width> &results) {
  results.own = nothing();
  PODIUM_UNROLL
  for (int t = 0; t < width / 16; t++) results.result[t] = f32x4{0, 0, 0, 0};
}

/* Takes in the keys of a tile: scores (key start + 8 quarter + i of the lane's query) become weights.  Returns what the
 * results so far are multiplied by. */
PODIUM_DEVICE float weigh(float *scores, int32_t seen, standing &own) {
  if (warp_any(seen < 8)) {
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) scores[i] = i < seen ? scores[i] : -infinity();
  }
  float largest = -infinity();
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) largest = larger(scores[i], largest);
  largest = larger(shuffle_xor(largest, 16), largest);
  largest = larger(shuffle_xor(largest, 32), largest);
  float before = own.maximum;
  own.maximum = larger(largest, before);
  float shrink = before > -infinity() ? exp2_fast((before - own.maximum) * LOG2_E) : 0.0f;
  /* Before the first key of a query. */
  float origin = own.maximum > -infinity() ? own.maximum : 0.0f, sum = 0;
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) {
    scores[i] = exp2_fast((scores[i] - origin) * LOG2_E);
    sum += scores[i];
  }
  sum += shuffle_xor(sum, 16);
  sum += shuffle_xor(sum, 32);
  own.total = multiply_add(own.total, shrink, sum);
  return shrink;
}

/* The keys from `start` to the end of the share.  `ahead`: asks for the keys of the next tile and the values of this one
 * as early as it can, for a decode step, which waits for memory; a prefill has better use for the registers.  Of rows that do not see the same keys the results are right unless
 * `odd` has a bit afterwards: a value that some of them do not see is no number, which a weight of zero does not hide. */
template <int dtype, int width, bool ahead>
PODIUM_DEVICE void attend(const queries &some, const shared_area &area, const warp_queries<dtype, width> &of,
                          int32_t start, warp_results<width> &results, uint32_t &odd) {
  attention a = copy_of(*area.launch);
  if (dtype == F8E4M3) a.score_scale *= code_factor;
  int lane = lane_here(), quarter = lane / 16, column = lane % 16, of_row = 8 * (column / 4) + column % 4;
  int32_t end = smaller(start + SHARE, some.last_position + 1);
  clear(results);
  if (start >= end) return;
  uint32_t keys[2][KEY_WORDS<dtype, width>], values[8][VALUE_WORDS<dtype, width>];
  if (ahead) load_keys<dtype, width>(a, some, start + of_row, quarter, keys);
  for (; start < end; start += KEYS) {
    if (ahead) {
      load_values<dtype, width>(a, some, start + 8 * quarter, column, values);
    } else {
      load_keys<dtype, width>(a, some, start + of_row, quarter, keys);
    }
    /* scores[4 half + i]: key start + 8 quarter + 4 half + i. */
    float scores[8];
    PODIUM_UNROLL
    for (int half = 0; half < 2; half++) {
      f32x4 sums = {0, 0, 0, 0};
      uint32_t nan = 0;
      if (dtype == F8E4M3 && !PODIUM_GFX950) {
        PODIUM_UNROLL
        for (int i = 0; i < KEY_WORDS<dtype, width>; i++) nan |= not_numbers<dtype>(keys[half][i]);
        nan &= HIGH_BITS<dtype>;
      }
      PODIUM_UNROLL
      for (int j = 0; j < width / 32; j++) {
        words4 operand = key_operand<dtype>(keys[half], j);
        if constexpr (dtype == F8E4M3 && !PODIUM_GFX950) {
          if (j == 0) operand.word[0] |= nan ? 0x7fc0u : 0u;
        }
        sums = multiply(operand, of.q[j], sums);
      }
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) scores[4 * half + i] = sums[i] * a.score_scale;
    }
    if (!ahead) {
      load_values<dtype, width>(a, some, start + 8 * quarter, column, values);
    } else if (start + KEYS < end) {
      load_keys<dtype, width>(a, some, start + KEYS + of_row, quarter, keys);
    }
    float shrink = weigh(scores, of.position + 1 - start - 8 * quarter, results.own);
    terms8 weights = split_weights(scores);
    int32_t key = start + 8 * quarter;
    if (start + KEYS > end) {
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) {
        PODIUM_UNROLL
        for (int j = 0; j < VALUE_WORDS<dtype, width>; j++) values[i][j] = key + i < end ? values[i][j] : 0;
      }
    }
    constexpr bool has_hidden_nan = dtype == F8E4M3 && !PODIUM_GFX950;
    bool is_hidden = some.least_position < start + KEYS - 1 && some.least_position < some.last_position;
    uint32_t here = 0;
    if (has_hidden_nan || is_hidden) {
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) {
        PODIUM_UNROLL
        for (int j = 0; j < VALUE_WORDS<dtype, width>; j++) here |= not_numbers<dtype>(values[i][j]);
      }
      here &= HIGH_BITS<dtype>;
      if (is_hidden) odd |= here;
    }
    if (dtype == F8E4M3) {
      PODIUM_UNROLL
      for (int j = 0; j < VALUE_WORDS<dtype, width>; j++) {
        transpose(values[0][j], values[1][j], values[2][j], values[3][j]);
        transpose(values[4][j], values[5][j], values[6][j], values[7][j]);
      }
    }
    PODIUM_UNROLL
    for (int t = 0; t < width / 16; t++) {
      results.result[t] = multiply(value_operand<dtype>(values, t), weights, results.result[t] * shrink);
    }
    if constexpr (has_hidden_nan) {
      if (warp_any(here != 0)) {
        PODIUM_UNROLL
        for (int t = 0; t < width / 16; t++) {
          results.result[t] = multiply_bf16(value_nans(values, t), weights.term[0], results.result[t]);
        }
      }
    }
  }
  if (dtype == F8E4M3 && code_factor != 1) {
    PODIUM_UNROLL
    for (int t = 0; t < width / 16; t++) results.result[t] *= code_factor;
  }
}

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

/* The parts from .. to - 1 of up to sixteen queries: the warps of the block have the shares. */
template <int dtype, int width>
PODIUM_DEVICE void matrix_shares(const queries &some, const shared_area &area, int32_t from, int32_t to,
                                 uint32_t &odd) {
  constexpr int span = width / 16, slots = AREA / SHARES / width;
  int lane = lane_here(), quarter = lane / 16, query = lane % 16, share = warp_index();
  warp_queries<dtype, width> of = queries_of_warp<dtype, width>(copy_of(*area.launch), some);
  for (int32_t part = from; part < to && part <= part_of(some.last_position); part++) {
    warp_results<width> results;
    attend<dtype, width, true>(some, area, of, part * ATTENTION_PART + share * SHARE, results, odd);
    if (quarter == 0) area.shares[share * QUERIES + query] = results.own;
    for (int first = 0; first < some.count; first += slots) {
      if (query / slots * slots == first) {
        float *at = area.floats + (share * slots + query % slots) * width;
        PODIUM_UNROLL
        for (int i = 0; i < 4; i++) {
          PODIUM_UNROLL
          for (int t = 0; t < span; t += 4) {
            float four[4] = {results.result[t][i], results.result[t + 1][i], results.result[t + 2][i], results.result[t + 3][i]};
            store16(at + span * (4 * quarter + i) + t, four);
          }
        }
      }
      barrier();
      join_shares(some, area, part, first, smaller(slots, some.count - first), slots, 0, width);
      barrier();
    }
  }
}

/* All parts of many queries, sixteen for a warp, which takes all shares in turn. */
template <int dtype, int width>
PODIUM_DEVICE void matrix_queries(const queries &run, const shared_area &area, uint32_t &odd) {
  constexpr int span = width / 16;
  int lane = lane_here(), quarter = lane / 16, query = lane % 16;
  int32_t first = warp_index() * QUERIES;
  if (first >= run.count) return;
  queries some = some_of(area.launch->positions, run, first, QUERIES);
  warp_queries<dtype, width> of = queries_of_warp<dtype, width>(copy_of(*area.launch), some);
  int32_t last = part_of(of.position);
  float value_scale = area.destination->value_scale;
  float *out = uniform_pointer(area.destination->out) +
               place_of_out(uniform(area.destination->heads), row_of(some, query), head_of(some, query), width) + span * 4 * quarter;
  standing so_far = nothing();
  for (int32_t part = 0; part <= part_of(some.last_position); part++) {
    warp_results<width> all;
    clear(all);
    for (int share = 0; share < SHARES; share++) {
      int32_t start = part * ATTENTION_PART + share * SHARE;
      if (start > some.last_position) break;
      warp_results<width> next;
      attend<dtype, width, false>(some, area, of, start, next, odd);
      factors f = fold(all.own, next.own);
      PODIUM_UNROLL
      for (int t = 0; t < span; t++) {
        PODIUM_UNROLL
        for (int i = 0; i < 4; i++) all.result[t][i] = fold(all.result[t][i], f, next.result[t][i]);
      }
    }
    if (part > last || query >= some.count) continue;
    standing before = so_far;
    factors f = {0, 1};
    if (part > 0) {
      f = fold(before, all.own);
    } else {
      before = all.own;
    }
    so_far = before;
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      PODIUM_UNROLL
      for (int t = 0; t < span; t += 4) {
        float *at = out + span * i + t;
        float four[4];
        PODIUM_UNROLL
        for (int j = 0; j < 4; j++) four[j] = all.result[t + j][i];
        if (part > 0) {
          words4 kept = load16(at);
          PODIUM_UNROLL
          for (int j = 0; j < 4; j++) four[j] = fold(float_of(kept.word[j]), f, four[j]);
        }
        PODIUM_UNROLL
        for (int j = 0; j < 4; j++) {
          if (part == last) four[j] = finished(four[j], so_far.total, value_scale);
        }
        store16(at, four);
      }
    }
  }
}

/* Whether any lane of the block has a bit; the same in every thread. */
PODIUM_DEVICE bool block_any(uint32_t own, const shared_area &area) {
  bool any = warp_any(own != 0);
  if (lane_index() == 0) area.floats[warp_index()] = any ? 1.0f : 0.0f;
  barrier();
  float sum = 0;
  for (int i = 0; i < SHARES; i++) sum += area.floats[i];
  barrier();
  return uniform(sum != 0) != 0;
}

/* The parts from .. to - 1 of the queries of a run: of several rows together, and once more row by row if some value is
 * no number that some row does not see. */
template <int dtype, int width>
PODIUM_DEVICE void matrix_run(const queries &run, const shared_area &area, int32_t from, int32_t to) {
  bool together = run.count > run.group;
  uint32_t odd = 0;
  if (run.count > QUERIES && together) {
    for (int32_t query = 0; query < run.count; query += QUERIES * SHARES) {
      queries some = run;
      some.first = query;
      some.count = smaller(run.count - query, QUERIES * SHARES);
      matrix_queries<dtype, width>(some, area, odd);
    }
    if (!block_any(odd, area)) return;
    together = false;
  }
  for (;;) {
    int32_t step = together ? run.count : run.group;
    for (int32_t row = 0; row < run.count; row += step) {
      for (int32_t query = row; query < row + step; query += QUERIES) {
        matrix_shares<dtype, width>(some_of(area.launch->positions, run, query, smaller(row + step - query, QUERIES)), area, from, to, odd);
      }
    }
    if (!together || !block_any(odd, area)) return;
    together = false;
  }
}

} // namespace podium

#endif

#endif
