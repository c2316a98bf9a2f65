/* Compiled per instruction set by quantize_fp8.c. */

/* The codes of x / scale; a zero of either sign is 0. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(store_codes)(uint8_t *codes, f32x16 x, f32x16 scale, size_t count) {
  u8x16 v = ISA(narrow_e4m3)(x / scale);
  v &= ~(u8x16)(v == 0x80);
  if (count >= LANES) {
    __builtin_memcpy(codes, &v, sizeof v);
  } else {
    for (size_t i = 0; i < count; i++) codes[i] = v[i];
  }
}

ISA_TARGET static void ISA(quantize_row_fp8)(uint8_t *codes, const float *x, float scale, size_t width) {
  for (size_t i = 0; i < width; i += LANES) {
    ISA(store_codes)(codes + i, ISA(load_up_to)(x + i, width - i), ISA(splat)(scale), width - i);
  }
}

/* The numbers of rms_norm_row (Norm), as codes. */
ISA_TARGET static void ISA(rms_norm_row_fp8)(int dtype, uint8_t *codes, const float *x, const void *weight,
                                             float code_scale, size_t width, float epsilon) {
  f32x16 squares = {0};
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 v = ISA(load_up_to)(x + i, width - i);
    squares = ISA(fma)(v, v, squares);
  }
  float mean = ISA(sum)(squares) / (float)width;
  f32x16 scale = ISA(splat)(1.0f / __builtin_sqrtf(mean + epsilon));
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 v = ISA(load_up_to)(x + i, width - i) * scale;
    ISA(store_codes)(codes + i, v * ISA(load_weights_up_to)(dtype, weight, i, width - i), ISA(splat)(code_scale),
                     width - i);
  }
}
