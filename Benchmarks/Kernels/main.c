/* KernelBenchmark - the CPU twins as a share of what this machine can do, measured in the same run.
 *
 * Three limits are measured first, for one thread and for two: the rate at which memory can be read (the best of several
 * access patterns), the rate of fused multiply-adds, and that of products of bytes (VNNI where the machine has it).  The
 * read rate is taken again before the products of each shape, because that of a shared machine comes and goes.  Then every product of Llama shapes runs on weights that are
 * larger than the caches together.  Every figure is the best of many short runs, because a shared machine disturbs
 * most of them and nothing makes a run faster than the machine.  A run is timed by the processor time of its slowest
 * thread: on an idle machine that is the time on the wall, on a shared one it leaves out the time given to others.
 *
 * Usage: KernelBenchmark [seconds per measurement, default 0.5] [plain|avx2|avx512|avx512vnni] */
#define _DEFAULT_SOURCE
#include "podium_kernels.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f")))
#define NARROW __attribute__((target("avx2,fma")))
#else
#define WIDE
#define NARROW
#endif

typedef float wide __attribute__((vector_size(64)));
typedef float narrow __attribute__((vector_size(32)));

static double budget = 0.5;

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Two threads ----------------------------------------------------------------------------------------------- */

typedef struct job {
  void (*body)(const void *context, int thread, int threads);
  const void *context;
  int thread, threads;
  pthread_barrier_t *start;
  double took;
} job;

static void *run_job(void *argument) {
  job *mine = argument;
  pthread_barrier_wait(mine->start);
  double from = seconds(CLOCK_THREAD_CPUTIME_ID);
  mine->body(mine->context, mine->thread, mine->threads);
  mine->took = seconds(CLOCK_THREAD_CPUTIME_ID) - from;
  return NULL;
}

/* Best time of `body` on `threads` threads within the budget, and at least five runs. */
static double best_time(void (*body)(const void *, int, int), const void *context, int threads) {
  double best = INFINITY, end = seconds(CLOCK_MONOTONIC) + budget;
  for (int run = 0; run < 5 || seconds(CLOCK_MONOTONIC) < end; run++) {
    pthread_t others[16];
    job jobs[16];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int t = 0; t < threads; t++) jobs[t] = (job){body, context, t, threads, &start, 0};
    for (int t = 1; t < threads; t++) {
      if (pthread_create(&others[t], NULL, run_job, &jobs[t]) != 0) {
        fprintf(stderr, "KernelBenchmark: no thread %d\n", t);
        exit(1);
      }
    }
    run_job(&jobs[0]);
    for (int t = 1; t < threads; t++) pthread_join(others[t], NULL);
    pthread_barrier_destroy(&start);
    double took = 0;
    for (int t = 0; t < threads; t++) took = jobs[t].took > took ? jobs[t].took : took;
    if (took < best) best = took;
  }
  return best;
}

/* ---- Limits ---------------------------------------------------------------------------------------------------- */

static volatile float sink;

typedef struct memory {
  const char *data;
  size_t size;
  int streams, ahead;
} memory;

WIDE static void read_wide(const void *context, int thread, int threads) {
  const memory *m = context;
  size_t share = m->size / (size_t)threads / 4096 * 4096, part = share / (size_t)m->streams / 256 * 256;
  const char *from = m->data + share * (size_t)thread;
  wide a = {0}, b = {0}, c = {0}, d = {0};
  for (size_t i = 0; i < part; i += 256) {
    for (int s = 0; s < m->streams; s++) {
      const char *at = from + part * (size_t)s + i;
      if (m->ahead) {
        for (int line = 0; line < 256; line += 64) __builtin_prefetch(at + m->ahead + line, 0, 3);
      }
      a += *(const wide *)at;
      b += *(const wide *)(at + 64);
      c += *(const wide *)(at + 128);
      d += *(const wide *)(at + 192);
    }
  }
  a += b + (c + d);
  sink = a[0];
}

NARROW static void read_narrow(const void *context, int thread, int threads) {
  const memory *m = context;
  size_t share = m->size / (size_t)threads / 4096 * 4096, part = share / (size_t)m->streams / 256 * 256;
  const char *from = m->data + share * (size_t)thread;
  narrow a = {0}, b = {0}, c = {0}, d = {0};
  for (size_t i = 0; i < part; i += 128) {
    for (int s = 0; s < m->streams; s++) {
      const char *at = from + part * (size_t)s + i;
      if (m->ahead) __builtin_prefetch(at + m->ahead, 0, 3);
      if (m->ahead) __builtin_prefetch(at + m->ahead + 64, 0, 3);
      a += *(const narrow *)at;
      b += *(const narrow *)(at + 32);
      c += *(const narrow *)(at + 64);
      d += *(const narrow *)(at + 96);
    }
  }
  a += b + (c + d);
  sink = a[0];
}

enum { CHAINS = 12, FMA_STEPS = 400000 };

#define FMA_LOOP(vector)                                                                     \
  vector a[CHAINS], x = (vector){0} + 0.999f, y = (vector){0} + 0.001f;                      \
  for (int i = 0; i < CHAINS; i++) a[i] = (vector){0} + (float)i;                            \
  for (int step = 0; step < FMA_STEPS; step++) {                                             \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) a[i] =              \
        __builtin_elementwise_fma(a[i], x, y);                                               \
  }                                                                                          \
  for (int i = 1; i < CHAINS; i++) a[0] += a[i];                                             \
  sink = a[0][0];

WIDE static void fma_wide(const void *context, int thread, int threads) {
  (void)context, (void)thread, (void)threads;
  FMA_LOOP(wide)
}

NARROW static void fma_narrow(const void *context, int thread, int threads) {
  (void)context, (void)thread, (void)threads;
  FMA_LOOP(narrow)
}

/* Products of bytes and their sums, as many at a time as the instruction set in use has: 64, 64 in three steps, or 32 in
 * three steps; plain C has none of them, so its limit is that of AVX2. */
enum { BYTE_STEPS = 200000 };

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void bytes_vnni(const void *context, int thread,
                                                                             int threads) {
  (void)context, (void)thread, (void)threads;
  __m512i sums[CHAINS], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_epi32(i);
  for (int step = 0; step < BYTE_STEPS; step++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
    __asm__ volatile("" : "+v"(a)); /* so that the steps are not worked out in advance */
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  sink = (float)_mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx512f,avx512bw"))) static void bytes_wide(const void *context, int thread, int threads) {
  (void)context, (void)thread, (void)threads;
  __m512i sums[CHAINS], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2), ones = _mm512_set1_epi16(1);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_epi32(i);
  for (int step = 0; step < BYTE_STEPS; step++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {
      __asm__ volatile("" : "+v"(a));
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), ones));
    }
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  sink = (float)_mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx2"))) static void bytes_narrow(const void *context, int thread, int threads) {
  (void)context, (void)thread, (void)threads;
  __m256i sums[CHAINS], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(2), ones = _mm256_set1_epi16(1);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm256_set1_epi32(i);
  for (int step = 0; step < BYTE_STEPS; step++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {
      __asm__ volatile("" : "+x"(a));
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (int i = 1; i < CHAINS; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  sink = (float)_mm256_extract_epi32(sums[0], 0);
}

static double byte_rate(podium_isa isa, int threads) {
  double products = isa >= PODIUM_ISA_AVX512 ? 64 : 32;
  return 2 * products * CHAINS * BYTE_STEPS * threads * 1e-9 /
         best_time(isa == PODIUM_ISA_AVX512VNNI ? bytes_vnni : isa == PODIUM_ISA_AVX512 ? bytes_wide : bytes_narrow,
                   NULL, threads);
}

#else

static double byte_rate(podium_isa isa, int threads) {
  (void)isa, (void)threads;
  return 0;
}

#endif

/* ---- Products -------------------------------------------------------------------------------------------------- */

/* Beside the types of podium_dtype: MXFP4 weights, INT8 activations. */
enum { PACKED_MXFP4 = -1 };

typedef struct product {
  int dtype, rows, n, k, gated, copies;
  int32_t live;
  const char *weights; /* copies x (1 or 2) matrices */
  size_t matrix_size;
  const float *x;
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
  float *y;
  mlp_grid grid;
} product;

static void run_product(const void *context, int thread, int threads) {
  const product *p = context;
  uint64_t blocks = p->grid.blocks[0], first = blocks * (uint64_t)thread / (uint64_t)threads,
           last = blocks * (uint64_t)(thread + 1) / (uint64_t)threads;
  for (int copy = 0; copy < p->copies; copy++) {
    const char *w = p->weights + (size_t)copy * p->matrix_size * (p->gated ? 2 : 1);
    if (p->dtype == PACKED_MXFP4 && p->gated) {
      podium_gemm_mxfp4_silu_gate(&p->grid, first, last, p->y, p->codes, p->scales, p->offsets, w, &p->live, p->rows,
                                  p->n, p->k);
    } else if (p->dtype == PACKED_MXFP4) {
      podium_gemm_mxfp4(&p->grid, first, last, p->y, p->codes, p->scales, p->offsets, w, NULL, &p->live, p->rows, p->n,
                        p->k, 0);
    } else if (p->gated) {
      podium_gemm_silu_gate(&p->grid, first, last, p->dtype, p->y, p->x, w, w + p->matrix_size, NULL, NULL, &p->live,
                            p->rows, p->n, p->k);
    } else {
      podium_gemm(&p->grid, first, last, p->dtype, p->y, p->x, w, NULL, NULL, 0, &p->live, p->rows, p->n, p->k, 0);
    }
  }
}

typedef struct attention {
  int dtype, rows, slots, heads, kv_heads, head_dim, page_size, max_pages;
  int32_t live;
  float *out, *q, *k, *v;
  int32_t *table, *slot, *position;
  mlp_grid grid;
} attention;

static void run_attention(const void *context, int thread, int threads) {
  const attention *a = context;
  uint64_t blocks = (uint64_t)a->grid.blocks[0] * a->grid.blocks[1];
  /* Four ranges for each thread, as the host has it, taking turns: later rows of a prompt have more keys. */
  uint64_t ranges = 4 * (uint64_t)threads < blocks ? 4 * (uint64_t)threads : blocks;
  for (uint64_t range = (uint64_t)thread; range < ranges; range += (uint64_t)threads) {
    podium_paged_attention(&a->grid, blocks * range / ranges, blocks * (range + 1) / ranges, a->dtype, a->out, a->q, 0,
                           a->k, a->v, 1, 1, a->table, a->slot, a->position, &a->live, a->rows, a->heads, a->kv_heads,
                           a->head_dim, a->page_size, a->max_pages, 0.125f, NULL);
  }
}

/* In large pages, as the host allocates. */
static void *allocate(size_t size) {
  const size_t page = (size_t)2 << 20;
  void *data = aligned_alloc(page, (size + page - 1) / page * page);
  if (data != NULL) madvise(data, size, MADV_HUGEPAGE);
  if (data == NULL) {
    fprintf(stderr, "KernelBenchmark: no memory for %zu bytes\n", size);
    exit(1);
  }
  return data;
}

static float *random_floats(size_t count) {
  float *data = allocate(count * sizeof(float));
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    data[i] = (float)(int32_t)state * 0x1p-31f;
  }
  return data;
}

int main(int argc, char **argv) {
  if (argc > 1) budget = atof(argv[1]);
  static const char *const names[PODIUM_ISA_COUNT] = {"plain", "avx2", "avx512", "avx512vnni"};
  if (argc > 2) {
    int found = 0;
    for (int i = 0; i < PODIUM_ISA_COUNT; i++) {
      if (strcmp(argv[2], names[i]) == 0) found = podium_select_isa((podium_isa)i);
    }
    if (!found) {
      fprintf(stderr, "KernelBenchmark: this machine has no %s; use plain, avx2, avx512 or avx512vnni\n", argv[2]);
      return 1;
    }
  }
  podium_isa isa = podium_active_isa();
  int is_wide = isa >= PODIUM_ISA_AVX512;
  size_t size = (size_t)512 << 20;
  /* Weights: small floats in either reading (0x3c.. halves), written once so that the pages exist. */
  char *weights = allocate(size);
  for (size_t i = 0; i < size / 2; i++) ((uint16_t *)(void *)weights)[i] = (uint16_t)(0x3c00 + i % 251);

  double read_limit[3] = {0}, fma_limit[3] = {0}, byte_limit[3] = {0};
  memory best_read[3];
  printf("instruction set %s, best of runs within %.2g s each\n\n", names[isa], budget);
  printf("| limit | 1 thread | 2 threads |\n|---|---|---|\n");
  for (int threads = 1; threads <= 2; threads++) {
    for (int streams = 1; streams <= 4; streams *= 2) {
      for (int ahead = 0; ahead <= 8192; ahead = ahead ? ahead * 4 : 512) {
        memory m = {weights, size / 2, streams, ahead};
        double rate = (double)m.size / best_time(is_wide ? read_wide : read_narrow, &m, threads) * 1e-9;
        if (rate > read_limit[threads]) read_limit[threads] = rate, best_read[threads] = m;
      }
    }
    double lanes = is_wide ? 16 : 8;
    fma_limit[threads] = 2 * lanes * CHAINS * FMA_STEPS * threads * 1e-9 /
                         best_time(is_wide ? fma_wide : fma_narrow, NULL, threads);
    byte_limit[threads] = byte_rate(isa, threads);
  }
  printf("| read, GB/s | %.1f | %.1f |\n", read_limit[1], read_limit[2]);
  printf("| fused multiply-add, GFLOP/s | %.0f | %.0f |\n", fma_limit[1], fma_limit[2]);
  printf("| products of bytes, GOP/s | %.0f | %.0f |\n\n", byte_limit[1], byte_limit[2]);

  /* MXFP4 weights: bytes that are ordinary as scales and of any kind as elements. */
  char *packed = allocate(size / 2);
  for (size_t i = 0; i < size / 2; i++) packed[i] = (char)(120 + i % 15);
  /* E4M3 weights: every code but NaN. */
  char *narrow_weights = allocate(size / 2);
  for (size_t i = 0; i < size / 2; i++) narrow_weights[i] = (char)(i % 254 % 127 + i % 254 / 127 * 128);
  int8_t *codes = allocate((size_t)512 * 5632);
  float *scales = allocate((size_t)512 * 5632 / 8);
  int32_t *offsets = allocate((size_t)512 * 5632 / 8);

  float *x = random_floats((size_t)512 * 5632), *y = allocate((size_t)512 * 32000 * sizeof(float));
  static const struct { const char *name; int n, k, gated; } shapes[] = {
      {"2048x2048", 2048, 2048, 0}, {"2048x5632 (down)", 2048, 5632, 0}, {"5632x2048 (up)", 5632, 2048, 0},
      {"2x 5632x2048 (gate, up)", 5632, 2048, 1}, {"32000x2048 (logits)", 32000, 2048, 0}, {"512x512", 512, 512, 0},
      {"1408x512", 1408, 512, 0}};
  static const int row_counts[] = {1, 2, 4, 8, 16, 32, 128, 512};
  printf("Products: share of the read limit (1 row: GB/s) and of the limit of arithmetic (FMA; products of"
         " bytes for mxfp4), 1 thread / 2 threads\n\n");
  printf("| shape | type | rows | 1 thread | of limit | 2 threads | of limit |\n|---|---|---|---|---|---|---|\n");
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    static const int types[] = {PACKED_MXFP4, PODIUM_F32, PODIUM_BF16, PODIUM_F8E4M3};
    static const char *const type_names[] = {"mxfp4", "f32", "bf16", "f8"};
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
      int dtype = types[type], is_packed = dtype == PACKED_MXFP4, is_narrow = dtype == PODIUM_F8E4M3;
      const double *work_limit = is_packed ? byte_limit : fma_limit;
      for (int threads = 1; threads <= 2; threads++) {
        read_limit[threads] = (double)best_read[threads].size * 1e-9 /
                              best_time(is_wide ? read_wide : read_narrow, &best_read[threads], threads);
      }
      for (size_t r = 0; r < sizeof row_counts / sizeof *row_counts; r++) {
        int rows = row_counts[r];
        product p = {.dtype = dtype, .rows = rows, .n = shapes[s].n, .k = shapes[s].k, .gated = shapes[s].gated,
                     .live = rows, .weights = is_packed ? packed : is_narrow ? narrow_weights : weights, .x = x, .codes = codes, .scales = scales,
                     .offsets = offsets, .y = y};
        size_t element = is_narrow ? 1 : dtype == PODIUM_BF16 ? 2 : 4;
        p.matrix_size = is_packed ? podium_packed_mxfp4_size(PODIUM_BACKEND_CPU, p.n, p.k) : (size_t)p.n * (size_t)p.k * element;
        size_t set = p.matrix_size * (p.gated ? 2 : 1);
        double flops = 2.0 * rows * p.n * p.k * (p.gated ? 2 : 1);
        /* One pass over 256 MB of weights where memory counts, else about 20 ms of work. */
        p.copies = (int)(is_packed || is_narrow ? size / 2 / set : (size / 2 + set - 1) / set);
        int enough = (int)(0.02 * work_limit[1] * 1e9 / flops) + 1;
        if (rows > 1 && p.copies > enough) p.copies = enough;
        if (is_packed) {
          mlp_grid grid = podium_grid_quantize_rows(PODIUM_BACKEND_CPU, rows);
          podium_quantize_rows(&grid, 0, (uint64_t)rows, PODIUM_ACTIVATION_INT8, codes, scales, offsets, x, &p.live,
                               rows, p.k);
          p.grid = p.gated ? podium_grid_gemm_mxfp4_silu_gate(PODIUM_BACKEND_CPU, rows, p.n, p.k)
                           : podium_grid_gemm_mxfp4(PODIUM_BACKEND_CPU, rows, p.n, p.k);
        } else {
          p.grid = p.gated ? podium_grid_gemm_silu_gate(PODIUM_BACKEND_CPU, rows, p.n, p.k)
                           : podium_grid_gemm(PODIUM_BACKEND_CPU, rows, p.n, p.k);
        }
        printf("| %s | %s | %d |", shapes[s].name, type_names[type], rows);
        for (int threads = 1; threads <= 2; threads++) {
          double time = best_time(run_product, &p, threads) / p.copies;
          double bytes = (double)set / time * 1e-9, rate = flops / time * 1e-9;
          if (rows == 1) {
            printf(" %.1f GB/s | %.0f%% |", bytes, 100 * bytes / read_limit[threads]);
          } else {
            /* Which limit binds: reading the weights once, or the arithmetic. */
            double least = (double)set * 1e-9 / read_limit[threads], work = flops * 1e-9 / work_limit[threads];
            printf(" %.0f GFLOP/s | %.0f%% %s |", rate, 100 * (least > work ? least : work) / time,
                   least > work ? "read" : is_packed ? "bytes" : "fma");
          }
        }
        printf("\n");
        fflush(stdout);
      }
    }
  }

  printf("\nAttention: 32 heads of 64, pages of 16, a cache of each type\n\n");
  printf("| case | cache | 1 thread | of limit | 2 threads | of limit |\n|---|---|---|---|---|---|\n");
  static const struct { const char *name; int rows, position, kv_heads; } cases[] = {
      {"prefill 512 rows after 512, 4 kv heads", 512, 512, 4},
      {"prefill 512 rows after 512, 32 kv heads", 512, 512, 32},
      {"decode 16 rows at 1000, 32 kv heads", 16, 1000, 32},
      {"decode 16 rows at 1000, 4 kv heads", 16, 1000, 4},
      {"decode 32 rows at 100, 8 kv heads", 32, 100, 8},
      {"decode 1 row at 1000, 4 kv heads", 1, 1000, 4}};
  static const struct { int dtype; size_t size; const char *name; } caches[] = {
      {PODIUM_F32, 4, "f32"}, {PODIUM_BF16, 2, "bf16"}, {PODIUM_F8E4M3, 1, "E4M3"}};
  for (size_t kind = 0; kind < 3 * (sizeof cases / sizeof *cases); kind++) {
    int type = (int)(kind % 3), prefill = cases[kind / 3].rows == 512, kv_heads = cases[kind / 3].kv_heads;
    attention a = {.dtype = caches[type].dtype, .rows = cases[kind / 3].rows, .heads = 32, .kv_heads = kv_heads,
                   .head_dim = 64, .page_size = 16, .max_pages = 64};
    a.slots = prefill ? 1 : a.rows;
    a.live = a.rows;
    int pages = a.slots * a.max_pages;
    size_t count = (size_t)pages * (size_t)(kv_heads * a.page_size * a.head_dim), size = caches[type].size;
    /* Elements of whatever value, but finite and not subnormal. */
    unsigned char *cache[2] = {allocate(count * size), allocate(count * size)};
    for (size_t i = 0; i < count * size; i++) {
      int top = i % size == size - 1;
      for (int side = 0; side < 2; side++) cache[side][i] = (unsigned char)(top ? 0x30 + i / size % 13 : i % 251);
    }
    a.k = (float *)(void *)cache[0], a.v = (float *)(void *)cache[1];
    a.q = random_floats((size_t)(a.rows * a.heads * a.head_dim));
    a.out = allocate((size_t)(a.rows * a.heads * a.head_dim) * sizeof(float));
    a.table = allocate((size_t)pages * sizeof(int32_t));
    a.slot = allocate((size_t)a.rows * sizeof(int32_t)), a.position = allocate((size_t)a.rows * sizeof(int32_t));
    for (int i = 0; i < pages; i++) a.table[i] = pages - 1 - i;
    double keys = 0;
    for (int i = 0; i < a.rows; i++) {
      a.slot[i] = prefill ? 0 : i;
      a.position[i] = cases[kind / 3].position + (prefill ? i : 0);
      keys += a.position[i] + 1;
    }
    a.grid = podium_grid_paged_attention(PODIUM_BACKEND_CPU, a.rows, a.heads, kv_heads, a.page_size, a.max_pages);
    double flops = 4.0 * keys * a.heads * a.head_dim, bytes = 2.0 * (double)size * keys * kv_heads * a.head_dim;
    printf("| %s | %s |", cases[kind / 3].name, caches[type].name);
    for (int threads = 1; threads <= 2; threads++) {
      double time = best_time(run_attention, &a, threads);
      double read = prefill ? 0 : bytes / time * 1e-9 / read_limit[threads], fma = flops / time * 1e-9 / fma_limit[threads];
      printf(" %.0f us | %.0f%% %s |", time * 1e6, 100 * (read > fma ? read : fma), read > fma ? "read" : "fma");
    }
    printf("\n");
    fflush(stdout);
    free(a.k), free(a.v), free(a.q), free(a.out), free(a.table), free(a.slot), free(a.position);
  }
  free(weights), free(narrow_weights), free(packed), free(codes), free(scales), free(offsets), free(x), free(y);
  return 0;
}
