/* Compiled per instruction set by argmax.c. */

ISA_TARGET static void ISA(argmax_row)(int32_t *token, const float *x, int32_t width) {
  /* Each lane keeps the first of its largest; a lane's index only grows, so "later and larger" is the whole rule. */
  f32x16 best = ISA(splat)(-__builtin_inff());
  i32x16 best_index = ISA(lane_numbers)();
  i32x16 index = best_index;
  int32_t i = 0;
  for (; i + LANES <= width; i += LANES) {
    f32x16 v = ISA(load)(x + i);
    i32x16 take = (i32x16)(v > best) | ((i32x16)(v != v) & (i32x16)(best == best));
    best = ISA(select)(take, v, best);
    best_index = (index & take) | (best_index & ~take);
    index += LANES;
  }
  float value = best[0];
  int32_t at = best_index[0];
  for (int lane = 1; lane < LANES; lane++) {
    float v = best[lane];
    int32_t v_at = best_index[lane];
    int nan = v != v, value_nan = value != value;
    int larger = v > value || (nan && !value_nan);
    int equal = v == value || (nan && value_nan);
    if (larger || (equal && v_at < at)) {
      value = v;
      at = v_at;
    }
  }
  for (; i < width; i++) {
    if (x[i] > value || (x[i] != x[i] && value == value)) {
      value = x[i];
      at = i;
    }
  }
  *token = at;
}
