/* lanes.h - sixteen float32 lanes and what the kernels do with them, compiled once per instruction set.
 *
 * Included by each_isa.h, which defines ISA(name) and ISA_TARGET.  The vector types are the compiler's own, so one
 * source becomes one zmm, two ymm, four NEON registers or scalar code, with the same IEEE operation in every lane: that
 * is why the instruction sets agree to the bit. */

#ifndef PODIUM_LANES_H
#define PODIUM_LANES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "podium_kernels.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float f32x16 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int16_t i16x16 __attribute__((vector_size(32)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x64 __attribute__((vector_size(64)));
typedef int8_t i8x16 __attribute__((vector_size(16)));

#define LANES_ALWAYS_INLINE __attribute__((always_inline)) static inline
/* Vectors of 64 bytes only ever pass between functions that are inlined into each other. */
#pragma clang diagnostic ignored "-Wpsabi"

/* How products take E4M3: 2^-8 of its values, which are those of a half with the same exponent and fraction bits.  The
 * second is for codes that are known to hold no NaN. */
enum { E4M3_SCALED = 16, E4M3_SCALED_FINITE = 17 };

/* Bytes of one weight of a podium_dtype, or of the two above. */
LANES_ALWAYS_INLINE size_t podium_weight_size(int dtype) {
  return dtype == PODIUM_F32 ? sizeof(float) : dtype >= PODIUM_F8E4M3 ? 1 : sizeof(uint16_t);
}

#endif

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(splat)(float value) {
  return (f32x16){value, value, value, value, value, value, value, value,
                  value, value, value, value, value, value, value, value};
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load)(const float *from) {
  f32x16 v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(store)(float *to, f32x16 v) { __builtin_memcpy(to, &v, sizeof v); }

/* The first `count` < 16 elements, zero in the other lanes; nothing beyond them is read. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_part)(const float *from, size_t count) {
  float lanes[LANES] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = from[i];
  return ISA(load)(lanes);
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(store_part)(float *to, f32x16 v, size_t count) {
  float lanes[LANES];
  ISA(store)(lanes, v);
  for (size_t i = 0; i < count; i++) to[i] = lanes[i];
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_up_to)(const float *from, size_t count) {
  return count >= LANES ? ISA(load)(from) : ISA(load_part)(from, count);
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(store_up_to)(float *to, f32x16 v, size_t count) {
  if (count >= LANES) {
    ISA(store)(to, v);
  } else {
    ISA(store_part)(to, v, count);
  }
}

/* when[lane] (all ones or zero) ? a : b */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(select)(i32x16 when, f32x16 a, f32x16 b) {
  return (f32x16)(((i32x16)a & when) | ((i32x16)b & ~when));
}

/* The values of sixteen IEEE halves, exactly; a signalling NaN becomes quiet, as the instructions have it. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(widen_halves)(u16x16 halves) {
#if WIDENED_HALVES == 16
  return (f32x16)_mm512_cvtph_ps((__m256i)halves);
#elif WIDENED_HALVES == 8
  f32x8 low = (f32x8)_mm256_cvtph_ps(_mm256_castsi256_si128((__m256i)halves));
  f32x8 high = (f32x8)_mm256_cvtph_ps(_mm256_extracti128_si256((__m256i)halves, 1));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  u32x16 bits = __builtin_convertvector(halves, u32x16);
  u32x16 exponent = bits & 0x7c00, fraction = bits & 0x03ff;
  u32x16 magnitude = (bits & 0x7fff) << 13;
  /* The bias is 15 in a half and 127 here; the exponent of infinity and NaN goes from 31 to 255. */
  f32x16 normal = (f32x16)(magnitude + (112u << 23));
  u32x16 quiet = (u32x16)(fraction != 0) & 0x00400000;
  f32x16 special = (f32x16)((magnitude + (224u << 23)) | quiet);
  /* A subnormal is fraction 2^-24: put behind a one at 2^-14, which then is taken away. */
  f32x16 subnormal = (f32x16)(magnitude + (113u << 23)) - 0x1p-14f;
  f32x16 value = ISA(select)((i32x16)(exponent == 0x7c00), special, normal);
  value = ISA(select)((i32x16)(exponent == 0), subnormal, value);
  return (f32x16)((u32x16)value | (bits & 0x8000) << 16);
#endif
}

#if WIDENED_HALVES
/* 2^-8 times the values of sixteen E4M3 codes, 480 times 2^-8 for NaN.  Moved up by 7 bits, exponent and fraction are
 * those of a half, subnormals included. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(widen_finite_e4m3)(u8x16 codes) {
  return ISA(widen_halves)((u16x16)__builtin_convertvector((i8x16)codes, i16x16) << 7 & 0xbf80);
}
#endif

/* The values of sixteen E4M3 codes, exactly; NaN for 0x7f and 0xff. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(widen_e4m3)(u8x16 codes) {
#if WIDENED_HALVES
  f32x16 value = ISA(widen_finite_e4m3)(codes) * 256.0f;
  u32x16 nan = ((u32x16)value & 0x80000000) | 0x7fc00000;
  return ISA(select)(value * value == 480.0f * 480.0f, (f32x16)nan, value);
#else
  u32x16 bits = __builtin_convertvector(codes, u32x16);
  u32x16 magnitude = (bits & 0x7f) << 20;
  f32x16 normal = (f32x16)(magnitude + (120u << 23));
  /* A subnormal is fraction 2^-9: put behind a one at 2^-6, which then is taken away. */
  f32x16 subnormal = (f32x16)(magnitude + (121u << 23)) - 0x1p-6f;
  f32x16 value = ISA(select)((i32x16)(magnitude < 8u << 20), subnormal, normal);
  value = ISA(select)((i32x16)(magnitude == 0x7fu << 20), ISA(splat)(__builtin_nanf("")), value);
  return (f32x16)((u32x16)value | (bits & 0x80) << 24);
#endif
}

/* The E4M3 codes nearest to x, ties to even, +-448 beyond the largest; 0x7f or 0xff for NaN. */
LANES_ALWAYS_INLINE ISA_TARGET u8x16 ISA(narrow_e4m3)(f32x16 x) {
  u32x16 bits = (u32x16)x, magnitude = bits & 0x7fffffff;
  /* Half a unit in the last place, less the smallest bit where the code before would be even. */
  u32x16 normal = (magnitude - (120u << 23) + 0x7ffff + (magnitude >> 20 & 1)) >> 20;
  /* Adding 2^14 leaves the multiple of 2^-9 in the low bits, rounded by the addition itself. */
  u32x16 subnormal = (u32x16)((f32x16)magnitude + 0x1p14f) - 0x46800000;
  u32x16 code = (u32x16)ISA(select)((i32x16)(magnitude < 121u << 23), (f32x16)subnormal, (f32x16)normal);
  code = (u32x16)ISA(select)((i32x16)(code > 0x7e), (f32x16)((u32x16){0} + 0x7e), (f32x16)code);
  code = (u32x16)ISA(select)((i32x16)(magnitude > 0x7f800000), (f32x16)((u32x16){0} + 0x7f), (f32x16)code);
  return __builtin_convertvector(code | (bits >> 24 & 0x80), u8x16);
}

/* Weights start..start+15 of a row, as float32.  Widening is exact; a bfloat16 is the upper half of a float32. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_weights)(int dtype, const void *row, size_t start) {
  if (dtype >= PODIUM_F8E4M3) {
    u8x16 codes;
    __builtin_memcpy(&codes, (const char *)row + start, sizeof codes);
#if WIDENED_HALVES
    if (dtype == E4M3_SCALED_FINITE) return ISA(widen_finite_e4m3)(codes);
#endif
    return dtype == PODIUM_F8E4M3 ? ISA(widen_e4m3)(codes) : ISA(widen_e4m3)(codes) * 0x1p-8f;
  }
  if (dtype != PODIUM_F32) {
    u16x16 halves;
    __builtin_memcpy(&halves, (const char *)row + start * sizeof(uint16_t), sizeof halves);
    if (dtype == PODIUM_F16) return ISA(widen_halves)(halves);
    return (f32x16)(__builtin_convertvector(halves, u32x16) << 16);
  }
  f32x16 v;
  __builtin_memcpy(&v, (const char *)row + start * sizeof(float), sizeof v);
  return v;
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_weights_part)(int dtype, const void *row, size_t start, size_t count) {
  uint32_t lanes[LANES] = {0}; /* raw elements, of any size */
  size_t size = podium_weight_size(dtype);
  const char *from = (const char *)row + start * size;
  for (size_t i = 0; i < count * size; i++) ((char *)lanes)[i] = from[i];
  return ISA(load_weights)(dtype, lanes, 0);
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_weights_up_to)(int dtype, const void *row, size_t start, size_t count) {
  return count >= LANES ? ISA(load_weights)(dtype, row, start) : ISA(load_weights_part)(dtype, row, start, count);
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(fma)(f32x16 a, f32x16 b, f32x16 c) {
  return __builtin_elementwise_fma(a, b, c);
}

/* a > b ? a : b in every lane */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(larger)(f32x16 a, f32x16 b) {
#if WIDENED_HALVES == 16
  return (f32x16)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return ISA(select)(a > b, a, b);
#endif
}

LANES_ALWAYS_INLINE ISA_TARGET i32x16 ISA(lane_numbers)(void) {
  return (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/* The fixed tree: lanes 8 apart, then 4, 2, 1. */
LANES_ALWAYS_INLINE ISA_TARGET float ISA(sum)(f32x16 v) {
  f32x8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  f32x4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/* The largest of the lanes, by the same tree. */
LANES_ALWAYS_INLINE ISA_TARGET float ISA(largest)(f32x16 v) {
  v = ISA(larger)(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = ISA(larger)(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  v = ISA(larger)(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  v = ISA(larger)(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  return v[0];
}

/* The same tree for sixteen vectors at once: lane i of the result is sum(v[i]). */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(sums)(const f32x16 *v) {
#define FOLD8(a, b)                                                                                       \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +               \
   __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define FOLD4(a, b)                                                                                       \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +             \
   __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define FOLD2(a, b)                                                                                       \
  (__builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29) +             \
   __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
#define FOLD1(a, b)                                                                                       \
  (__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +            \
   __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
  f32x16 low = FOLD2(FOLD4(FOLD8(v[0], v[1]), FOLD8(v[2], v[3])), FOLD4(FOLD8(v[4], v[5]), FOLD8(v[6], v[7])));
  f32x16 high =
      FOLD2(FOLD4(FOLD8(v[8], v[9]), FOLD8(v[10], v[11])), FOLD4(FOLD8(v[12], v[13]), FOLD8(v[14], v[15])));
  return FOLD1(low, high);
#undef FOLD8
#undef FOLD4
#undef FOLD2
#undef FOLD1
}

/* e^x to about one unit in the last place: x = n ln 2 + r, |r| <= ln(2)/2, a polynomial in r, and 2^n in two factors,
 * so that results run through the subnormals to zero and through the largest numbers to infinity.  NaN stays NaN. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(exp)(f32x16 x) {
  x = ISA(larger)(ISA(splat)(-104.0f), x); /* e^-104 rounds to 0 */
#if WIDENED_HALVES == 16
  x = (f32x16)_mm512_min_ps((__m512)ISA(splat)(89.0f), (__m512)x); /* e^89 is beyond float32 */
#else
  x = ISA(select)(x > 89.0f, ISA(splat)(89.0f), x);
#endif
  const f32x16 shift = ISA(splat)(0x1.8p23f);           /* adding it rounds to an integer, left in the low bits */
  f32x16 shifted = ISA(fma)(x, ISA(splat)(0x1.715476p+0f), shift);
  f32x16 n = shifted - shift;
  f32x16 r = ISA(fma)(n, ISA(splat)(-0x1.62e4p-1f), x); /* ln 2 in two parts; n times the first is exact */
  r = ISA(fma)(n, ISA(splat)(-0x1.7f7d1cp-20f), r);
  f32x16 p = ISA(splat)(0x1.a01a02p-13f); /* 1/7! and downwards */
  p = ISA(fma)(p, r, ISA(splat)(0x1.6c16c2p-10f));
  p = ISA(fma)(p, r, ISA(splat)(0x1.111112p-7f));
  p = ISA(fma)(p, r, ISA(splat)(0x1.555556p-5f));
  p = ISA(fma)(p, r, ISA(splat)(0x1.555556p-3f));
  p = ISA(fma)(p, r, ISA(splat)(0.5f));
  p = ISA(fma)(p, r, ISA(splat)(1.0f));
  p = ISA(fma)(p, r, ISA(splat)(1.0f));
#if WIDENED_HALVES == 16
  return (f32x16)_mm512_scalef_ps((__m512)p, (__m512)n); /* the same: the first of the two products is exact */
#else
  i32x16 exponent = (i32x16)shifted - (i32x16)shift;
  i32x16 half = exponent >> 1;
  f32x16 first = (f32x16)((u32x16)(half + 127) << 23);
  f32x16 second = (f32x16)((u32x16)(exponent - half + 127) << 23);
  return p * first * second;
#endif
}
