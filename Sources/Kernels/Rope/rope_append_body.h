/* Compiled per instruction set by rope_append.c. */

/* to = rotated from; both may be the same head. */
ISA_TARGET static void ISA(rope_rotate)(float *to, const float *from, const float *cosines, const float *sines,
                                        size_t pairs) {
  for (size_t i = 0; i < pairs; i += LANES) {
    size_t count = pairs - i;
    f32x16 c = ISA(load_up_to)(cosines + i, count);
    f32x16 s = ISA(load_up_to)(sines + i, count);
    f32x16 a = ISA(load_up_to)(from + i, count);
    f32x16 b = ISA(load_up_to)(from + pairs + i, count);
    ISA(store_up_to)(to + i, a * c - b * s, count);
    ISA(store_up_to)(to + pairs + i, b * c + a * s, count);
  }
}
