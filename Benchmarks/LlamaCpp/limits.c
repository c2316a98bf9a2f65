/* limits - what this machine can do at this moment: reading memory, multiply-adds, bfloat16 and int8 dot products.
 *
 * Usage: limits        commands on stdin, one number on stdout for each
 *
 *   read THREADS MILLISECONDS      GB/s; every thread reads its part of 512 MB as one sequential stream
 *   fma THREADS MILLISECONDS       GFLOP/s of float32 multiply-adds (two operations each)
 *   bf16 THREADS MILLISECONDS      GFLOP/s of bfloat16 pairs added to float32 (AVX-512 BF16), 0 without that instruction
 *   int8 THREADS MILLISECONDS      Gop/s of int8 products added to int32 (VNNI, else AVX2's pair of instructions)
 *
 * A figure is the best of the runs that fit into the time, by the clock on the wall.  One process serves a whole
 * comparison, so that a limit can be taken right before and after a measurement.  Compile with -O3 -march=native. */
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 512 << 20, CHAINS = 12, STEPS = 100000, MOST_THREADS = 256 };

static char *memory;
static volatile float sink;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#if defined(__AVX512F__)
typedef __m512 vector;
enum { LANES = 16 };
static inline vector splat(float x) { return _mm512_set1_ps(x); }
static inline vector add(vector a, vector b) { return _mm512_add_ps(a, b); }
static inline vector multiply_add(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }
static inline vector load(const char *at) { return _mm512_load_ps(at); }
typedef __m512i integers;
static inline integers splat_bytes(char x) { return _mm512_set1_epi8(x); }
static inline integers add_int32(integers a, integers b) { return _mm512_add_epi32(a, b); }
static inline int32_t first_int32(integers a) { return _mm512_cvtsi512_si32(a); }
#else
typedef __m256 vector;
enum { LANES = 8 };
static inline vector splat(float x) { return _mm256_set1_ps(x); }
static inline vector add(vector a, vector b) { return _mm256_add_ps(a, b); }
static inline vector multiply_add(vector a, vector b, vector c) { return _mm256_fmadd_ps(a, b, c); }
static inline vector load(const char *at) { return _mm256_load_ps((const float *)(const void *)at); }
typedef __m256i integers;
static inline integers splat_bytes(char x) { return _mm256_set1_epi8(x); }
static inline integers add_int32(integers a, integers b) { return _mm256_add_epi32(a, b); }
static inline int32_t first_int32(integers a) { return _mm_cvtsi128_si32(_mm256_castsi256_si128(a)); }
#endif

static inline integers dot_int8(integers sum, integers a, integers b) {
#if defined(__AVX512VNNI__)
  return _mm512_dpbusd_epi32(sum, a, b);
#elif defined(__AVXVNNI__) && !defined(__AVX512F__)
  return _mm256_dpbusd_avx_epi32(sum, a, b);
#elif defined(__AVX512BW__)
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1)));
#elif !defined(__AVX512F__)
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
#else
  (void)b;
  return _mm512_add_epi32(sum, a);
#endif
}

static void read_memory(int thread, int threads, int ahead) {
  size_t share = (size_t)SIZE / (size_t)threads / 4096 * 4096;
  const char *from = memory + share * (size_t)thread;
  vector a = splat(0), b = a, c = a, d = a;
  for (size_t i = 0; i < share; i += 4 * sizeof(vector)) {
    if (ahead) {
      for (size_t line = 0; line < 4 * sizeof(vector); line += 64) {
        _mm_prefetch(from + i + (size_t)ahead + line, _MM_HINT_T0);
      }
    }
    a = add(a, load(from + i));
    b = add(b, load(from + i + sizeof(vector)));
    c = add(c, load(from + i + 2 * sizeof(vector)));
    d = add(d, load(from + i + 3 * sizeof(vector)));
  }
  a = add(add(a, b), add(c, d));
  float out[LANES];
  memcpy(out, &a, sizeof a);
  sink = out[0];
}

static void fma_loop(void) {
  vector sums[CHAINS], x = splat(0.999f), y = splat(0.001f);
  for (int i = 0; i < CHAINS; i++) sums[i] = splat((float)i);
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < CHAINS; i++) {
      sums[i] = multiply_add(sums[i], x, y);
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = add(sums[0], sums[i]);
  float out[LANES];
  memcpy(out, &sums[0], sizeof out);
  sink = out[0];
}

static void int8_loop(void) {
  integers sums[CHAINS], x = splat_bytes(3), y = splat_bytes(-2);
  for (int i = 0; i < CHAINS; i++) sums[i] = splat_bytes((char)i);
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < CHAINS; i++) {
      sums[i] = dot_int8(sums[i], x, y);
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = add_int32(sums[0], sums[i]);
  sink = (float)first_int32(sums[0]);
}

static void bf16_loop(void) {
#if defined(__AVX512BF16__)
  __m512 sums[CHAINS];
  __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < CHAINS; i++) {
      sums[i] = _mm512_dpbf16_ps(sums[i], x, x);
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  sink = _mm512_cvtss_f32(sums[0]);
#endif
}

typedef enum { READ, FMA, BF16, INT8, KINDS } kind;

static struct {
  kind what;
  int ahead, threads, rounds;
  pthread_barrier_t start, done;
} work;

static void body(int thread) {
  switch (work.what) {
    case READ: read_memory(thread, work.threads, work.ahead); break;
    case FMA: fma_loop(); break;
    case BF16: bf16_loop(); break;
    case INT8: int8_loop(); break;
    case KINDS: break;
  }
}

static void *thread_body(void *argument) {
  int thread = (int)(intptr_t)argument;
  for (;;) {
    pthread_barrier_wait(&work.start);
    if (work.what == KINDS) return NULL;
    body(thread);
    pthread_barrier_wait(&work.done);
  }
}

/* Seconds of the fastest run. */
static double best(kind what, int threads, double budget) {
  static const int distances[] = {0, 1024, 4096};
  pthread_t others[MOST_THREADS];
  work.what = what;
  work.threads = threads;
  pthread_barrier_init(&work.start, NULL, (unsigned)threads);
  pthread_barrier_init(&work.done, NULL, (unsigned)threads);
  for (int t = 1; t < threads; t++) {
    if (pthread_create(&others[t], NULL, thread_body, (void *)(intptr_t)t) != 0) exit(1);
  }
  double fastest = INFINITY, end = now() + budget;
  for (int run = 0; run < 3 || now() < end; run++) {
    work.ahead = distances[run % 3];
    pthread_barrier_wait(&work.start);
    double from = now();
    body(0);
    pthread_barrier_wait(&work.done);
    double took = now() - from;
    if (took < fastest) fastest = took;
  }
  work.what = KINDS;
  pthread_barrier_wait(&work.start);
  for (int t = 1; t < threads; t++) pthread_join(others[t], NULL);
  pthread_barrier_destroy(&work.start);
  pthread_barrier_destroy(&work.done);
  return fastest;
}

int main(void) {
  /* Prefetching runs past the end. */
  memory = aligned_alloc(2 << 20, (size_t)SIZE + (2 << 20));
  if (memory == NULL) return 1;
  memset(memory, 0, (size_t)SIZE + (2 << 20));
  char word[16];
  int threads, milliseconds;
  while (scanf("%15s %d %d", word, &threads, &milliseconds) == 3) {
    if (threads < 1 || threads > MOST_THREADS) return 64;
    double budget = 1e-3 * milliseconds, loop = 1e-9 * (double)CHAINS * STEPS * threads;
    if (strcmp(word, "read") == 0) {
      printf("%.3f\n", 1e-9 * (double)SIZE / best(READ, threads, budget));
    } else if (strcmp(word, "fma") == 0) {
      printf("%.3f\n", 2 * LANES * loop / best(FMA, threads, budget));
    } else if (strcmp(word, "int8") == 0) {
      printf("%.3f\n", 8 * LANES * loop / best(INT8, threads, budget));
    } else if (strcmp(word, "bf16") == 0) {
#if defined(__AVX512BF16__)
      printf("%.3f\n", 4 * 16 * loop / best(BF16, threads, budget));
#else
      printf("0\n");
#endif
    } else {
      return 64;
    }
    fflush(stdout);
  }
  return 0;
}
