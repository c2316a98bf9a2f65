/* The form of podium_paged_attention for a GPU: one flash-style loop for decode and prefill.
 *
 * A block takes one kv head and some rows, sixteen queries (row, head) of one sequence at a time.  Keys are taken in
 * tiles of 32 by absolute position, and tile t belongs to share t mod 8, a warp's: so a decode step is split over the
 * sequence.  Each share has its own maximum, sum and result, and the eight are joined in their order.  None of it
 * depends on what else is in the batch, so neither do the bits of a row.
 *
 * With matrix cores the scores come out transposed, keys by queries, and the keys are dealt to the rows of the
 * instruction so that a lane holds the weights of eight neighbouring keys of one query: what the product with V wants
 * as its operand.  Nothing passes through shared memory inside the loop.  Queries and weights are exact sums of three
 * bfloat16, as in gemm.hip; BF16 and FP8 caches are bfloat16 exactly, and F32 goes through the float32 instructions.
 * A key that a later row of the group may see has weight zero for an earlier one.
 *
 * Without them (plain), and for other head sizes, a lane has a share of head_dim and a score is a sum over the warp. */
#ifndef PODIUM_MATRIX_H
#include "../Device/podium_matrix.h"
#endif

using namespace podium;

constexpr int ATTENTION_THREADS = 512, SHARES = 8, QUERIES = 16, KEYS = 32;
/* Largest head_dim; results of a greater one are NaN. */
constexpr int HEAD_DIM_MAX = 256;
constexpr float LOG2_E = 0x1.715476p+0f;

/* The arguments of a launch. */
struct attention {
  float *out;
  const float *q;
  const void *k_pages, *v_pages;
  const int32_t *positions;
  int32_t q_stride, heads, kv_heads, head_dim, page_size, kv_head;
  float score_scale, value_scale;
};

/* Up to sixteen queries of one sequence: rows first .. first + rows - 1 with heads first_head .. + heads - 1 each. */
struct queries {
  const int32_t *pages;
  int32_t first, rows, first_head, heads, last_position;
};

/* Row and head of query i; the last one stands for those that do not exist. */
PODIUM_DEVICE int32_t row_of(const queries &group, int i) {
  return group.first + smaller(i, group.rows * group.heads - 1) / group.heads;
}
PODIUM_DEVICE int32_t head_of(const queries &group, int i) {
  return group.first_head + smaller(i, group.rows * group.heads - 1) % group.heads;
}

/* The first element of the key, or value, at a position. */
PODIUM_DEVICE uint64_t element_of_key(const attention &a, const int32_t *pages, int32_t position) {
  uint64_t page = (uint64_t)pages[position / a.page_size];
  uint64_t place = (page * (uint64_t)a.kv_heads + (uint64_t)a.kv_head) * (uint64_t)a.page_size;
  return (place + (uint64_t)(position % a.page_size)) * (uint64_t)a.head_dim;
}

/* Shared memory: maximum and sum of each share and query, and the results of `slots` queries at a time. */
constexpr int RESULTS = SHARES * 8 * 128;
struct exchange_area {
  float *maximum, *total, *results;
};

PODIUM_DEVICE float *result_of(const attention &a, const exchange_area &area, int slots, int share, int slot) {
  return area.results + (share * slots + slot) * a.head_dim;
}

/* Writes the queries first .. first + slots - 1 of a group from the results of all shares. */
PODIUM_DEVICE void join(const attention &a, const queries &group, const exchange_area &area, int first, int slots) {
  int32_t count = smaller(slots, group.rows * group.heads - first);
  for (int32_t i = thread_index(); i < count * a.head_dim; i += ATTENTION_THREADS) {
    int32_t slot = i / a.head_dim, d = i % a.head_dim, query = first + slot;
    float maximum = -infinity(), total = 0, value = 0;
    PODIUM_UNROLL
    for (int s = 0; s < SHARES; s++) maximum = larger(maximum, area.maximum[s * QUERIES + query]);
    PODIUM_UNROLL
    for (int s = 0; s < SHARES; s++) {
      float own = area.maximum[s * QUERIES + query], sum = area.total[s * QUERIES + query];
      /* A share without keys has a sum of zero; one whose scores are all NaN shows it. */
      float factor = own > -infinity() ? exp2_fast((own - maximum) * LOG2_E) : sum * 0.0f;
      total = multiply_add(sum, factor, total);
      value = multiply_add(result_of(a, area, slots, s, slot)[d], factor, value);
    }
    uint64_t at = (uint64_t)row_of(group, query) * (uint64_t)a.heads + (uint64_t)head_of(group, query);
    a.out[at * (uint64_t)a.head_dim + (uint64_t)d] = total == 0 ? 0.0f : value / total * a.value_scale;
  }
}

/* ---- Plain ----------------------------------------------------------------------------------------------------- */

constexpr int PLAIN_SLOTS = ATTENTION_THREADS / WARP / SHARES, LANE_ELEMENTS = HEAD_DIM_MAX / WARP;

PODIUM_DEVICE float warp_largest(float value) {
  PODIUM_UNROLL
  for (int mask = WARP / 2; mask > 0; mask /= 2) value = larger(shuffle_xor(value, mask), value);
  return value;
}

/* A share's part of one query. */
template <int dtype>
PODIUM_DEVICE void plain_share(const attention &a, const queries &group, const exchange_area &area, int query, int slot,
                               int share) {
  int lane = lane_index();
  int32_t row = row_of(group, query), position = a.positions[row];
  const float *from = a.q + (uint64_t)row * (uint64_t)a.q_stride + (uint64_t)(head_of(group, query) * a.head_dim);
  float q[LANE_ELEMENTS], result[LANE_ELEMENTS];
  PODIUM_UNROLL
  for (int j = 0; j < LANE_ELEMENTS; j++) {
    q[j] = lane + WARP * j < a.head_dim ? from[lane + WARP * j] : 0.0f;
    result[j] = 0;
  }
  float maximum = -infinity(), total = 0;
  for (int32_t start = share * KEYS; start <= position; start += SHARES * KEYS) {
    int32_t keys = smaller(position - start + 1, KEYS);
    float score = -infinity();
    for (int32_t key = 0; key < keys; key++) {
      uint64_t at = element_of_key(a, group.pages, start + key);
      float sum = 0;
      PODIUM_UNROLL
      for (int j = 0; j < LANE_ELEMENTS; j++) {
        int32_t d = lane + WARP * j;
        if (d < a.head_dim) sum = multiply_add(q[j], element<dtype>(a.k_pages, at + (uint64_t)d), sum);
      }
      sum = warp_sum(sum) * a.score_scale;
      if (lane == key) score = sum;
    }
    float before = maximum;
    maximum = larger(warp_largest(score), maximum);
    float shrink = before > -infinity() ? exp2_fast((before - maximum) * LOG2_E) : 0.0f;
    float weight = lane < keys ? exp2_fast((score - maximum) * LOG2_E) : 0.0f;
    total = multiply_add(total, shrink, warp_sum(weight));
    PODIUM_UNROLL
    for (int j = 0; j < LANE_ELEMENTS; j++) result[j] *= shrink;
    for (int32_t key = 0; key < keys; key++) {
      uint64_t at = element_of_key(a, group.pages, start + key);
      float of_key = shuffle(weight, key);
      PODIUM_UNROLL
      for (int j = 0; j < LANE_ELEMENTS; j++) {
        int32_t d = lane + WARP * j;
        if (d < a.head_dim) result[j] = multiply_add(of_key, element<dtype>(a.v_pages, at + (uint64_t)d), result[j]);
      }
    }
  }
  float *to = result_of(a, area, PLAIN_SLOTS, share, slot);
  PODIUM_UNROLL
  for (int j = 0; j < LANE_ELEMENTS; j++) {
    if (lane + WARP * j < a.head_dim) to[lane + WARP * j] = result[j];
  }
  if (lane == 0) {
    area.maximum[share * QUERIES + query] = maximum;
    area.total[share * QUERIES + query] = total;
  }
}

template <int dtype>
PODIUM_DEVICE void plain_group(const attention &a, const queries &group, const exchange_area &area) {
  int share = warp_index() % SHARES, slot = warp_index() / SHARES, count = group.rows * group.heads;
  for (int first = 0; first < count; first += PLAIN_SLOTS) {
    if (first + slot < count) plain_share<dtype>(a, group, area, first + slot, slot, share);
    barrier();
    join(a, group, area, first, PLAIN_SLOTS);
    barrier();
  }
}

#if PODIUM_MATRIX

/* ---- Matrix cores ---------------------------------------------------------------------------------------------- */

constexpr int MATRIX_SLOTS = 8;

/* Eight numbers as an operand of either factor: three bfloat16 each, or float32. */
template <bool narrow>
struct exact8 {
  terms8 terms;
  static PODIUM_MEMBER exact8 make(const float *values) { return {split(values)}; }
};
template <>
struct exact8<false> {
  float values[8];
  static PODIUM_MEMBER exact8 make(const float *from) {
    exact8 result;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) result.values[i] = from[i];
    return result;
  }
};

/* c + cached * exact, with eight numbers of the cache. */
PODIUM_DEVICE f32x4 multiply_cached(const float *cached, const exact8<true> &exact, f32x4 c) {
  words4 codes;
  PODIUM_UNROLL
  for (int i = 0; i < 4; i++) {
    codes.word[i] = bits_of(cached[2 * i]) >> 16 | (bits_of(cached[2 * i + 1]) & 0xffff0000u);
  }
  c = multiply_bf16(codes, exact.terms.term[2], c);
  c = multiply_bf16(codes, exact.terms.term[1], c);
  return multiply_bf16(codes, exact.terms.term[0], c);
}
PODIUM_DEVICE f32x4 multiply_cached(const float *cached, const exact8<false> &exact, f32x4 c) {
  return multiply_f32(cached, exact.values, c);
}

/* `count` (4 or 8) neighbouring numbers of the cache. */
template <int dtype, int count>
PODIUM_DEVICE void cached_numbers(const void *pages, uint64_t at, float *values) {
  if constexpr (count == 8) {
    elements8<dtype>(pages, at, values);
  } else if constexpr (dtype == F32) {
    words4 four = load16((const float *)pages + at);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) values[i] = float_of(four.word[i]);
  } else if constexpr (dtype == BF16) {
    uint64_t four = *(const uint64_t *)((const uint16_t *)pages + at);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) values[i] = float_of_bf16((uint32_t)(four >> 16 * i) & 0xffff);
  } else {
    uint32_t four = *(const uint32_t *)((const uint8_t *)pages + at);
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) values[i] = float_of_e4m3(four >> 8 * i & 0xff);
  }
}

/* A share's part of sixteen queries with head_dim = `width`, 64 or 128. */
template <int dtype, int width>
PODIUM_DEVICE void matrix_group(const attention &a, const queries &group, const exchange_area &area) {
  constexpr bool narrow = dtype != F32;
  /* Neighbouring elements of a value that a lane reads. */
  constexpr int span = width / 16;
  int lane = lane_index(), quarter = lane / 16, query = lane % 16, share = warp_index();
  int32_t row = row_of(group, query), position = a.positions[row];
  const float *from = a.q + (uint64_t)row * (uint64_t)a.q_stride + (uint64_t)(head_of(group, query) * width);
  exact8<narrow> q[width / 32];
  PODIUM_UNROLL
  for (int j = 0; j < width / 32; j++) {
    float values[8];
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) values[i] = from[32 * j + 8 * quarter + i];
    q[j] = exact8<narrow>::make(values);
  }
  f32x4 result[span];
  PODIUM_UNROLL
  for (int t = 0; t < span; t++) result[t] = f32x4{0, 0, 0, 0};
  float maximum = -infinity(), total = 0;
  /* Eight neighbouring keys lie in one page. */
  bool eight = a.page_size % 8 == 0;
  int32_t of_row = 8 * (query / 4) + query % 4;
  for (int32_t start = share * KEYS; start <= group.last_position; start += SHARES * KEYS) {
    /* scores[4 half + i]: key start + 8 quarter + 4 half + i. */
    float scores[8];
    PODIUM_UNROLL
    for (int half = 0; half < 2; half++) {
      /* A key beyond the last is the last again: its weight will be zero. */
      int32_t key = smaller(start + of_row + 4 * half, group.last_position);
      uint64_t at = element_of_key(a, group.pages, key);
      f32x4 sums = {0, 0, 0, 0};
      PODIUM_UNROLL
      for (int j = 0; j < width / 32; j++) {
        float numbers[8];
        elements8<dtype>(a.k_pages, at + (uint64_t)(32 * j + 8 * quarter), numbers);
        sums = multiply_cached(numbers, q[j], sums);
      }
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) scores[4 * half + i] = sums[i] * a.score_scale;
    }
    float largest = -infinity();
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) {
      if (start + 8 * quarter + i <= position) largest = larger(scores[i], largest);
    }
    largest = larger(shuffle_xor(largest, 16), largest);
    largest = larger(shuffle_xor(largest, 32), largest);
    float before = maximum;
    maximum = larger(largest, maximum);
    float shrink = before > -infinity() ? exp2_fast((before - maximum) * LOG2_E) : 0.0f;
    float sum = 0;
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) {
      bool seen = start + 8 * quarter + i <= position;
      scores[i] = seen ? exp2_fast((scores[i] - maximum) * LOG2_E) : 0.0f;
      sum += scores[i];
    }
    sum += shuffle_xor(sum, 16);
    sum += shuffle_xor(sum, 32);
    total = multiply_add(total, shrink, sum);
    exact8<narrow> weights = exact8<narrow>::make(scores);

    float values[8][span];
    int32_t first = smaller(start + 8 * quarter, group.last_position), more = group.last_position - first;
    if (eight) {
      uint64_t at = element_of_key(a, group.pages, first) + (uint64_t)(span * query);
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) {
        cached_numbers<dtype, span>(a.v_pages, at + (uint64_t)(smaller(i, more) * width), values[i]);
      }
    } else {
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) {
        uint64_t at = element_of_key(a, group.pages, first + smaller(i, more)) + (uint64_t)(span * query);
        cached_numbers<dtype, span>(a.v_pages, at, values[i]);
      }
    }
    PODIUM_UNROLL
    for (int t = 0; t < span; t++) {
      float of_keys[8];
      PODIUM_UNROLL
      for (int i = 0; i < 8; i++) of_keys[i] = values[i][t];
      result[t] = multiply_cached(of_keys, weights, result[t] * shrink);
    }
  }
  if (quarter == 0) {
    area.maximum[share * QUERIES + query] = maximum;
    area.total[share * QUERIES + query] = total;
  }
  for (int first = 0; first < group.rows * group.heads; first += MATRIX_SLOTS) {
    if (query / MATRIX_SLOTS * MATRIX_SLOTS == first) {
      float *to = result_of(a, area, MATRIX_SLOTS, share, query % MATRIX_SLOTS);
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) {
        PODIUM_UNROLL
        for (int t = 0; t < span; t++) to[span * (4 * quarter + i) + t] = result[t][i];
      }
    }
    barrier();
    join(a, group, area, first, MATRIX_SLOTS);
    barrier();
  }
}

#endif

template <int dtype>
PODIUM_DEVICE void attend(const attention &a, const queries &group, const exchange_area &area) {
#if PODIUM_MATRIX
  if (aligned16(a.k_pages) && aligned16(a.v_pages)) {
    if (a.head_dim == 128) return matrix_group<dtype, 128>(a, group, area);
    if (a.head_dim == 64) return matrix_group<dtype, 64>(a, group, area);
  }
#endif
  plain_group<dtype>(a, group, area);
}

PODIUM_KERNEL(512)
paged_attention(int32_t kv_dtype, float *out, const float *q, int32_t q_stride, const void *k_pages,
                const void *v_pages, float k_scale, float v_scale, const int32_t *page_table, const int32_t *slots,
                const int32_t *positions, const int32_t *live, int32_t max_rows, int32_t heads, int32_t kv_heads,
                int32_t head_dim, int32_t page_size, int32_t max_pages, float scale) {
  PODIUM_SHARED(float, maximum, SHARES * QUERIES);
  PODIUM_SHARED(float, total, SHARES * QUERIES);
  PODIUM_SHARED(float, results, RESULTS);
  exchange_area area = {maximum, total, results};
  attention a = {out, q, k_pages, v_pages, positions, q_stride ? q_stride : heads * head_dim, heads, kv_heads, head_dim,
                 page_size, (int32_t)block_index(), kv_dtype == F8E4M3 ? scale * k_scale : scale,
                 kv_dtype == F8E4M3 ? v_scale : 1.0f};
  /* As gpu_rows_of_block() in attention.c. */
  int32_t block_rows = (int32_t)larger((int64_t)1, smaller((int64_t)16, (int64_t)max_rows * kv_heads / 1024));
  int32_t rows = live_rows(live, max_rows), group = heads / kv_heads;
  int32_t first = (int32_t)block_index_y() * block_rows, last = smaller(first + block_rows, rows);
  if (first >= rows) return;
  if (head_dim > HEAD_DIM_MAX) {
    for (int64_t i = thread_index(); i < (int64_t)(last - first) * group * head_dim; i += ATTENTION_THREADS) {
      int64_t row = first + i / (group * head_dim), at = (row * heads + a.kv_head * group) * head_dim;
      out[at + i % (group * head_dim)] = quiet_nan();
    }
    return;
  }
  for (int32_t row = first; row < last;) {
    int32_t slot = slots[row], end = row + 1, last_position = positions[row];
    while (end < last && (end - row + 1) * group <= QUERIES && slots[end] == slot) {
      last_position = larger(last_position, positions[end]);
      end++;
    }
    for (int32_t head = 0; head < group; head += QUERIES) {
      queries some = {page_table + (int64_t)slot * max_pages, row, end - row, a.kv_head * group + head,
                      smaller(group - head, QUERIES), last_position};
      switch (kv_dtype) {
      case F32: attend<F32>(a, some, area); break;
      case BF16: attend<BF16>(a, some, area); break;
      default: attend<F8E4M3>(a, some, area); break;
      }
    }
    row = end;
  }
}
