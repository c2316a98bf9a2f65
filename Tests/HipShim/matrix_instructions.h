/* matrix_instructions.h - the matrix instructions of gfx942 and gfx950 as collectives of the shim's warps.
 *
 * Layouts: AMD's instruction set manuals of CDNA3 and CDNA4.  Lane l gives elements of row (left) or column (right)
 * l % 16 for the k of its quarter l / 16; the sum is taken by fused multiply-add, k ascending. */
#ifndef HIP_SHIM_MATRIX_INSTRUCTIONS_H
#define HIP_SHIM_MATRIX_INSTRUCTIONS_H

#include "scheduler.h"

#include <cmath>
#include <cstring>

namespace shim {

typedef float f32x4 __attribute__((ext_vector_type(4)));

/* What one lane gives. */
template <typename operand>
struct pair {
  operand a, b;
  int a_scale, b_scale;
};

inline float bf16_value(const void *operand, int i) {
  uint16_t code;
  memcpy(&code, (const char *)operand + 2 * i, 2);
  uint32_t bits = (uint32_t)code << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

inline float f32_value(const void *operand, int i) {
  float value;
  memcpy(&value, (const char *)operand + 4 * i, 4);
  return value;
}

/* E4M3 of gfx942 (FNUZ: bias 8, 0x80 is NaN) and of gfx950 (OCP: bias 7, 0x7F and 0xFF are NaN). */
inline float fp8_value(const void *operand, int i) {
  uint8_t code;
  memcpy(&code, (const char *)operand + i, 1);
  int size = code & 0x7f, exponent = size >> 3, bias = SHIM_TARGET == 950 ? 7 : 8;
  if (SHIM_TARGET == 950 ? size == 0x7f : code == 0x80) return NAN;
  float value = exponent ? ldexpf((float)(8 + (size & 7)), exponent - 3 - bias) : ldexpf((float)(size & 7), -2 - bias);
  return code & 0x80 ? -value : value;
}

inline float e2m1_value(const void *operand, int i) {
  static const float sizes[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  int code = ((const uint8_t *)operand)[i / 2] >> 4 * (i % 2) & 15;
  return code & 8 ? -sizes[code & 7] : sizes[code & 7];
}

/* count: elements that a lane gives. */
template <float (*value)(const void *, int), typename operand>
f32x4 multiply(int count, const operand &a, const operand &b, f32x4 c, const char *file, int line, bool scaled = false,
               int a_scale = 0, int b_scale = 0) {
  pair<operand> own;
  own.a = a, own.b = b, own.a_scale = a_scale, own.b_scale = b_scale;
  static_assert(sizeof own <= DEPOSIT, "an operand is too large");
  const unsigned char *all = exchange(&own, sizeof own, file, line);
  int lane = now.thread % 64;
  for (int quarter = 0; quarter < 4; quarter++) {
    const auto *right = (const pair<operand> *)(all + (16 * quarter + lane % 16) * DEPOSIT);
    for (int i = 0; i < 4; i++) {
      const auto *left = (const pair<operand> *)(all + (16 * quarter + 4 * (lane / 16) + i) * DEPOSIT);
      if (scaled) {
        float sum = 0;
        for (int k = 0; k < count; k++) sum += value(&left->a, k) * value(&right->b, k);
        /* The exponents are added, so that no product of scales leaves a range; 255 is NaN, whatever the elements are. */
        int left_scale = left->a_scale & 255, right_scale = right->b_scale & 255;
        if (left_scale == 255 || right_scale == 255) sum = NAN;
        c[i] = (float)(c[i] + ldexp((double)sum, left_scale + right_scale - 254));
      } else {
        for (int k = 0; k < count; k++) c[i] = fmaf(value(&left->a, k), value(&right->b, k), c[i]);
      }
    }
  }
  return c;
}

} // namespace shim

#define SHIM_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

typedef short shim_s16x4 __attribute__((ext_vector_type(4)));
typedef int shim_i32x8 __attribute__((ext_vector_type(8)));

static inline shim::f32x4 shim_mfma_f32_16x16x4f32(float a, float b, shim::f32x4 c, int, int, int, SHIM_SITE) {
  return shim::multiply<shim::f32_value>(1, a, b, c, file, line);
}
static inline shim::f32x4 shim_mfma_f32_16x16x16bf16_1k(shim_s16x4 a, shim_s16x4 b, shim::f32x4 c, int, int, int,
                                                        SHIM_SITE) {
  return shim::multiply<shim::bf16_value>(4, a, b, c, file, line);
}
static inline shim::f32x4 shim_mfma_f32_16x16x32_fp8_fp8(long a, long b, shim::f32x4 c, int, int, int, SHIM_SITE) {
  return shim::multiply<shim::fp8_value>(8, a, b, c, file, line);
}
/* Not exchanges: bytes 0 to 3 of the low word and 4 to 7 of the high one, and conversions from E4M3. */
static inline uint32_t shim_perm(uint32_t high, uint32_t low, uint32_t bytes) {
  uint64_t both = (uint64_t)high << 32 | low;
  uint32_t result = 0;
  for (int i = 0; i < 4; i++) result |= (uint32_t)(both >> 8 * (bytes >> 8 * i & 7) & 255) << 8 * i;
  return result;
}
typedef float shim_f32x2 __attribute__((ext_vector_type(2)));
static inline shim_f32x2 shim_cvt_pk_f32_fp8(int codes, bool high) {
  return shim_f32x2{shim::fp8_value(&codes, high ? 2 : 0), shim::fp8_value(&codes, high ? 3 : 1)};
}
typedef int shim_i32x4 __attribute__((ext_vector_type(4)));
static inline shim_i32x4 shim_mfma_i32_16x16x32_i8(long a, long b, shim_i32x4 c, int, int, int, SHIM_SITE) {
  const long own[2] = {a, b};
  const unsigned char *all = shim::exchange(own, sizeof own, file, line);
  int lane = shim::now.thread % 64;
  for (int k = 0; k < 32; k++) {
    int from = k / 8 * 16, byte = k % 8;
    int right = ((const int8_t *)all)[(from + lane % 16) * shim::DEPOSIT + 8 + byte];
    for (int i = 0; i < 4; i++) c[i] += ((const int8_t *)all)[(from + 4 * (lane / 16) + i) * shim::DEPOSIT + byte] * right;
  }
  return c;
}
#if SHIM_TARGET == 950
typedef __bf16 shim_bf16x8 __attribute__((ext_vector_type(8)));
typedef __bf16 shim_bf16x2 __attribute__((ext_vector_type(2)));
/* Times a power of two: exact. */
static inline shim_bf16x2 shim_cvt_scalef32_pk_bf16_fp8(uint32_t codes, float scale, bool high) {
  uint32_t result = 0;
  for (int i = 0; i < 2; i++) {
    float value = shim::fp8_value(&codes, 2 * high + i) * scale;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    result |= bits >> 16 << 16 * i;
  }
  shim_bf16x2 pair;
  memcpy(&pair, &result, 4);
  return pair;
}
static inline shim::f32x4 shim_mfma_f32_16x16x32_bf16(shim_bf16x8 a, shim_bf16x8 b, shim::f32x4 c, int, int, int,
                                                      SHIM_SITE) {
  return shim::multiply<shim::bf16_value>(8, a, b, c, file, line);
}
/* Formats 4 and 4: E2M1; formats 0 and 0, E4M3, without scales.  The others are not needed yet. */
static inline shim::f32x4 shim_mfma_scale_f32_16x16x128_f8f6f4(const shim_i32x8 &a, const shim_i32x8 &b, shim::f32x4 c,
                                                               int a_format, int b_format, int a_byte, int a_scale,
                                                               int b_byte, int b_scale, SHIM_SITE) {
  if (a_format == 0 && b_format == 0 && a_scale == 0 && b_scale == 0) {
    /* Constant scales of 0 choose the instruction that has none. */
    return shim::multiply<shim::fp8_value>(32, a, b, c, file, line);
  }
  if (a_format != 4 || b_format != 4) {
    shim::fault("formats %d and %d: only E2M1 (4) and unscaled E4M3 (0) are there", a_format, b_format);
  }
  return shim::multiply<shim::e2m1_value>(32, a, b, c, file, line, true, a_scale >> 8 * a_byte, b_scale >> 8 * b_byte);
}
#endif

#endif
