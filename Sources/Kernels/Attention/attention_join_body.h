/* Compiled per instruction set by attention_join.c. */

/* One head: its results and statistics in `parts` parts, `step` heads apart. */
ISA_TARGET static void ISA(join_parts)(float *out, const float *results, const float *statistics, size_t parts,
                                       size_t step, size_t width, float value_scale) {
  float maximum = -__builtin_inff();
  for (size_t part = 0; part < parts; part++) {
    float own = statistics[2 * part * step];
    maximum = own > maximum ? own : maximum;
  }
  for (size_t d = 0; d < width; d += LANES) {
    f32x16 sum = {0}, total = {0};
    for (size_t part = 0; part < parts; part++) {
      float own = statistics[2 * part * step], own_total = statistics[2 * part * step + 1];
      /* A part without a number among its scores shows it. */
      f32x16 factor = ISA(splat)(own_total * 0);
      if (own > -__builtin_inff()) factor = ISA(exp)(ISA(splat)(own - maximum));
      sum = ISA(fma)(ISA(load_up_to)(results + part * step * width + d, width - d), factor, sum);
      total = ISA(fma)(ISA(splat)(own_total), factor, total);
    }
    ISA(store_up_to)(out + d, sum / total * value_scale, width - d);
  }
}
