#include "podium_kernels.h"

#include "../Lanes/live.h"

#pragma STDC FP_CONTRACT OFF

/* Sine and cosine of a float32 angle, computed in double and thus rounded rightly in nearly all cases.  The angle is
 * reduced by multiples of pi/2, whose double and the rest beyond it leave an error near 1e-16 for any int32 position.
 * One scalar source for all instruction sets; fma is a single rounding whether hardware or library does it. */
static void sine_cosine(double angle, float *sine, float *cosine) {
  double turns = angle * 0x1.45f306dc9c883p-1; /* 2/pi */
  double n = __builtin_rint(turns);
  double r = __builtin_fma(-n, 0x1.921fb54442d18p+0, angle);
  r = __builtin_fma(-n, 0x1.1a62633145c07p-54, r);
  double z = r * r;
  /* Taylor to r^13 and r^14: the next term is below 1e-14 for |r| <= pi/4. */
  double s = 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  s = r + r * z * s;
  double c = -1.0 / 87178291200.0;
  c = c * z + 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  c = c * z - 0.5;
  c = 1.0 + z * c;
  switch ((int64_t)n & 3) {
  case 0: *sine = (float)s, *cosine = (float)c; break;
  case 1: *sine = (float)c, *cosine = (float)-s; break;
  case 2: *sine = (float)-s, *cosine = (float)-c; break;
  default: *sine = (float)-c, *cosine = (float)s; break;
  }
}

void podium_rope_tables(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *cosines, float *sines,
                        const int32_t *positions, const float *inverse_frequencies, const int32_t *live,
                        int32_t max_rows, int32_t pairs, float factor) {
  (void)grid;
  last_block = podium_last_row(live, max_rows, last_block);
  for (uint64_t row = first_block; row < last_block; row++) {
    for (int32_t i = 0; i < pairs; i++) {
      float angle = (float)positions[row] * inverse_frequencies[i];
      float sine = __builtin_nanf(""), cosine = sine;
      if (angle > -0x1p40f && angle < 0x1p40f) sine_cosine((double)angle, &sine, &cosine);
      cosines[row * (size_t)pairs + (size_t)i] = factor * cosine;
      sines[row * (size_t)pairs + (size_t)i] = factor * sine;
    }
  }
}

mlp_grid podium_grid_rope_tables(podium_backend backend, int32_t max_rows) {
  uint32_t threads = backend != PODIUM_BACKEND_CPU ? 64 : 1;
  return (mlp_grid){.blocks = {podium_ceiling(max_rows, 1), 1, 1}, .threads = {threads, 1, 1}};
}
