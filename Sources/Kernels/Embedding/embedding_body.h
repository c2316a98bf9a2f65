/* Compiled per instruction set by embedding.c. */

ISA_TARGET static void ISA(embedding_row)(int dtype, float *out, const void *row, size_t width) {
  for (size_t i = 0; i < width; i += LANES) {
    ISA(store_up_to)(out + i, ISA(load_weights_up_to)(dtype, row, i, width - i), width - i);
  }
}
