/* Compiled per instruction set by attention.c. */

/* Queries (row, head) of one sequence and one kv head.  Their unnormalised results live in the output itself. */
typedef struct ISA(queries) {
  int count;
  const float *q[QUERIES];
  float *out[QUERIES];
  int32_t position[QUERIES];
  float maximum[QUERIES], total[QUERIES];
} ISA(queries);

/* What is asked for from memory while a tile is at work: the next one.  Each of `shares` register tiles brings a share,
 * evenly over its time.  NULL: nothing. */
typedef struct ISA(ahead) {
  const cache_tile *tile;
  size_t bytes; /* of a row of values */
  int share, shares;
} ISA(ahead);

/* Sixteen numbers of a cache from element `at` on.  FINITE_E4M3 stands for E4M3 without a NaN; its numbers come out 2^8
 * times too small, for the other factor to make up for, which is exact.  Constant: dtype. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_cache)(const int dtype, const char *from, size_t at) {
#if WIDENED_HALVES == 16
  if (dtype == FINITE_E4M3) {
    __m256i words = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(from + at)));
    return (f32x16)_mm512_cvtph_ps(_mm256_and_si256(_mm256_slli_epi16(words, 7), _mm256_set1_epi16((short)0xbf80)));
  }
#endif
  return ISA(load_weights)(dtype, from, at);
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_cache_up_to)(const int dtype, const char *from, size_t count) {
  return dtype == FINITE_E4M3 ? ISA(load_cache)(dtype, from, 0) : ISA(load_weights_up_to)(dtype, from, 0, count);
}

/* to[r][0..columns blocks) = sum over d of q[r][d] * keys[c][d], d ascending; first: from zero, else on top of what is
 * there.  Constants: rows, columns, dtype. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(score_panel)(const int rows, const int columns, const int dtype,
                                                     const float *const *q, const char *const *keys, size_t stride,
                                                     size_t count, int first, ISA(ahead) ahead, int block,
                                                     float *const *to) {
  f32x16 sum[TILE_ROWS_MAX][TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sum[r][c] = first ? (f32x16){0} : ISA(load)(to[r] + c * LANES);
  }
  /* A line of memory is asked for once. */
  size_t ahead_stride = ahead.tile ? ahead.tile->key_stride : 64;
  size_t lines = ahead_stride < 64 ? 64 / ahead_stride : 1;
  size_t ahead_at = ahead.tile ? (size_t)ahead.share * lines : count, ahead_step = (size_t)ahead.shares * lines;
  for (size_t d = 0; d < count; d++) {
    f32x16 key[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) key[c] = ISA(load_cache)(dtype, keys[c] + d * stride, 0);
    if (d == ahead_at) {
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) __builtin_prefetch(ahead.tile->keys[block + c] + d * ahead_stride, 0, 2);
      ahead_at += ahead_step;
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      f32x16 element = ISA(splat)(q[r][d]);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) sum[r][c] = ISA(fma)(element, key[c], sum[r][c]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) ISA(store)(to[r] + c * LANES, sum[r][c]);
  }
}

#define EACH_ROW_COUNT_1(CASE) CASE(1)
#if TILE_ROWS >= 3
#define EACH_ROW_COUNT_3(CASE) CASE(2) CASE(3)
#else
#define EACH_ROW_COUNT_3(CASE)
#endif
#if TILE_ROWS >= 6
#define EACH_ROW_COUNT_6(CASE) CASE(4) CASE(5) CASE(6)
#else
#define EACH_ROW_COUNT_6(CASE)
#endif
#define EACH_ROW_COUNT(CASE) EACH_ROW_COUNT_1(CASE) EACH_ROW_COUNT_3(CASE) EACH_ROW_COUNT_6(CASE)

/* Sums of `rows` <= TILE_ROWS queries with the first `keys` keys of a tile, `count` elements of them. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(scores_of)(const int dtype, int rows, const float *const *q,
                                                   const char *const *keys, size_t stride, size_t count, int first,
                                                   int key_count, ISA(ahead) ahead, float *const *scores) {
  int blocks = (key_count + KEY_BLOCK - 1) / KEY_BLOCK;
  for (int block = 0; block < blocks; block += TILE_COLUMNS) {
    float *to[TILE_ROWS_MAX];
    for (int r = 0; r < rows; r++) to[r] = scores[r] + block * KEY_BLOCK;
    switch (rows) {
#define SCORES_CASE(rows_)                                                                                       \
  case rows_:                                                                                                    \
    if (blocks - block == 1) {                                                                                   \
      ISA(score_panel)(rows_, 1, dtype, q, keys + block, stride, count, first, ahead, block, to);                \
    } else {                                                                                                     \
      ISA(score_panel)(rows_, TILE_COLUMNS, dtype, q, keys + block, stride, count, first, ahead, block, to);     \
    }                                                                                                            \
    break;
      EACH_ROW_COUNT(SCORES_CASE)
#undef SCORES_CASE
    }
  }
}

ISA_TARGET static void ISA(scores)(int dtype, int rows, const float *const *q, const char *const *keys, size_t stride,
                                   size_t count, int first, int key_count, ISA(ahead) ahead, float *const *scores) {
  switch (dtype) {
  case PODIUM_F32:
    ISA(scores_of)(PODIUM_F32, rows, q, keys, stride, count, first, key_count, ahead, scores);
    break;
  case PODIUM_BF16:
    ISA(scores_of)(PODIUM_BF16, rows, q, keys, stride, count, first, key_count, ahead, scores);
    break;
  case PODIUM_F8E4M3:
    ISA(scores_of)(PODIUM_F8E4M3, rows, q, keys, stride, count, first, key_count, ahead, scores);
    break;
#if WIDENED_HALVES == 16
  case FINITE_E4M3:
    ISA(scores_of)(FINITE_E4M3, rows, q, keys, stride, count, first, key_count, ahead, scores);
    break;
#endif
  }
}

/* Turns the sums of a query with `keys` keys into scores; returns the largest of each lane.  Constant: blocks, which
 * `keys` keys take. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(scale_scores)(const int blocks, float *scores, int keys, float scale) {
  const f32x16 none = ISA(splat)(-__builtin_inff());
  f32x16 largest = none;
#pragma clang loop unroll(full)
  for (int b = 0; b < blocks; b++) {
    f32x16 score = ISA(load)(scores + b * KEY_BLOCK) * scale;
    if (b == blocks - 1) score = ISA(select)(ISA(lane_numbers)() < keys - b * KEY_BLOCK, score, none);
    ISA(store)(scores + b * KEY_BLOCK, score);
    largest = ISA(larger)(score, largest);
  }
  return largest;
}

/* Turns scores into weights relative to `maximum`, each times `factor`, a power of two; returns the sums without it.
 * Constant: blocks. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(weigh_scores)(const int blocks, float *scores, float maximum, float factor) {
  f32x16 total = {0};
#pragma clang loop unroll(full)
  for (int b = 0; b < blocks; b++) {
    f32x16 p = ISA(exp)(ISA(load)(scores + b * KEY_BLOCK) - maximum);
    ISA(store)(scores + b * KEY_BLOCK, p * factor);
    total += p;
  }
  return total;
}

/* Sixteen largest lanes at once, each by the tree of ISA(largest). */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(largests)(const f32x16 *v) {
#define LARGER8(a, b)                                                                                     \
  ISA(larger)(__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),      \
              __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define LARGER4(a, b)                                                                                     \
  ISA(larger)(__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),    \
              __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define LARGER2(a, b)                                                                                     \
  ISA(larger)(__builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29),    \
              __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
#define LARGER1(a, b)                                                                                     \
  ISA(larger)(__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),   \
              __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
  f32x16 low = LARGER2(LARGER4(LARGER8(v[0], v[1]), LARGER8(v[2], v[3])),
                       LARGER4(LARGER8(v[4], v[5]), LARGER8(v[6], v[7])));
  f32x16 high = LARGER2(LARGER4(LARGER8(v[8], v[9]), LARGER8(v[10], v[11])),
                        LARGER4(LARGER8(v[12], v[13]), LARGER8(v[14], v[15])));
  return LARGER1(low, high);
#undef LARGER8
#undef LARGER4
#undef LARGER2
#undef LARGER1
}

#define EACH_BLOCK_COUNT(CASE) CASE(1) CASE(2) CASE(3) CASE(4)

/* One softmax step of up to sixteen queries: scores become weights times `factor`; maximum, total and shrink, one lane
 * for each query, follow. */
ISA_TARGET static void ISA(softmax_step)(int count, float *const *scores, const int *keys, float scale, float factor,
                                         float *maximum, float *total, float *shrink) {
  f32x16 lanes[LANES];
  for (int i = 0; i < count; i++) {
    switch ((keys[i] + KEY_BLOCK - 1) / KEY_BLOCK) {
#define SCALE_CASE(blocks) \
  case blocks: lanes[i] = ISA(scale_scores)(blocks, scores[i], keys[i], scale); break;
      EACH_BLOCK_COUNT(SCALE_CASE)
#undef SCALE_CASE
    }
  }
  f32x16 most = ISA(load)(maximum), before = most;
  if (count > 4) {
    for (int i = count; i < LANES; i++) lanes[i] = lanes[0];
    most = ISA(larger)(most, ISA(largests)(lanes));
  } else {
    for (int i = 0; i < count; i++) {
      float largest = ISA(largest)(lanes[i]);
      most[i] = most[i] > largest ? most[i] : largest;
    }
  }
  ISA(store)(maximum, most);
  f32x16 sums = {0};
  for (int i = 0; i < count; i++) {
    switch ((keys[i] + KEY_BLOCK - 1) / KEY_BLOCK) {
#define WEIGH_CASE(blocks) \
  case blocks: lanes[i] = ISA(weigh_scores)(blocks, scores[i], maximum[i], factor); break;
      EACH_BLOCK_COUNT(WEIGH_CASE)
#undef WEIGH_CASE
    }
    if (count <= 4) sums[i] = ISA(sum)(lanes[i]);
  }
  if (count > 4) sums = ISA(sums)(lanes);
  f32x16 less = ISA(exp)(before - most);
  ISA(store)(shrink, less);
  ISA(store)(total, ISA(fma)(ISA(load)(total), less, sums));
}

#undef EACH_BLOCK_COUNT

/* out[r][d..d + 16 vectors) = out * shrink + sum over keys of p[r][key] * v[key], keys ascending; first: what was there
 * does not count.  The queries share the reads of v up to the least of their counts and then go on alone.  Constants:
 * rows, vectors, dtype. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mix_panel)(const int rows, const int vectors, const int dtype,
                                                   float *const *out, const float *shrink, const float *const *p,
                                                   const int *keys, const char *const *v, size_t d, size_t from,
                                                   size_t width, int first, ISA(ahead) ahead) {
  f32x16 sum[TILE_ROWS_MAX][TILE_COLUMNS_MAX];
  size_t part = width - d; /* matters only when one vector is left */
  const size_t at = (d - from) * (dtype == FINITE_E4M3 ? 1 : podium_weight_size(dtype));
  int common = keys[0];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    if (keys[r] < common) common = keys[r];
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      const float *to = out[r] + d + c * LANES;
      sum[r][c] = first ? (f32x16){0} : (vectors == 1 ? ISA(load_up_to)(to, part) : ISA(load)(to)) * shrink[r];
    }
  }
  int ahead_at = ahead.tile ? ahead.share : KEY_TILE;
  for (int key = 0; key < common; key++) {
    if (key == ahead_at) {
      for (size_t line = 0; line < ahead.bytes; line += 64) __builtin_prefetch(ahead.tile->values[key] + line, 0, 2);
      ahead_at += ahead.shares;
    }
    f32x16 value[TILE_COLUMNS_MAX];
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      value[c] = vectors == 1 ? ISA(load_cache_up_to)(dtype, v[key] + at, part)
                              : ISA(load_cache)(dtype, v[key] + at, (size_t)c * LANES);
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
        f32x16 value = vectors == 1 ? ISA(load_cache_up_to)(dtype, v[key] + at, part)
                                    : ISA(load_cache)(dtype, v[key] + at, (size_t)c * LANES);
        sum[r][c] = ISA(fma)(weight, value, sum[r][c]);
      }
    }
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) {
      float *to = out[r] + d + c * LANES;
      if (vectors == 1) {
        ISA(store_up_to)(to, sum[r][c], part);
      } else {
        ISA(store)(to, sum[r][c]);
      }
    }
  }
}

/* Elements from..to of the results; v points at element `from`. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mix_of)(const int dtype, int rows, float *const *out, const float *shrink,
                                                const float *const *p, const int *keys, const char *const *v,
                                                size_t from, size_t to, int first, ISA(ahead) ahead) {
  for (size_t d = from; d < to;) {
    int vectors = d + TILE_COLUMNS * LANES <= to ? TILE_COLUMNS : 1;
    switch (rows) {
#define MIX_CASE(rows_)                                                                                    \
  case rows_:                                                                                              \
    if (vectors == TILE_COLUMNS) {                                                                         \
      ISA(mix_panel)(rows_, TILE_COLUMNS, dtype, out, shrink, p, keys, v, d, from, to, first, ahead);      \
    } else {                                                                                               \
      ISA(mix_panel)(rows_, 1, dtype, out, shrink, p, keys, v, d, from, to, first, ahead);                 \
    }                                                                                                      \
    break;
      EACH_ROW_COUNT(MIX_CASE)
#undef MIX_CASE
    }
    d += (size_t)vectors * LANES;
    ahead.tile = NULL; /* once is enough */
  }
}

ISA_TARGET static void ISA(mix)(int dtype, int rows, float *const *out, const float *shrink, const float *const *p,
                                const int *keys, const char *const *v, size_t from, size_t to, int first,
                                ISA(ahead) ahead) {
  switch (dtype) {
  case PODIUM_F32: ISA(mix_of)(PODIUM_F32, rows, out, shrink, p, keys, v, from, to, first, ahead); break;
  case PODIUM_BF16: ISA(mix_of)(PODIUM_BF16, rows, out, shrink, p, keys, v, from, to, first, ahead); break;
  case PODIUM_F8E4M3: ISA(mix_of)(PODIUM_F8E4M3, rows, out, shrink, p, keys, v, from, to, first, ahead); break;
#if WIDENED_HALVES == 16
  case FINITE_E4M3: ISA(mix_of)(FINITE_E4M3, rows, out, shrink, p, keys, v, from, to, first, ahead); break;
#endif
  }
}

#undef EACH_ROW_COUNT
#undef EACH_ROW_COUNT_1
#undef EACH_ROW_COUNT_3
#undef EACH_ROW_COUNT_6

/* Sixteen keys each as float32, [elements, KEY_TILE]. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(widen_keys_of)(const int dtype, const char *const *keys, size_t stride,
                                                       int blocks, size_t elements, float *to) {
  for (int b = 0; b < blocks; b++) {
    for (size_t d = 0; d < elements; d++) {
      ISA(store)(to + d * KEY_TILE + (size_t)b * KEY_BLOCK, ISA(load_weights)(dtype, keys[b] + d * stride, 0));
    }
  }
}

/* `elements` of each value as float32, HEAD_CHUNK apart. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(widen_values_of)(const int dtype, const char *const *values, int keys,
                                                         size_t from, size_t elements, float *to) {
  for (int key = 0; key < keys; key++, to += HEAD_CHUNK) {
    for (size_t d = 0; d < elements; d += LANES) {
      ISA(store_up_to)(to + d, ISA(load_weights_up_to)(dtype, values[key], from + d, elements - d), elements - d);
    }
  }
}

ISA_TARGET static void ISA(widen_keys)(int dtype, const char *const *keys, size_t stride, int blocks, size_t elements,
                                       float *to) {
  if (dtype == PODIUM_BF16) {
    ISA(widen_keys_of)(PODIUM_BF16, keys, stride, blocks, elements, to);
  } else {
    ISA(widen_keys_of)(PODIUM_F8E4M3, keys, stride, blocks, elements, to);
  }
}

ISA_TARGET static void ISA(widen_values)(int dtype, const char *const *values, int keys, size_t from, size_t elements,
                                         float *to) {
  if (dtype == PODIUM_BF16) {
    ISA(widen_values_of)(PODIUM_BF16, values, keys, from, elements, to);
  } else {
    ISA(widen_values_of)(PODIUM_F8E4M3, values, keys, from, elements, to);
  }
}

/* Whether a tile of E4M3 keys and values has no NaN, and the queries are small enough to be multiplied by 2^8: then
 * the codes are widened by fewer instructions. */
ISA_TARGET static int ISA(is_finite)(const kv_cache *cache, const cache_tile *tile, int keys) {
#if WIDENED_HALVES == 16
  if (cache->dtype != PODIUM_F8E4M3 || !cache_has_key_blocks(cache) || cache->width % 64 != 0) return 0;
  const __m512i magnitude = _mm512_set1_epi8(0x7f);
  __mmask64 nan = 0;
  for (int b = 0; b < (keys + KEY_BLOCK - 1) / KEY_BLOCK; b++) {
    if (tile->key_stride == KEY_BLOCK) {
      for (size_t at = 0; at < cache->width * KEY_BLOCK; at += 64) {
        __m512i codes = _mm512_loadu_si512(tile->keys[b] + at);
        nan |= _mm512_cmpeq_epi8_mask(_mm512_and_si512(codes, magnitude), magnitude);
      }
    } else {
      for (size_t d = 0; d < cache->width; d++) {
        __m128i codes = _mm_loadu_si128((const __m128i *)(const void *)(tile->keys[b] + d * tile->key_stride));
        __m128i low = _mm512_castsi512_si128(magnitude);
        nan |= _mm_cmpeq_epi8_mask(_mm_and_si128(codes, low), low);
      }
    }
  }
  for (int key = 0; key < keys; key++) {
    for (size_t at = 0; at < cache->width; at += 64) {
      __m512i codes = _mm512_loadu_si512(tile->values[key] + at);
      nan |= _mm512_cmpeq_epi8_mask(_mm512_and_si512(codes, magnitude), magnitude);
    }
  }
  return nan == 0;
#else
  (void)cache, (void)tile, (void)keys;
  return 0;
#endif
}

/* to = q * 2^8; returns whether that is exact. */
ISA_TARGET static int ISA(raise)(const float *q, size_t width, float *to) {
  i32x16 large = {0};
  for (size_t d = 0; d < width; d += LANES) {
    f32x16 x = ISA(load)(q + d);
    large |= (i32x16)((u32x16)x & 0x7fffffff) >= (i32x16)ISA(splat)(0x1p119f);
    ISA(store)(to + d, x * 256.0f);
  }
  int any = 0;
  for (int i = 0; i < LANES; i++) any |= large[i];
  return !any;
}

/* The queries whose turn it is in one tile of keys, and what is known about each. */
typedef struct ISA(turn) {
  int count, most; /* most: keys that the last of them sees */
  int query[QUERIES], keys[QUERIES];
  float *scores[QUERIES];
  float shrink[QUERIES];
} ISA(turn);

/* One tile of keys and values for the queries of a turn. */
ISA_TARGET static void ISA(attend_tile)(const kv_cache *cache, ISA(queries) *queries, ISA(turn) *turn, int32_t start,
                                        const cache_tile *tile, const cache_tile *next, float scale) {
  int tiles = (turn->count + TILE_ROWS - 1) / TILE_ROWS;
  /* Few queries widen keys and values as they come; more have them widened once. */
  int widen = cache->dtype != PODIUM_F32 && tiles > 2;
  float raised[2 * TILE_ROWS_MAX][HEAD_CHUNK];
  int finite = !widen && cache->width <= HEAD_CHUNK && ISA(is_finite)(cache, tile, turn->most);
  for (int i = 0; finite && i < turn->count; i++) {
    finite = ISA(raise)(queries->q[turn->query[i]], cache->width, raised[i]);
  }
  float room[KEY_TILE * HEAD_CHUNK] __attribute__((aligned(64)));
  char gathered[KEY_TILE * HEAD_CHUNK * sizeof(float)] __attribute__((aligned(64)));
  int blocks = (turn->most + KEY_BLOCK - 1) / KEY_BLOCK;
  ISA(ahead) ahead = {next, cache->width * cache->size, 0, tiles};

  for (size_t from = 0; from < cache->width; from += HEAD_CHUNK) {
    size_t elements = cache->width - from < HEAD_CHUNK ? cache->width - from : HEAD_CHUNK;
    const char *keys[KEY_BLOCKS];
    size_t stride = tile->key_stride;
    int dtype = finite ? FINITE_E4M3 : cache->dtype;
    if (cache_has_key_blocks(cache)) {
      for (int b = 0; b < KEY_BLOCKS; b++) keys[b] = tile->keys[b] + from * stride;
    } else {
      cache_gather_keys(cache, start, start + turn->most - 1, from, elements, gathered);
      stride = KEY_TILE * cache->size;
      for (size_t b = 0; b < KEY_BLOCKS; b++) keys[b] = gathered + b * KEY_BLOCK * cache->size;
    }
    if (widen) {
      ISA(widen_keys)(dtype, keys, stride, blocks, elements, room);
      dtype = PODIUM_F32;
      stride = KEY_TILE * sizeof(float);
      for (size_t b = 0; b < KEY_BLOCKS; b++) keys[b] = (const char *)(room + b * KEY_BLOCK);
    }
    for (int t = 0; t < tiles; t++) {
      int at = t * turn->count / tiles, rows = (t + 1) * turn->count / tiles - at, most = 0;
      const float *q[TILE_ROWS_MAX];
      for (int r = 0; r < rows; r++) {
        q[r] = finite ? raised[at + r] : queries->q[turn->query[at + r]] + from;
        if (turn->keys[at + r] > most) most = turn->keys[at + r];
      }
      ahead.share = t;
      if (from > 0 || !cache_has_key_blocks(cache)) ahead.tile = NULL;
      ISA(scores)(dtype, rows, q, keys, stride, elements, from == 0, most, ahead, turn->scores + at);
    }
  }

  for (int i = 0; i < turn->count; i += LANES) {
    int count = turn->count - i < LANES ? turn->count - i : LANES;
    float maximum[LANES] = {0}, total[LANES] = {0};
    for (int j = 0; j < count; j++) {
      maximum[j] = queries->maximum[turn->query[i + j]];
      total[j] = queries->total[turn->query[i + j]];
    }
    ISA(softmax_step)(count, turn->scores + i, turn->keys + i, scale, finite ? 256 : 1, maximum, total,
                      turn->shrink + i);
    for (int j = 0; j < count; j++) {
      queries->maximum[turn->query[i + j]] = maximum[j];
      queries->total[turn->query[i + j]] = total[j];
    }
  }

  ahead.tile = next;
  for (size_t from = 0; from < cache->width; from += HEAD_CHUNK) {
    size_t to = cache->width - from < HEAD_CHUNK ? cache->width : from + HEAD_CHUNK;
    const char *values[KEY_TILE];
    int dtype = finite ? FINITE_E4M3 : cache->dtype;
    if (widen) {
      ISA(widen_values)(dtype, tile->values, turn->most, from, to - from, room);
      dtype = PODIUM_F32;
      for (int key = 0; key < KEY_TILE; key++) values[key] = (const char *)(room + key * HEAD_CHUNK);
    } else {
      for (int key = 0; key < KEY_TILE; key++) values[key] = tile->values[key] + from * cache->size;
    }
    for (int t = 0; t < tiles; t++) {
      int at = t * turn->count / tiles, rows = (t + 1) * turn->count / tiles - at;
      float *out[TILE_ROWS_MAX];
      const float *p[TILE_ROWS_MAX];
      for (int r = 0; r < rows; r++) {
        out[r] = queries->out[turn->query[at + r]];
        p[r] = turn->scores[at + r];
      }
      ahead.share = t;
      ISA(mix)(dtype, rows, out, turn->shrink + at, p, turn->keys + at, values, from, to, start == 0, ahead);
    }
    ahead.tile = NULL;
  }
}

/* Queries of one sequence and one kv head. */
ISA_TARGET static void ISA(attend)(const kv_cache *cache, ISA(queries) *queries, float scale, float value_scale) {
  float scores[QUERIES][KEY_TILE] __attribute__((aligned(64)));
  int32_t last = -1;
  for (int i = 0; i < queries->count; i++) {
    if (queries->position[i] > last) last = queries->position[i];
    queries->maximum[i] = -__builtin_inff();
    queries->total[i] = 0;
  }
  cache_tile tiles[2]; /* this one and the next one, taking turns */
  if (last >= 0) cache_locate(cache, 0, last, &tiles[0]);
  for (int32_t start = 0; start <= last; start += KEY_TILE) {
    const cache_tile *tile = &tiles[start / KEY_TILE & 1];
    cache_tile *next = NULL;
    if (last - start >= KEY_TILE) {
      next = &tiles[(start / KEY_TILE & 1) ^ 1];
      cache_locate(cache, start + KEY_TILE, last, next);
    }
    ISA(turn) turn;
    turn.count = turn.most = 0;
    for (int i = 0; i < queries->count; i++) {
      if (queries->position[i] < start) continue;
      int32_t own = queries->position[i] - start;
      int keys = own < KEY_TILE ? (int)own + 1 : KEY_TILE;
      if (keys > turn.most) turn.most = keys;
      turn.query[turn.count] = i;
      turn.keys[turn.count] = keys;
      turn.scores[turn.count] = scores[turn.count];
      turn.count++;
    }
    ISA(attend_tile)(cache, queries, &turn, start, tile, next, scale);
    if (last - start < KEY_TILE) break; /* start + KEY_TILE may be beyond int32_t */
  }
  for (int i = 0; i < queries->count; i++) {
    float *out = queries->out[i];
    f32x16 total = ISA(splat)(queries->total[i]);
    for (size_t d = 0; d < cache->width; d += LANES) {
      size_t count = cache->width - d;
      f32x16 result = queries->position[i] < 0 ? (f32x16){0} : ISA(load_up_to)(out + d, count) / total * value_scale;
      ISA(store_up_to)(out + d, result, count);
    }
  }
}

/* The rows first..last of the kv head `kv_head`; `cache` is that head of all sequences. */
ISA_TARGET static void ISA(attention_rows)(kv_cache cache, float *out, const float *q, size_t q_stride,
                                           const int32_t *page_table, const int32_t *slots, const int32_t *positions,
                                           int32_t first, int32_t last, int32_t kv_head, int32_t heads,
                                           int32_t kv_heads, int32_t max_pages, float scale, float value_scale) {
  int32_t group = heads / kv_heads;
  for (int32_t row = first; row < last;) {
    int32_t slot = slots[row];
    int32_t end = row + 1;
    int32_t together = QUERIES / group; /* rows whose whole group fits */
    while (end < last && end - row < together && slots[end] == slot) end++;
    cache.pages = page_table + (int64_t)slot * max_pages;
    for (int32_t head = 0; head < group; head += QUERIES) {
      ISA(queries) queries;
      queries.count = 0;
      for (int32_t r = row; r < end; r++) {
        for (int32_t g = head; g < group && g < head + QUERIES; g++) {
          size_t at = (size_t)(kv_head * group + g) * cache.width;
          queries.q[queries.count] = q + (size_t)r * q_stride + at;
          queries.out[queries.count] = out + (size_t)r * (size_t)heads * cache.width + at;
          queries.position[queries.count++] = positions[r];
        }
      }
      ISA(attend)(&cache, &queries, scale, value_scale);
    }
    row = end;
  }
}
