/* Compiled per instruction set by rms_norm.c. */

ISA_TARGET static void ISA(rms_norm_row)(int dtype, float *out, const float *x, const void *weight, size_t width,
                                         float epsilon) {
  f32x16 squares = {0};
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 v = ISA(load_up_to)(x + i, width - i);
    squares = ISA(fma)(v, v, squares);
  }
  float mean = ISA(sum)(squares) / (float)width;
  f32x16 scale = ISA(splat)(1.0f / __builtin_sqrtf(mean + epsilon));
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 v = ISA(load_up_to)(x + i, width - i) * scale;
    ISA(store_up_to)(out + i, v * ISA(load_weights_up_to)(dtype, weight, i, width - i), width - i);
  }
}
