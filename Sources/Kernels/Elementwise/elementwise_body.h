/* Compiled per instruction set by elementwise.c. */

ISA_TARGET static void ISA(add_row)(float *y, const float *x, size_t width) {
  for (size_t i = 0; i < width; i += LANES)
    ISA(store_up_to)(y + i, ISA(load_up_to)(y + i, width - i) + ISA(load_up_to)(x + i, width - i), width - i);
}

ISA_TARGET static void ISA(silu_gate_row)(float *h, const float *gate, const float *up, size_t width) {
  for (size_t i = 0; i < width; i += LANES) {
    f32x16 g = ISA(load_up_to)(gate + i, width - i);
    f32x16 silu = g / (ISA(splat)(1.0f) + ISA(exp)(-g));
    ISA(store_up_to)(h + i, silu * ISA(load_up_to)(up + i, width - i), width - i);
  }
}
