/* Compiled per instruction set by round_to_fp8.c. */

ISA_TARGET static void ISA(round_row)(float *out, const float *x, float scale, size_t width) {
  for (size_t i = 0; i < width; i += LANES) {
    u8x16 codes = ISA(narrow_e4m3)(ISA(load_up_to)(x + i, width - i) / scale);
    ISA(store_up_to)(out + i, ISA(widen_e4m3)(codes) * scale, width - i);
  }
}
