/* attention_plain.h - attention without matrix cores, for every head size and alignment.
 *
 * A warp has a share of the keys and takes four queries at a time.  As many lanes as cover a key, or 128 elements of it,
 * with 16 bytes each take one; so a warp reads several keys at once, and each number read serves four queries.  The
 * scores of a share are complete before its maximum is taken.  Lanes of one key add by exchange, halves first; the
 * lanes of a value take keys as far apart as there are groups of lanes, and are added likewise. */
#ifndef PODIUM_ATTENTION_PLAIN_H
#define PODIUM_ATTENTION_PLAIN_H

#ifndef PODIUM_ATTENTION_ROWS_H
#include "attention_rows.h"
#endif

namespace podium {

constexpr int PLAIN_QUERIES = 4, PIECE = 128;
/* Results, then scores. */
static_assert(SHARES * PLAIN_QUERIES * PIECE + ATTENTION_PART * PLAIN_QUERIES <= AREA, "shared memory");

/* The elements of one load of 16 bytes. */
template <int dtype>
constexpr int WIDE = dtype == F32 ? 4 : dtype == BF16 ? 8 : 16;

/* The elements of the cache that one lane takes at once: WIDE, or one of any type. */
template <int dtype, int own>
PODIUM_DEVICE void cached(const attention &a, const void *pages, uint64_t at, float *values) {
  if constexpr (own == 1) {
    values[0] = element(a.kv_dtype, pages, at);
  } else {
    constexpr int per_word = own / 4;
    words4 words = load16((const char *)pages + at * (16 / own));
    PODIUM_UNROLL
    for (int i = 0; i < own; i++) {
      uint32_t code = words.word[i / per_word] >> 32 / per_word * (i % per_word);
      values[i] = dtype == F32    ? float_of(code)
                  : dtype == BF16 ? float_of_bf16(code & 0xffff)
                                  : float_of_e4m3(code & 0xff);
    }
  }
}

PODIUM_DEVICE float warp_largest(float value) {
  PODIUM_UNROLL
  for (int mask = WARP / 2; mask > 0; mask /= 2) value = larger(shuffle_xor(value, mask), value);
  return value;
}

/* One part of up to four queries, `first` and those behind it. */
template <int dtype, int own>
PODIUM_DEVICE void plain_part(const queries &some, const shared_area &area, int32_t part, int first) {
  attention a = copy_of(*area.launch);
  int lanes = 1;
  while (lanes * own < a.head_dim && lanes < smaller(PIECE / own, WARP)) lanes *= 2;
  int lane = lane_here(), share = warp_index(), at = lane % lanes, group = lane / lanes, groups = WARP / lanes;
  int count = smaller(some.count - first, PLAIN_QUERIES);
  int32_t start = part * ATTENTION_PART + share * SHARE;
  int32_t keys = larger(0, smaller(some.last_position - start + 1, SHARE));
  float *scores = area.floats + SHARES * PLAIN_QUERIES * PIECE + share * SHARE * PLAIN_QUERIES;
  int32_t query_row[PLAIN_QUERIES], query_head[PLAIN_QUERIES], limit[PLAIN_QUERIES];
  PODIUM_UNROLL
  for (int g = 0; g < PLAIN_QUERIES; g++) {
    int32_t row = row_of(some, first + g);
    query_row[g] = in_lanes(row);
    query_head[g] = in_lanes(head_of(some, first + g));
    /* Keys of the share that the query sees. */
    limit[g] = in_lanes(a.positions[row] - start + 1);
  }

  for (int32_t piece = 0; piece < a.head_dim; piece += lanes * own) {
    int32_t d = piece + at * own;
    bool has = d < a.head_dim;
    float q[PLAIN_QUERIES][own];
    PODIUM_UNROLL
    for (int g = 0; g < PLAIN_QUERIES; g++) {
      const float *from = a.q + (uint64_t)query_row[g] * (uint64_t)a.q_stride + (uint64_t)(query_head[g] * a.head_dim);
      PODIUM_UNROLL
      for (int i = 0; i < own; i++) q[g][i] = has ? from[d + i] : 0.0f;
    }
    for (int32_t first_key = 0; first_key < keys; first_key += groups) {
      int32_t key = first_key + group;
      float k[own];
      uint64_t element = element_of_key(a, some.pages, start + smaller(key, keys - 1));
      cached<dtype, own>(a, a.k_pages, element + (uint64_t)(has ? d : 0), k);
      PODIUM_UNROLL
      for (int g = 0; g < PLAIN_QUERIES; g++) {
        float sum = 0;
        PODIUM_UNROLL
        for (int i = 0; i < own; i++) sum = multiply_add(q[g][i], k[i], sum);
        /* A lane beyond the head has read its first elements instead. */
        sum = has ? sum : 0.0f;
        for (int mask = lanes / 2; mask > 0; mask /= 2) sum += shuffle_xor(sum, mask);
        if (at == 0 && key < keys) {
          float *to = scores + key * PLAIN_QUERIES + g;
          *to = piece == 0 ? sum : *to + sum;
        }
      }
    }
  }
  barrier();

  PODIUM_UNROLL
  for (int g = 0; g < PLAIN_QUERIES; g++) {
    float score[SHARE / WARP], largest = -infinity(), total = 0;
    PODIUM_UNROLL
    for (int j = 0; j < SHARE / WARP; j++) {
      int32_t key = lane + WARP * j;
      score[j] = key < smaller(limit[g], keys) ? scores[key * PLAIN_QUERIES + g] * a.score_scale : -infinity();
      largest = larger(score[j], largest);
    }
    largest = warp_largest(largest);
    PODIUM_UNROLL
    for (int j = 0; j < SHARE / WARP; j++) {
      int32_t key = lane + WARP * j;
      bool seen = key < smaller(limit[g], keys);
      float weight = seen ? exp2_fast((score[j] - largest) * LOG2_E) : 0.0f;
      total += weight;
      scores[key * PLAIN_QUERIES + g] = weight;
    }
    total = warp_sum(total);
    if (lane == 0 && g < count) area.shares[share * QUERIES + first + g] = {largest, total};
  }
  barrier();

  for (int32_t piece = 0; piece < a.head_dim; piece += lanes * own) {
    int32_t d = piece + at * own, width = smaller(a.head_dim - piece, lanes * own);
    bool has = d < a.head_dim;
    float result[PLAIN_QUERIES][own];
    PODIUM_UNROLL
    for (int g = 0; g < PLAIN_QUERIES; g++) {
      PODIUM_UNROLL
      for (int i = 0; i < own; i++) result[g][i] = 0;
    }
    for (int32_t key = group; key < keys; key += groups) {
      float v[own];
      cached<dtype, own>(a, a.v_pages, element_of_key(a, some.pages, start + key) + (uint64_t)(has ? d : 0), v);
      PODIUM_UNROLL
      for (int g = 0; g < PLAIN_QUERIES; g++) {
        /* A value that the query does not see may be NaN. */
        if (key >= limit[g]) continue;
        float weight = scores[key * PLAIN_QUERIES + g];
        PODIUM_UNROLL
        for (int i = 0; i < own; i++) result[g][i] = multiply_add(weight, v[i], result[g][i]);
      }
    }
    PODIUM_UNROLL
    for (int g = 0; g < PLAIN_QUERIES; g++) {
      PODIUM_UNROLL
      for (int i = 0; i < own; i++) {
        float sum = result[g][i];
        for (int mask = WARP / 2; mask >= lanes; mask /= 2) sum += shuffle_xor(sum, mask);
        if (group == 0 && has) area.floats[(share * PLAIN_QUERIES + g) * width + at * own + i] = sum;
      }
    }
    barrier();
    join_shares(some, area, part, first, count, PLAIN_QUERIES, piece, width);
    barrier();
  }
}

/* The parts from .. to - 1 of the queries of a run. */
template <int dtype, int own>
PODIUM_DEVICE void plain_run(const queries &run, const shared_area &area, int32_t from, int32_t to) {
  for (int32_t query = 0; query < run.count; query += QUERIES) {
    queries some = some_of(area.launch->positions, run, query, QUERIES);
    for (int32_t part = from; part < to && part <= part_of(some.last_position); part++) {
      for (int first = 0; first < some.count; first += PLAIN_QUERIES) plain_part<dtype, own>(some, area, part, first);
    }
  }
}

} // namespace podium

#endif
