/* Compiled per instruction set by attention.c. */

#include "../Gemm/tile.h"

/* One query head of one row while it walks over the keys.  Its unnormalised result lives in the output itself. */
typedef struct ISA(query) {
  const float *q;
  float *out;
  int32_t position;
  float maximum, total;
} ISA(query);

#if TILE_ROWS == 6
/* Dot products of one query of `steps` x 16 elements with sixteen keys: the query stays in registers, the keys pass
 * by, and the sums never leave the registers.  Constant: steps. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(dots)(const int steps, const float *q, const float *const *k) {
  f32x16 sums[LANES];
#pragma clang loop unroll(full)
  for (int c = 0; c < LANES; c++) {
    sums[c] = (f32x16){0};
#pragma clang loop unroll(full)
    for (int i = 0; i < steps; i++) sums[c] = ISA(fma)(ISA(load)(q + i * LANES), ISA(load)(k[c] + i * LANES), sums[c]);
  }
  return ISA(sums)(sums);
}
#endif

/* Dot products of any width of `rows` <= TILE_ROWS queries with sixteen keys. */
ISA_TARGET static void ISA(dots_of_tile)(int rows, const float *const *q, const float *const *k, size_t width,
                                         f32x16 *dots) {
  f32x16 sums[TILE_ROWS_MAX * LANES];
  for (int c = 0; c < LANES; c += TILE_COLUMNS) {
    const void *const *at = (const void *const *)(k + c);
#define DOTS_CASE(rows_) \
  case rows_: ISA(tile)(rows_, TILE_COLUMNS, 0, q, at, 0, width, NULL, 0, 1, sums + c, LANES); break;
    switch (rows) {
      DOTS_CASE(1)
#if TILE_ROWS >= 3
      DOTS_CASE(2)
      DOTS_CASE(3)
#endif
#if TILE_ROWS >= 6
      DOTS_CASE(4)
      DOTS_CASE(5)
      DOTS_CASE(6)
#endif
    }
#undef DOTS_CASE
  }
  for (int r = 0; r < rows; r++) dots[r] = ISA(sums)(sums + r * LANES);
}

/* The keys or values of the next key tile, which are asked for from memory while this one is at work: each of `shares`
 * query tiles brings a share, evenly over its time.  NULL when there is none. */
typedef struct ISA(ahead) {
  const char *const *rows;
  size_t size;
  int share, shares;
} ISA(ahead);

LANES_ALWAYS_INLINE ISA_TARGET void ISA(bring)(const char *row, size_t size) {
  for (size_t at = 0; at < size; at += 64) __builtin_prefetch(row + at, 0, 2);
}

/* Scores of `rows` <= TILE_ROWS queries against KEY_TILE keys of which `keys` exist. */
ISA_TARGET static void ISA(scores)(int rows, const float *const *q, const float *const *k, int keys, size_t width,
                                   float scale, ISA(ahead) ahead, float (*scores)[KEY_TILE]) {
  for (int base = 0; base < keys; base += LANES) {
    if (ahead.rows) {
      int end = base + (ahead.share + 1) * LANES / ahead.shares;
      for (int i = base + ahead.share * LANES / ahead.shares; i < end; i++) ISA(bring)(ahead.rows[i], ahead.size);
    }
    f32x16 dots[TILE_ROWS_MAX];
#if TILE_ROWS == 6
    if (width == 4 * LANES) {
      for (int r = 0; r < rows; r++) dots[r] = ISA(dots)(4, q[r], k + base);
    } else if (width == 8 * LANES) {
      for (int r = 0; r < rows; r++) dots[r] = ISA(dots)(8, q[r], k + base);
    } else
#endif
      ISA(dots_of_tile)(rows, q, k + base, width, dots);
    for (int r = 0; r < rows; r++) ISA(store)(scores[r] + base, dots[r] * scale);
  }
}

/* Turns the scores of one query into weights relative to the largest score so far; returns by how much what was summed
 * before shrinks. */
ISA_TARGET static float ISA(softmax_step)(ISA(query) *query, float *scores, int keys) {
  const f32x16 none = ISA(splat)(-__builtin_inff());
  f32x16 largest = none;
  for (int i = 0; i < keys; i += LANES) {
    f32x16 s = ISA(load)(scores + i);
    s = ISA(select)(ISA(lane_numbers)() < keys - i, s, none);
    ISA(store)(scores + i, s);
    largest = ISA(larger)(s, largest);
  }
  float maximum = ISA(largest)(largest);
  maximum = query->maximum > maximum ? query->maximum : maximum;
  f32x16 total = {0};
  for (int i = 0; i < keys; i += LANES) {
    f32x16 p = ISA(exp)(ISA(load)(scores + i) - maximum);
    ISA(store)(scores + i, p);
    total += p;
  }
  float shrink = ISA(exp)(ISA(splat)(query->maximum - maximum))[0];
  query->total = __builtin_fmaf(query->total, shrink, ISA(sum)(total));
  query->maximum = maximum;
  return shrink;
}

/* out[r][d..d + 16 vectors) = out * shrink + sum over keys of p[r][key] * v[key], keys ascending.  The queries share
 * the reads of v up to the least of their counts and then go on alone.  Constants: rows, vectors. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mix)(const int rows, const int vectors, float *const *out, const float *shrink,
                                             const float *const *p, const int *keys, const float *const *v, size_t d,
                                             size_t width, ISA(ahead) ahead) {
  f32x16 sum[TILE_ROWS_MAX][TILE_COLUMNS_MAX];
  size_t part = width - d; /* matters only when one vector is left */
  int common = keys[0];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    if (keys[r] < common) common = keys[r];
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      const float *at = out[r] + d + c * LANES;
      sum[r][c] = (vectors == 1 ? ISA(load_up_to)(at, part) : ISA(load)(at)) * shrink[r];
    }
  }
  for (int key = 0; key < common; key++) {
    if (ahead.rows && key % ahead.shares == ahead.share) ISA(bring)(ahead.rows[key], ahead.size);
    f32x16 value[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      const float *at = v[key] + d + c * LANES;
      value[c] = vectors == 1 ? ISA(load_up_to)(at, part) : ISA(load)(at);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 weight = ISA(splat)(p[r][key]);
#pragma clang loop unroll(full)
      for (int c = 0; c < vectors; c++) sum[r][c] = ISA(fma)(weight, value[c], sum[r][c]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    for (int key = common; key < keys[r]; key++) {
      f32x16 weight = ISA(splat)(p[r][key]);
#pragma clang loop unroll(full)
      for (int c = 0; c < vectors; c++) {
        const float *at = v[key] + d + c * LANES;
        f32x16 value = vectors == 1 ? ISA(load_up_to)(at, part) : ISA(load)(at);
        sum[r][c] = ISA(fma)(weight, value, sum[r][c]);
      }
    }
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      float *at = out[r] + d + c * LANES;
      if (vectors == 1) {
        ISA(store_up_to)(at, sum[r][c], part);
      } else {
        ISA(store)(at, sum[r][c]);
      }
    }
  }
}

ISA_TARGET static void ISA(mix_all)(int rows, float *const *out, const float *shrink, const float *const *p,
                                    const int *keys, const float *const *v, size_t width, ISA(ahead) ahead) {
  size_t d = 0;
  while (d < width) {
    int vectors = d + TILE_COLUMNS * LANES <= width ? TILE_COLUMNS : 1;
#define MIX_CASE(rows_)                                                                  \
  case rows_:                                                                            \
    if (vectors == TILE_COLUMNS) {                                                       \
      ISA(mix)(rows_, TILE_COLUMNS, out, shrink, p, keys, v, d, width, ahead);                  \
    } else {                                                                             \
      ISA(mix)(rows_, 1, out, shrink, p, keys, v, d, width, ahead);                             \
    }                                                                                    \
    break;
    switch (rows) {
      MIX_CASE(1)
#if TILE_ROWS >= 3
      MIX_CASE(2)
      MIX_CASE(3)
#endif
#if TILE_ROWS >= 6
      MIX_CASE(4)
      MIX_CASE(5)
      MIX_CASE(6)
#endif
    }
#undef MIX_CASE
    d += (size_t)vectors * LANES;
    ahead.rows = NULL; /* once is enough */
  }
}

/* Where the keys and values of a tile lie; beyond `last` the last one is repeated, to be computed and masked. */
ISA_TARGET static void ISA(locate)(const char **addresses, const char *k_pages, const char *v_pages,
                                   const int32_t *pages, int64_t page_stride, int32_t page_size, size_t width,
                                   int32_t start, int32_t last) {
  int count = last - start < KEY_TILE ? last - start + 1 : KEY_TILE;
  int32_t page = start / page_size, offset = start % page_size;
  int i = 0;
  while (i < count) {
    int64_t at = pages[page++] * page_stride + (int64_t)offset * (int64_t)width;
    int end = count - i < page_size - offset ? count : i + (page_size - offset);
    for (; i < end; i++, at += (int64_t)width) {
      addresses[i] = k_pages + at;
      addresses[i + KEY_TILE] = v_pages + at;
    }
    offset = 0;
  }
  for (; i < KEY_TILE; i++) {
    addresses[i] = addresses[count - 1];
    addresses[i + KEY_TILE] = addresses[count - 1 + KEY_TILE];
  }
}

/* Rows of a cache that does not hold float32, as float32, behind one another. */
ISA_TARGET static void ISA(widen_rows)(int dtype, const char *const *rows, int count, size_t width, float *to) {
  for (int i = 0; i < count; i++) {
    for (size_t d = 0; d < width; d += LANES) {
      ISA(store_up_to)(to + d, ISA(load_weights_up_to)(dtype, rows[i], d, width - d), width - d);
    }
    to += width;
  }
}

/* Queries of one sequence and one kv head, whose part of page 0 is at k_pages and v_pages; strides in bytes. */
ISA_TARGET static void ISA(attend)(int dtype, ISA(query) *queries, int count, const char *k_pages,
                                   const char *v_pages, const int32_t *pages, int64_t page_stride, int32_t page_size,
                                   size_t width, float scale, float value_scale) {
  size_t size = width * podium_weight_size(dtype);
  float widened[dtype == PODIUM_F32 ? 1 : 2 * KEY_TILE * width];
  const float *widened_rows[2 * KEY_TILE];
  if (dtype != PODIUM_F32) {
    for (size_t i = 0; i < 2 * KEY_TILE; i++) widened_rows[i] = widened + i * width;
  }
  int32_t last = -1;
  for (int i = 0; i < count; i++) {
    if (queries[i].position > last) last = queries[i].position;
    queries[i].maximum = -__builtin_inff();
    queries[i].total = 0;
    for (size_t d = 0; d < width; d++) queries[i].out[d] = 0;
  }
  /* Keys and then values of this tile and of the next one, taking turns. */
  const char *addresses[2][2 * KEY_TILE];
  if (last >= 0) ISA(locate)(addresses[0], k_pages, v_pages, pages, page_stride, page_size, size, 0, last);
  for (int32_t start = 0; start <= last; start += KEY_TILE) {
    const char *const *tile_rows = addresses[start / KEY_TILE & 1];
    const float *const *k = (const float *const *)tile_rows;
    if (dtype != PODIUM_F32) {
      int keys = last - start < KEY_TILE ? last - start + 1 : KEY_TILE;
      ISA(widen_rows)(dtype, tile_rows, keys, width, widened);
      ISA(widen_rows)(dtype, tile_rows + KEY_TILE, keys, width, widened + KEY_TILE * width);
      for (size_t i = (size_t)keys * width; i < KEY_TILE * width; i++) widened[i] = 0; /* computed and masked */
      k = widened_rows;
    }
    const float *const *v = k + KEY_TILE;
    const char **ahead = NULL;
    if (last - start >= KEY_TILE) {
      ahead = addresses[(start / KEY_TILE & 1) ^ 1];
      ISA(locate)(ahead, k_pages, v_pages, pages, page_stride, page_size, size, start + KEY_TILE, last);
    }
    ISA(query) *active[QUERIES];
    int active_count = 0;
    for (int i = 0; i < count; i++) {
      if (queries[i].position >= start) active[active_count++] = &queries[i];
    }
    int tiles = (active_count + TILE_ROWS - 1) / TILE_ROWS;
    for (int tile = 0; tile < tiles; tile++) {
      int from = tile * active_count / tiles, rows = (tile + 1) * active_count / tiles - from;
      float scores[TILE_ROWS_MAX][KEY_TILE], shrink[TILE_ROWS_MAX];
      const float *q[TILE_ROWS_MAX], *p[TILE_ROWS_MAX];
      float *out[TILE_ROWS_MAX];
      int keys[TILE_ROWS_MAX], most = 0;
      for (int r = 0; r < rows; r++) {
        ISA(query) *query = active[from + r];
        q[r] = query->q;
        out[r] = query->out;
        p[r] = scores[r];
        int own = query->position - start + 1;
        keys[r] = own < KEY_TILE ? own : KEY_TILE;
        if (keys[r] > most) most = keys[r];
      }
      ISA(scores)(rows, q, k, most, width, scale, (ISA(ahead)){ahead, size, tile, tiles}, scores);
      for (int r = 0; r < rows; r++) shrink[r] = ISA(softmax_step)(active[from + r], scores[r], keys[r]);
      ISA(mix_all)(rows, out, shrink, p, keys, v, width,
                   (ISA(ahead)){ahead ? ahead + KEY_TILE : NULL, size, tile, tiles});
    }
  }
  for (int i = 0; i < count; i++) {
    if (queries[i].position < 0) continue;
    for (size_t d = 0; d < width; d++) queries[i].out[d] = queries[i].out[d] / queries[i].total * value_scale;
  }
}

/* The rows first..last of the kv head `kv_head`. */
ISA_TARGET static void ISA(attention_rows)(int dtype, float *out, const float *q, size_t q_stride, const void *k_pages,
                                           const void *v_pages, const int32_t *page_table, const int32_t *slots,
                                           const int32_t *positions, int32_t first, int32_t last, int32_t kv_head,
                                           int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t page_size,
                                           int32_t max_pages, float scale, float value_scale) {
  int32_t group = heads / kv_heads;
  int64_t head_stride = (int64_t)page_size * head_dim * (int64_t)podium_weight_size(dtype);
  for (int32_t row = first; row < last;) {
    int32_t slot = slots[row];
    int32_t end = row + 1;
    int32_t together = QUERIES / group; /* rows whose whole group fits */
    while (end < last && end - row < together && slots[end] == slot) end++;
    for (int32_t head = 0; head < group; head += QUERIES) {
      ISA(query) queries[QUERIES];
      int count = 0;
      for (int32_t r = row; r < end; r++) {
        for (int32_t g = head; g < group && g < head + QUERIES; g++) {
          size_t at = (size_t)(kv_head * group + g) * (size_t)head_dim;
          queries[count++] = (ISA(query)){.q = q + (size_t)r * q_stride + at,
                                          .out = out + (size_t)r * (size_t)heads * (size_t)head_dim + at,
                                          .position = positions[r]};
        }
      }
      ISA(attend)(dtype, queries, count, (const char *)k_pages + kv_head * head_stride,
                  (const char *)v_pages + kv_head * head_stride, page_table + (int64_t)slot * max_pages,
                  kv_heads * head_stride, page_size, (size_t)head_dim, scale, value_scale);
    }
    row = end;
  }
}
