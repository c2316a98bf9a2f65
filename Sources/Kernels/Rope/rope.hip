/* The forms of podium_rope_tables and podium_rope_append for a GPU: one block for a row.  Both do what their twins do,
 * operation for operation. */
#ifndef PODIUM_FORMATS_H
#include "../Device/podium_formats.h"
#endif

using namespace podium;

/* Sine and cosine in double, rounded once: rope_tables.c says why. */
PODIUM_DEVICE void sine_cosine(double angle, float *sine, float *cosine) {
  double turns = angle * 0x1.45f306dc9c883p-1; /* 2/pi */
  double n = round_to_integer(turns);
  double r = multiply_add(-n, 0x1.921fb54442d18p+0, angle);
  r = multiply_add(-n, 0x1.1a62633145c07p-54, r);
  double z = r * r;
  double s = 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  s = r + r * z * s;
  double c = -1.0 / 87178291200.0;
  c = c * z + 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  c = c * z - 0.5;
  c = 1.0 + z * c;
  int quarter = (int)((int64_t)n & 3);
  float fs = (float)s, fc = (float)c;
  *sine = quarter == 0 ? fs : quarter == 1 ? fc : quarter == 2 ? -fs : -fc;
  *cosine = quarter == 0 ? fc : quarter == 1 ? -fs : quarter == 2 ? -fc : fs;
}

PODIUM_KERNEL(64)
rope_tables(float *cosines, float *sines, const int32_t *positions, const float *inverse_frequencies,
            const int32_t *live, int32_t max_rows, int32_t pairs, float factor) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  float position = (float)positions[row];
  uint64_t start = (uint64_t)row * (uint64_t)pairs;
  for (int32_t i = thread_index(); i < pairs; i += 64) {
    float angle = position * inverse_frequencies[i];
    float sine = quiet_nan(), cosine = sine;
    if (angle > -0x1p40f && angle < 0x1p40f) sine_cosine((double)angle, &sine, &cosine);
    cosines[start + (uint64_t)i] = factor * cosine;
    sines[start + (uint64_t)i] = factor * sine;
  }
}

/* A number on its way into the cache. */
PODIUM_DEVICE void append(int32_t dtype, void *pages, uint64_t at, float value, float scale) {
  if (dtype == F32) {
    ((float *)pages)[at] = value;
  } else if (dtype == BF16) {
    ((uint16_t *)pages)[at] = (uint16_t)bf16_of(value);
  } else {
    ((uint8_t *)pages)[at] = (uint8_t)e4m3_of(value / scale);
  }
}

PODIUM_KERNEL(256)
rope_append(int32_t kv_dtype, float *q, const float *k, const float *v, int32_t stride, const float *cosines,
            const float *sines, const int32_t *slots, const int32_t *positions, const int32_t *page_table,
            void *k_pages, void *v_pages, float k_scale, float v_scale, const int32_t *live, int32_t max_rows,
            int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t page_size, int32_t max_pages) {
  uint32_t row = block_index();
  if (row >= (uint32_t)live_rows(live, max_rows)) return;
  int32_t pairs = head_dim / 2;
  const float *c = cosines + (uint64_t)row * (uint64_t)pairs, *s = sines + (uint64_t)row * (uint64_t)pairs;
  float *q_row = q + (uint64_t)row * (uint64_t)(stride ? stride : heads * head_dim);
  for (int32_t i = thread_index(); i < heads * pairs; i += 256) {
    int32_t head = i / pairs, pair = i % pairs;
    float *at = q_row + head * head_dim + pair;
    float a = at[0], b = at[pairs], cosine = c[pair], sine = s[pair];
    at[0] = a * cosine - b * sine;
    at[pairs] = b * cosine + a * sine;
  }
  int32_t position = positions[row];
  if (position < 0) return;
  uint64_t page = (uint64_t)page_table[(int64_t)slots[row] * max_pages + position / page_size];
  uint64_t from = (uint64_t)row * (uint64_t)(stride ? stride : kv_heads * head_dim);
  for (int32_t i = thread_index(); i < kv_heads * pairs; i += 256) {
    int32_t head = i / pairs, pair = i % pairs;
    const float *key = k + from + head * head_dim + pair, *value = v + from + head * head_dim + pair;
    uint64_t place = (page * (uint64_t)kv_heads + (uint64_t)head) * (uint64_t)(page_size * head_dim);
    /* A page has keys and values of a head as [page_size, head_dim]. */
    uint64_t to = place + (uint64_t)(position % page_size) * (uint64_t)head_dim + (uint64_t)pair;
    float a = key[0], b = key[pairs], cosine = c[pair], sine = s[pair];
    append(kv_dtype, k_pages, to, a * cosine - b * sine, k_scale);
    append(kv_dtype, k_pages, to + (uint64_t)pairs, b * cosine + a * sine, k_scale);
    append(kv_dtype, v_pages, to, value[0], v_scale);
    append(kv_dtype, v_pages, to + (uint64_t)pairs, value[pairs], v_scale);
  }
}
