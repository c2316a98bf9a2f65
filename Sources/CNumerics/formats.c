#include "podium_numerics.h"

#include "lanes.h"

/* A sign, an exponent and a fraction, in that order, in fewer bits than a float32. */
typedef struct {
  int fraction_bits, bias, sign_shift;
  /* Codes without the sign: the largest finite number, what is above it, and NaN. */
  uint32_t largest, overflow, nan;
  bool has_infinity, has_negative_zero;
  /* NaN keeps the upper bits of its payload. */
  bool has_payload;
} narrow_float;

#define NARROW_E4M3 ((narrow_float){3, 7, 7, 0x7e, 0x7f, 0x7f, false, true, false})
#define NARROW_E4M3FNUZ ((narrow_float){3, 8, 7, 0x7f, 0x80, 0x80, false, false, false})
#define NARROW_E5M2 ((narrow_float){2, 15, 7, 0x7b, 0x7c, 0x7e, true, true, false})
#define NARROW_E5M2FNUZ ((narrow_float){2, 16, 7, 0x7f, 0x80, 0x80, false, false, false})
#define NARROW_E2M1 ((narrow_float){1, 1, 3, 7, 7, 7, false, true, false})
#define NARROW_F16 ((narrow_float){10, 15, 15, 0x7bff, 0x7c00, 0x7e00, true, true, true})

LANES_ALWAYS_INLINE float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

LANES_ALWAYS_INLINE uint32_t e8m0_bits(uint8_t code) {
  if (code == 0xff) return 0x7fc00000;
  return code == 0 ? 0x00400000 : (uint32_t)code << 23; /* 2^-127 is subnormal */
}

/* The largest E2M1 is 1.5 * 2^2, so the scale's exponent is that of the largest magnitude less 2. */
LANES_ALWAYS_INLINE uint8_t mxfp4_scale(uint32_t absmax_bits, numerics_mx_rule rule) {
  if (absmax_bits >= 0x7f800000) return 0xff;
  uint32_t exponent = (absmax_bits + (rule == NUMERICS_MX_EVEN ? 0x00200000 : 0)) >> 23;
  return exponent > 2 ? (uint8_t)(exponent - 2) : 0;
}

#define ISA_BODY "formats_body.h"
#include "each_isa.h"

void numerics_decode(numerics_format format, const void *codes, float *values, size_t count, float scale) {
  ISA_CALL(decode, format, codes, values, count, scale);
}

void numerics_encode(numerics_format format, const float *values, void *codes, size_t count, float scale,
                     bool saturate) {
  ISA_CALL(encode, format, values, codes, count, scale, saturate);
}

void numerics_round_each(numerics_format format, const float *values, const float *scales, uint8_t *codes,
                         float *rounded, size_t count) {
  ISA_CALL(round_each, format, values, scales, codes, rounded, count);
}

float numerics_absmax(const float *values, size_t count) {
  uint32_t largest = 0;
  ISA_CALL(absmax_bits, values, count, &largest);
  return float_of_bits(largest);
}

uint8_t numerics_mxfp4_scale(float absmax, numerics_mx_rule rule) {
  uint32_t bits;
  __builtin_memcpy(&bits, &absmax, sizeof bits);
  return mxfp4_scale(bits & 0x7fffffff, rule);
}

float numerics_e8m0_value(uint8_t code) { return float_of_bits(e8m0_bits(code)); }

void numerics_encode_mxfp4(const float *values, uint8_t *packed, uint8_t *scales, size_t blocks,
                           numerics_mx_rule rule) {
  ISA_CALL(encode_mxfp4, values, packed, scales, blocks, rule);
}

void numerics_decode_mxfp4(const uint8_t *packed, const uint8_t *scales, float *values, size_t blocks) {
  ISA_CALL(decode_mxfp4, packed, scales, values, blocks);
}
