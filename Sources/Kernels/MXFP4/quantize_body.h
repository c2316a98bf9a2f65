/* Compiled per instruction set by quantize.c. */

/* The E2M1 nearest to each value, ties to even, doubled: 0, 1, 2, 3, 4, 6, 8 or 12 with a sign. */
LANES_ALWAYS_INLINE ISA_TARGET i32x16 ISA(doubled_e2m1)(f32x16 x) {
  u32x16 sign = (u32x16)x & 0x80000000;
  f32x16 magnitude = (f32x16)((u32x16)x ^ sign);
  /* Neighbours are 0.5 apart below 2, 1 below 4, then 2.  Adding 1.5 * 2^23 times that rounds to a multiple of it. */
  f32x16 anchor = ISA(select)(magnitude < 2.0f, ISA(splat)(0x1.8p22f), ISA(splat)(0x1.8p23f));
  anchor = ISA(select)(magnitude < 4.0f, anchor, ISA(splat)(0x1.8p24f));
  f32x16 rounded = (magnitude + anchor) - anchor;
  rounded = ISA(select)(rounded > 6.0f, ISA(splat)(6.0f), rounded);
  return __builtin_convertvector((f32x16)((u32x16)(rounded * 2.0f) | sign), i32x16);
}

/* Quantises the 32 values a, b; returns the block's scale and the sum of its codes. */
LANES_ALWAYS_INLINE ISA_TARGET float ISA(quantize_block)(const int format, f32x16 a, f32x16 b, int8_t *codes,
                                                        int32_t *sum) {
  i32x16 magnitudes = __builtin_elementwise_max((i32x16)a & 0x7fffffff, (i32x16)b & 0x7fffffff);
  uint32_t largest = (uint32_t)__builtin_reduce_max(magnitudes);
  if (largest >= 0x7f800000) {
    __builtin_memset(codes, 0, MX_BLOCK);
    *sum = 0;
    return __builtin_nanf("");
  }
  i32x16 first, second;
  float scale;
  if (format == PODIUM_ACTIVATION_INT8) {
    scale = float_of_bits(largest) / 127.0f;
    if (scale < 0x1p-126f) scale = 0x1p-126f; /* a subnormal scale would be too coarse, or zero */
    /* Adding 1.5 * 2^23 rounds to an integer, ties to even, left in the low bits. */
    const f32x16 anchor = ISA(splat)(0x1.8p23f);
    first = (i32x16)(a / ISA(splat)(scale) + anchor) - (i32x16)anchor;
    second = (i32x16)(b / ISA(splat)(scale) + anchor) - (i32x16)anchor;
  } else {
    /* The largest E2M1 is 1.5 * 2^2; by the rule `even` a significand of 1.75 counts as 2. */
    uint32_t exponent = (largest + 0x00200000) >> 23;
    exponent = exponent > 2 ? exponent - 2 : 0;
    /* 2^(127 - exponent): a product with it is exact, or so small that it becomes zero either way. */
    f32x16 inverse = ISA(splat)(float_of_bits((254 - exponent) << 23));
    first = ISA(doubled_e2m1)(a * inverse);
    second = ISA(doubled_e2m1)(b * inverse);
    scale = float_of_bits(exponent > 1 ? (exponent - 1) << 23 : (exponent + 1) << 21); /* 2^(exponent - 128) */
  }
  i8x16 bytes = __builtin_convertvector(first, i8x16);
  __builtin_memcpy(codes, &bytes, sizeof bytes);
  bytes = __builtin_convertvector(second, i8x16);
  __builtin_memcpy(codes + LANES, &bytes, sizeof bytes);
  *sum = __builtin_reduce_add(first + second);
  return scale;
}

/* One row of x, or of factor * x * weight where there is a weight. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(quantize_any)(const int format, mx_target to, const float *x, int dtype,
                                                     const void *weight, float factor, size_t k) {
  for (size_t at = 0; at < k; at += MX_BLOCK) {
    f32x16 a = ISA(load)(x + at), b = ISA(load)(x + at + LANES);
    if (weight) {
      a = a * ISA(splat)(factor) * ISA(load_weights)(dtype, weight, at);
      b = b * ISA(splat)(factor) * ISA(load_weights)(dtype, weight, at + LANES);
    }
    int32_t sum;
    *to.scales = ISA(quantize_block)(format, a, b, to.codes, &sum);
    *to.offsets = -MX_RAISED * sum;
    to.codes += to.stride * MX_BLOCK, to.scales += to.stride, to.offsets += to.stride;
  }
}

ISA_TARGET static void ISA(quantize_row)(int format, mx_target to, const float *x, size_t k) {
  if (format == PODIUM_ACTIVATION_INT8) {
    ISA(quantize_any)(PODIUM_ACTIVATION_INT8, to, x, 0, NULL, 1, k);
  } else {
    ISA(quantize_any)(PODIUM_ACTIVATION_MXFP4, to, x, 0, NULL, 1, k);
  }
}

/* The sum and the products are those of rms_norm_row, operation by operation. */
ISA_TARGET static void ISA(norm_quantize_row)(int format, int dtype, mx_target to, const float *x, const void *weight,
                                              size_t width, float epsilon) {
  f32x16 squares = {0};
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 v = ISA(load)(x + i);
    squares = ISA(fma)(v, v, squares);
  }
  float factor = 1.0f / __builtin_sqrtf(ISA(sum)(squares) / (float)width + epsilon);
  if (format == PODIUM_ACTIVATION_INT8) {
    ISA(quantize_any)(PODIUM_ACTIVATION_INT8, to, x, dtype, weight, factor, width);
  } else {
    ISA(quantize_any)(PODIUM_ACTIVATION_MXFP4, to, x, dtype, weight, factor, width);
  }
}
