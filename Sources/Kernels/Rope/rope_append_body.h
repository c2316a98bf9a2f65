/* Compiled per instruction set by rope_append.c. */

/* The bfloat16 nearest to x, ties to even; NaN stays NaN. */
LANES_ALWAYS_INLINE ISA_TARGET u16x16 ISA(narrow_bf16)(f32x16 x) {
  u32x16 bits = (u32x16)x;
  u32x16 nearest = bits + 0x7fff + (bits >> 16 & 1);
  nearest = (u32x16)ISA(select)((i32x16)(x != x), (f32x16)(bits | 0x00400000), (f32x16)nearest);
  return __builtin_convertvector(nearest >> 16, u16x16);
}

/* `count` numbers, at most 16, as the cache holds them, `step` elements apart.  Constants: dtype, and step if it is 1. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(keep)(const int dtype, void *to, size_t step, f32x16 x, size_t count,
                                              float scale) {
  if (count > LANES) count = LANES;
#define KEEP_AS(type, vector, narrowed)                                              \
  {                                                                                  \
    vector kept = narrowed;                                                          \
    type elements[LANES], *at = to;                                                  \
    if (step == 1 && count == LANES) {                                               \
      __builtin_memcpy(at, &kept, sizeof kept);                                      \
    } else {                                                                         \
      __builtin_memcpy(elements, &kept, sizeof kept);                                \
      for (size_t i = 0; i < count; i++) at[i * step] = elements[i];                 \
    }                                                                                \
  }
  if (dtype == PODIUM_F32) KEEP_AS(float, f32x16, x)
  if (dtype == PODIUM_BF16) KEEP_AS(uint16_t, u16x16, ISA(narrow_bf16)(x))
  if (dtype == PODIUM_F8E4M3) KEEP_AS(uint8_t, u8x16, ISA(narrow_e4m3)(x / scale))
#undef KEEP_AS
}

/* to = rotated from, elements `step` apart; both may be the same head of float32.  Constants as above. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(rotate)(const int dtype, char *to, size_t step, const float *from,
                                                const float *cosines, const float *sines, size_t pairs, float scale) {
  const size_t size = podium_weight_size(dtype) * step;
  for (size_t i = 0; i < pairs; i += LANES) {
    size_t count = pairs - i;
    f32x16 c = ISA(load_up_to)(cosines + i, count);
    f32x16 s = ISA(load_up_to)(sines + i, count);
    f32x16 a = ISA(load_up_to)(from + i, count);
    f32x16 b = ISA(load_up_to)(from + pairs + i, count);
    ISA(keep)(dtype, to + i * size, step, a * c - b * s, count, scale);
    ISA(keep)(dtype, to + (pairs + i) * size, step, b * c + a * s, count, scale);
  }
}

ISA_TARGET static void ISA(rotate_queries)(float *q, size_t heads, const float *cosines, const float *sines,
                                           size_t pairs) {
  for (size_t head = 0; head < heads; head++, q += 2 * pairs) {
    ISA(rotate)(PODIUM_F32, (char *)q, 1, q, cosines, sines, pairs, 1);
  }
}

/* The kv heads of one row into their places: of the first head key and value, the others `next` bytes further each. */
ISA_TARGET static void ISA(append)(int dtype, char *key, char *value, size_t next, size_t page_size, size_t heads,
                                   const float *k, const float *v, const float *cosines, const float *sines,
                                   size_t pairs, float k_scale, float v_scale) {
  size_t width = 2 * pairs;
  for (size_t head = 0; head < heads; head++, key += next, value += next, k += width, v += width) {
    switch (dtype) {
#define APPEND_CASE(dtype_)                                                                              \
  case dtype_:                                                                                           \
    ISA(rotate)(dtype_, key, page_size, k, cosines, sines, pairs, k_scale);                              \
    for (size_t i = 0; i < width; i += LANES) {                                                          \
      f32x16 x = ISA(load_up_to)(v + i, width - i);                                                      \
      ISA(keep)(dtype_, value + i * podium_weight_size(dtype_), 1, x, width - i, v_scale);               \
    }                                                                                                    \
    break;
      APPEND_CASE(PODIUM_F32)
      APPEND_CASE(PODIUM_BF16)
      APPEND_CASE(PODIUM_F8E4M3)
#undef APPEND_CASE
    }
  }
}
