/* Compiled per instruction set by rope_append.c. */

/* The bfloat16 nearest to x, ties to even; NaN stays NaN. */
LANES_ALWAYS_INLINE ISA_TARGET u16x16 ISA(narrow_bf16)(f32x16 x) {
  u32x16 bits = (u32x16)x;
  u32x16 nearest = bits + 0x7fff + (bits >> 16 & 1);
  nearest = (u32x16)ISA(select)((i32x16)(x != x), (f32x16)(bits | 0x00400000), (f32x16)nearest);
  return __builtin_convertvector(nearest >> 16, u16x16);
}

/* Elements start..start + count of a head in the cache, count <= 16.  Constant: dtype. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(rope_keep)(const int dtype, void *head, size_t start, f32x16 x, size_t count,
                                                   float scale) {
  char *to = (char *)head + start * podium_weight_size(dtype);
  if (dtype == PODIUM_F32) {
    ISA(store_up_to)((float *)(void *)to, x, count);
  } else if (dtype == PODIUM_BF16) {
    u16x16 halves = ISA(narrow_bf16)(x);
    __builtin_memcpy(to, &halves, count < LANES ? count * sizeof(uint16_t) : sizeof halves);
  } else {
    u8x16 codes = ISA(narrow_e4m3)(x / scale);
    __builtin_memcpy(to, &codes, count < LANES ? count : sizeof codes);
  }
}

/* to = rotated from; both may be the same head of float32.  Constant: dtype. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(rope_rotate)(const int dtype, void *to, const float *from,
                                                     const float *cosines, const float *sines, size_t pairs,
                                                     float scale) {
  for (size_t i = 0; i < pairs; i += LANES) {
    size_t count = pairs - i;
    f32x16 c = ISA(load_up_to)(cosines + i, count);
    f32x16 s = ISA(load_up_to)(sines + i, count);
    f32x16 a = ISA(load_up_to)(from + i, count);
    f32x16 b = ISA(load_up_to)(from + pairs + i, count);
    ISA(rope_keep)(dtype, to, i, a * c - b * s, count, scale);
    ISA(rope_keep)(dtype, to, pairs + i, b * c + a * s, count, scale);
  }
}

ISA_TARGET static void ISA(rope_query)(float *q, const float *cosines, const float *sines, size_t pairs) {
  ISA(rope_rotate)(PODIUM_F32, q, q, cosines, sines, pairs, 1);
}

/* One kv head of one row into its place in the cache. */
ISA_TARGET static void ISA(rope_append)(int dtype, void *key, void *value, const float *k, const float *v,
                                        const float *cosines, const float *sines, size_t pairs, float k_scale,
                                        float v_scale) {
#define ROPE_APPEND_CASE(dtype_)                                                                                  \
  case dtype_:                                                                                                    \
    ISA(rope_rotate)(dtype_, key, k, cosines, sines, pairs, k_scale);                                             \
    for (size_t i = 0; i < 2 * pairs; i += LANES) {                                                               \
      ISA(rope_keep)(dtype_, value, i, ISA(load_up_to)(v + i, 2 * pairs - i), 2 * pairs - i, v_scale);            \
    }                                                                                                             \
    break;
  switch (dtype) {
    ROPE_APPEND_CASE(PODIUM_F32)
    ROPE_APPEND_CASE(PODIUM_BF16)
    ROPE_APPEND_CASE(PODIUM_F8E4M3)
  }
#undef ROPE_APPEND_CASE
}
