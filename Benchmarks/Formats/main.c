/* Speed of the conversions and of the products behind GPTQ, for each instruction set, one thread.
 *
 *   FormatBenchmark [seconds for each line]
 *
 * Values lie in the second-level cache (64 Ki) or in memory (64 Mi). GB/s counts the float32 side. */
#include "podium_numerics.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double limit = 0.3;

/* Runs `work` until the time is over, three times; the best rate counts. */
#define RATE(result, amount, work)                      \
  do {                                                  \
    result = 0;                                         \
    for (int attempt = 0; attempt < 3; attempt++) {     \
      double start = now(), elapsed = 0, done = 0;      \
      while (elapsed < limit / 3) {                     \
        work;                                           \
        done += (amount);                               \
        elapsed = now() - start;                        \
      }                                                 \
      if (done / elapsed > result) result = done / elapsed; \
    }                                                   \
  } while (0)

static void conversions(const char *isa, size_t count) {
  static const struct {
    const char *name;
    numerics_format format;
  } formats[] = {{"e4m3", NUMERICS_E4M3}, {"e4m3fnuz", NUMERICS_E4M3FNUZ}, {"e5m2", NUMERICS_E5M2},
                 {"f16", NUMERICS_F16},   {"bf16", NUMERICS_BF16}};
  float *values = malloc(count * sizeof *values);
  unsigned char *codes = malloc(count * 2), *scales = malloc(count / 32);
  for (size_t i = 0; i < count; i++) values[i] = (float)((i * 2654435761u) % 1000003) / 1000003.0f - 0.5f;
  double encode, decode, bytes = 4.0 * (double)count;
  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
    RATE(encode, bytes, numerics_encode(formats[f].format, values, codes, count, 0.01f, true));
    RATE(decode, bytes, numerics_decode(formats[f].format, codes, values, count, 0.01f));
    printf("%-7s %-9s %9zu values: encode %6.2f GB/s, decode %6.2f GB/s\n", isa, formats[f].name, count, encode * 1e-9,
           decode * 1e-9);
  }
  RATE(encode, bytes, numerics_encode_mxfp4(values, codes, scales, count / 32, NUMERICS_MX_EVEN));
  RATE(decode, bytes, numerics_decode_mxfp4(codes, scales, values, count / 32));
  printf("%-7s %-9s %9zu values: encode %6.2f GB/s, decode %6.2f GB/s\n", isa, "mxfp4", count, encode * 1e-9,
         decode * 1e-9);
  free(values);
  free(codes);
  free(scales);
}

static void products(const char *isa) {
  enum { N = 192, K = 256 };
  double *c = calloc(N * N, sizeof *c), *a = calloc(N * K, sizeof *a), *b = calloc(N * K, sizeof *b), rate;
  RATE(rate, 2.0 * N * N * K, numerics_multiply_add(c, N, a, 1, N, b, N, 1, N, N, K, 1));
  printf("%-7s product of doubles, 192 x 192 x 256: %6.2f GFLOP/s\n", isa, rate * 1e-9);
  free(a);
  free(b);
  free(c);
}

int main(int count, char **words) {
  static const char *names[] = {"plain", "avx2", "avx512"};
  if (count > 1) limit = atof(words[1]);
  for (int isa = NUMERICS_ISA_PLAIN; isa <= NUMERICS_ISA_AVX512; isa++) {
    if (!numerics_select_isa((numerics_isa)isa)) continue;
    conversions(names[isa], 1 << 16);
    conversions(names[isa], 1 << 26);
    products(names[isa]);
  }
  return 0;
}
