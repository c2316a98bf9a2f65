/* formats_body.h - the conversions of formats.c for one instruction set. */

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load)(const float *from, size_t count) {
  f32x16 v = {0};
  if (count >= LANES) {
    __builtin_memcpy(&v, from, sizeof v);
  } else {
    float lanes[LANES] = {0};
    __builtin_memcpy(lanes, from, count * sizeof *from);
    __builtin_memcpy(&v, lanes, sizeof v);
  }
  return v;
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(store)(float *to, f32x16 v, size_t count) {
  if (count >= LANES) {
    __builtin_memcpy(to, &v, sizeof v);
  } else {
    float lanes[LANES];
    __builtin_memcpy(lanes, &v, sizeof v);
    __builtin_memcpy(to, lanes, count * sizeof *to);
  }
}

/* Copies of a size that is not known are calls; whole vectors must not be. */
LANES_ALWAYS_INLINE ISA_TARGET u32x16 ISA(load_codes)(const void *from, size_t size, size_t count) {
  unsigned char bytes[2 * LANES] = {0};
  if (count < LANES) {
    __builtin_memcpy(bytes, from, count * size);
    from = bytes;
  }
  if (size == 1) {
    u8x16 v;
    __builtin_memcpy(&v, from, sizeof v);
    return __builtin_convertvector(v, u32x16);
  }
  u16x16 v;
  __builtin_memcpy(&v, from, sizeof v);
  return __builtin_convertvector(v, u32x16);
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(store_codes)(void *to, u32x16 codes, size_t size, size_t count) {
  if (size == 1) {
    u8x16 v = __builtin_convertvector(codes, u8x16);
    if (count >= LANES) {
      __builtin_memcpy(to, &v, sizeof v);
    } else {
      __builtin_memcpy(to, &v, count);
    }
  } else {
    u16x16 v = __builtin_convertvector(codes, u16x16);
    if (count >= LANES) {
      __builtin_memcpy(to, &v, sizeof v);
    } else {
      __builtin_memcpy(to, &v, count * 2);
    }
  }
}

/* Values over a scale; a division by one changes nothing and takes as long as any. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(load_over)(const float *from, size_t count, float scale) {
  f32x16 v = ISA(load)(from, count);
  return scale == 1 ? v : v / scale;
}

/* The codes of values, sign included. */
LANES_ALWAYS_INLINE ISA_TARGET u32x16 ISA(encode_lanes)(f32x16 x, narrow_float f, bool saturate) {
  u32x16 bits = (u32x16)x;
  u32x16 magnitude = bits & 0x7fffffff;
  u32x16 sign = (bits >> 31) << f.sign_shift;
  int dropped = 23 - f.fraction_bits;
  /* Half a unit in the last place, less the smallest bit where the code before would be even. */
  u32x16 normal = (magnitude - ((uint32_t)(127 - f.bias) << 23) + ((1u << (dropped - 1)) - 1) +
                   ((magnitude >> dropped) & 1)) >> dropped;
  /* Adding 2^(24 - bias - fraction_bits) leaves the multiple of the smallest subnormal in the low bits, rounded by the
   * addition itself. */
  uint32_t anchor = (uint32_t)(127 + 24 - f.bias - f.fraction_bits) << 23;
  f32x16 anchored = (f32x16)magnitude + (f32x16)((u32x16){0} + anchor);
  u32x16 subnormal = (u32x16)anchored - anchor;
  i32x16 is_subnormal = (i32x16)magnitude < (int32_t)((uint32_t)(128 - f.bias) << 23);
  u32x16 code = CHOOSE(is_subnormal, subnormal, normal);
  i32x16 is_beyond = (i32x16)code > (int32_t)f.largest;
  code = CHOOSE(is_beyond, (u32x16){0} + (saturate ? f.largest : f.overflow), code);
  i32x16 is_nan = (i32x16)magnitude > 0x7f800000;
  u32x16 nan = (u32x16){0} + f.nan;
  if (f.has_payload) nan |= (magnitude >> dropped) & (((1u << f.fraction_bits) - 1) >> 1);
  code = CHOOSE(is_nan, nan, code);
  if (!f.has_negative_zero) sign &= (u32x16)(code != 0);
  return code | sign;
}

/* The values of codes. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(decode_lanes)(u32x16 codes, narrow_float f) {
  uint32_t sign_bit = 1u << f.sign_shift;
  u32x16 code = codes & (sign_bit - 1);
  u32x16 sign = ((codes >> f.sign_shift) & 1) << 31;
  u32x16 magnitude = code << (23 - f.fraction_bits);
  u32x16 normal = magnitude + ((uint32_t)(127 - f.bias) << 23);
  /* With the exponent of the smallest normal number and an implicit one, which then has to go again. */
  uint32_t one = (uint32_t)(128 - f.bias) << 23;
  u32x16 subnormal = (u32x16)((f32x16)(magnitude + one) - (f32x16)((u32x16){0} + one));
  u32x16 bits = CHOOSE((i32x16)magnitude < 0x00800000, subnormal, normal);
  if (f.has_infinity) {
    i32x16 is_special = (i32x16)code >= (int32_t)f.overflow;
    u32x16 quiet = (u32x16)(code > f.overflow) & 0x00400000;
    bits = CHOOSE(is_special, magnitude | 0x7f800000 | quiet, bits);
  } else if (!f.has_negative_zero) {
    bits = CHOOSE(codes == sign_bit, (u32x16){0} + 0x7fc00000, bits);
  } else if (f.nan > f.largest) {
    bits = CHOOSE(code == f.nan, (u32x16){0} + 0x7fc00000, bits);
  }
  return (f32x16)(bits | sign);
}

LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(decode_bfloat)(u32x16 codes) { return (f32x16)(codes << 16); }

LANES_ALWAYS_INLINE ISA_TARGET u32x16 ISA(encode_bfloat)(f32x16 x, bool saturate) {
  u32x16 bits = (u32x16)x;
  u32x16 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  u32x16 magnitude = bits & 0x7fffffff;
  if (saturate) {
    rounded = CHOOSE((i32x16)(rounded & 0x7fff) >= 0x7f80, (rounded & 0x8000) | 0x7f7f, rounded);
  }
  return CHOOSE((i32x16)magnitude > 0x7f800000, (bits >> 16) | 0x40, rounded);
}

/* Even lanes of the 32 elements a, b to the low half of bytes, odd ones to the high half. */
LANES_ALWAYS_INLINE ISA_TARGET u32x16 ISA(pack_nibbles)(u32x16 a, u32x16 b) {
  u32x16 even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  u32x16 odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return even | (odd << 4);
}

/* The values of 32 packed E2M1, times a scale. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(decode_nibbles)(u32x16 bytes, float scale, f32x16 *first, f32x16 *second) {
  f32x16 low = ISA(decode_lanes)(bytes & 15, NARROW_E2M1) * scale;
  f32x16 high = ISA(decode_lanes)(bytes >> 4, NARROW_E2M1) * scale;
  *first = __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  *second = __builtin_shufflevector(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(encode_narrow)(const float *values, unsigned char *codes, size_t size,
                                                      size_t count, float scale, bool saturate, narrow_float f) {
  for (size_t i = 0; i < count; i += LANES) {
    f32x16 x = ISA(load_over)(values + i, count - i, scale);
    ISA(store_codes)(codes + i * size, ISA(encode_lanes)(x, f, saturate), size, count - i);
  }
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(decode_narrow)(const unsigned char *codes, float *values, size_t size,
                                                      size_t count, float scale, narrow_float f) {
  for (size_t i = 0; i < count; i += LANES) {
    u32x16 lanes = ISA(load_codes)(codes + i * size, size, count - i);
    ISA(store)(values + i, ISA(decode_lanes)(lanes, f) * scale, count - i);
  }
}

static ISA_TARGET void ISA(encode)(numerics_format format, const float *values, unsigned char *codes, size_t count,
                                   float scale, bool saturate) {
#define ENCODE(f, size)                                                          \
  if (saturate) {                                                                \
    ISA(encode_narrow)(values, codes, size, count, scale, true, f);              \
  } else {                                                                       \
    ISA(encode_narrow)(values, codes, size, count, scale, false, f);             \
  }                                                                              \
  break
  switch (format) {
  case NUMERICS_E4M3: ENCODE(NARROW_E4M3, 1);
  case NUMERICS_E4M3FNUZ: ENCODE(NARROW_E4M3FNUZ, 1);
  case NUMERICS_E5M2: ENCODE(NARROW_E5M2, 1);
  case NUMERICS_E5M2FNUZ: ENCODE(NARROW_E5M2FNUZ, 1);
  case NUMERICS_F16: ENCODE(NARROW_F16, 2);
  case NUMERICS_BF16:
    for (size_t i = 0; i < count; i += LANES) {
      f32x16 x = ISA(load_over)(values + i, count - i, scale);
      ISA(store_codes)(codes + 2 * i, ISA(encode_bfloat)(x, saturate), 2, count - i);
    }
    break;
  case NUMERICS_E2M1:
    for (size_t i = 0; i < count; i += 2 * LANES) {
      size_t left = count - i;
      u32x16 a = ISA(encode_lanes)(ISA(load_over)(values + i, left, scale), NARROW_E2M1, true);
      u32x16 b = {0};
      if (left > LANES) {
        b = ISA(encode_lanes)(ISA(load_over)(values + i + LANES, left - LANES, scale), NARROW_E2M1, true);
      }
      ISA(store_codes)(codes + i / 2, ISA(pack_nibbles)(a, b), 1, left / 2);
    }
    break;
  }
#undef ENCODE
}

static ISA_TARGET void ISA(decode)(numerics_format format, const unsigned char *codes, float *values, size_t count,
                                   float scale) {
  switch (format) {
  case NUMERICS_E4M3: ISA(decode_narrow)(codes, values, 1, count, scale, NARROW_E4M3); break;
  case NUMERICS_E4M3FNUZ: ISA(decode_narrow)(codes, values, 1, count, scale, NARROW_E4M3FNUZ); break;
  case NUMERICS_E5M2: ISA(decode_narrow)(codes, values, 1, count, scale, NARROW_E5M2); break;
  case NUMERICS_E5M2FNUZ: ISA(decode_narrow)(codes, values, 1, count, scale, NARROW_E5M2FNUZ); break;
  case NUMERICS_F16: ISA(decode_narrow)(codes, values, 2, count, scale, NARROW_F16); break;
  case NUMERICS_BF16:
    for (size_t i = 0; i < count; i += LANES) {
      u32x16 lanes = ISA(load_codes)(codes + 2 * i, 2, count - i);
      ISA(store)(values + i, ISA(decode_bfloat)(lanes) * scale, count - i);
    }
    break;
  case NUMERICS_E2M1:
    for (size_t i = 0; i < count; i += 2 * LANES) {
      size_t left = count - i;
      f32x16 first, second;
      ISA(decode_nibbles)(ISA(load_codes)(codes + i / 2, 1, left / 2), scale, &first, &second);
      ISA(store)(values + i, first, left);
      if (left > LANES) ISA(store)(values + i + LANES, second, left - LANES);
    }
    break;
  }
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(round_narrow)(const float *values, const float *scales, uint8_t *codes,
                                                     float *rounded, size_t count, narrow_float f) {
  for (size_t i = 0; i < count; i += LANES) {
    f32x16 scale = ISA(load)(scales + i, count - i);
    u32x16 lanes = ISA(encode_lanes)(ISA(load)(values + i, count - i) / scale, f, true);
    ISA(store_codes)(codes + i, lanes, 1, count - i);
    ISA(store)(rounded + i, ISA(decode_lanes)(lanes, f) * scale, count - i);
  }
}

static ISA_TARGET void ISA(round_each)(numerics_format format, const float *values, const float *scales,
                                       uint8_t *codes, float *rounded, size_t count) {
  switch (format) {
  case NUMERICS_E4M3: ISA(round_narrow)(values, scales, codes, rounded, count, NARROW_E4M3); break;
  case NUMERICS_E4M3FNUZ: ISA(round_narrow)(values, scales, codes, rounded, count, NARROW_E4M3FNUZ); break;
  case NUMERICS_E5M2: ISA(round_narrow)(values, scales, codes, rounded, count, NARROW_E5M2); break;
  case NUMERICS_E5M2FNUZ: ISA(round_narrow)(values, scales, codes, rounded, count, NARROW_E5M2FNUZ); break;
  case NUMERICS_E2M1: ISA(round_narrow)(values, scales, codes, rounded, count, NARROW_E2M1); break;
  default: break;
  }
}

/* Bits without the sign order as the magnitudes do, with NaN above infinity. */
static ISA_TARGET void ISA(absmax_bits)(const float *values, size_t count, uint32_t *largest) {
  i32x16 a = {0}, b = {0};
  size_t i = 0;
  for (; i + 2 * LANES <= count; i += 2 * LANES) {
    a = __builtin_elementwise_max(a, (i32x16)ISA(load)(values + i, LANES) & 0x7fffffff);
    b = __builtin_elementwise_max(b, (i32x16)ISA(load)(values + i + LANES, LANES) & 0x7fffffff);
  }
  for (; i < count; i += LANES) a = __builtin_elementwise_max(a, (i32x16)ISA(load)(values + i, count - i) & 0x7fffffff);
  *largest = (uint32_t)__builtin_reduce_max(__builtin_elementwise_max(a, b));
}

static ISA_TARGET void ISA(encode_mxfp4)(const float *values, uint8_t *packed, uint8_t *scales, size_t blocks,
                                         numerics_mx_rule rule) {
  for (size_t block = 0; block < blocks; block++) {
    f32x16 first = ISA(load)(values + 32 * block, LANES), second = ISA(load)(values + 32 * block + LANES, LANES);
    i32x16 magnitudes = __builtin_elementwise_max((i32x16)first & 0x7fffffff, (i32x16)second & 0x7fffffff);
    uint8_t scale = mxfp4_scale((uint32_t)__builtin_reduce_max(magnitudes), rule);
    scales[block] = scale;
    if (scale == 0xff) {
      __builtin_memset(packed + 16 * block, 0, 16);
      continue;
    }
    /* 2^(127 - code): a product with it is exact, or so small that it becomes zero either way. */
    float inverse = float_of_bits((uint32_t)(254 - scale) << 23);
    u32x16 a = ISA(encode_lanes)(first * inverse, NARROW_E2M1, true);
    u32x16 b = ISA(encode_lanes)(second * inverse, NARROW_E2M1, true);
    ISA(store_codes)(packed + 16 * block, ISA(pack_nibbles)(a, b), 1, LANES);
  }
}

static ISA_TARGET void ISA(decode_mxfp4)(const uint8_t *packed, const uint8_t *scales, float *values, size_t blocks) {
  for (size_t block = 0; block < blocks; block++) {
    f32x16 first, second;
    float scale = float_of_bits(e8m0_bits(scales[block]));
    ISA(decode_nibbles)(ISA(load_codes)(packed + 16 * block, 1, LANES), scale, &first, &second);
    ISA(store)(values + 32 * block, first, LANES);
    ISA(store)(values + 32 * block + LANES, second, LANES);
  }
}
