#include "podium_bench.h"

typedef float vector4 __attribute__((vector_size(16)));
typedef float vector8 __attribute__((vector_size(32)));
typedef float vector16 __attribute__((vector_size(64)));

/* Twelve chains: latency 4, two a cycle, with room. */
enum { CHAINS = 12 };

/* The empty statement keeps each sum in a register, and the compiler from adding the chains up. */
#if defined(__x86_64__)
#define IN_REGISTER "+v"
#elif defined(__aarch64__)
#define IN_REGISTER "+w"
#endif

#define MULTIPLY_ADDS(name_, vector_, target_)                                          \
  target_ static uint64_t name_(uint64_t steps) {                                       \
    vector_ sums[CHAINS], x = {0}, y = {0};                                             \
    x += 0.999f, y += 0.001f;                                                           \
    for (int i = 0; i < CHAINS; i++) sums[i] = y * (float)i;                            \
    for (uint64_t step = 0; step < steps; step++) {                                     \
      _Pragma("clang fp contract(fast)") _Pragma("unroll") for (int i = 0; i < CHAINS; i++) { \
        sums[i] = sums[i] * x + y;                                                      \
        __asm__ volatile("" : IN_REGISTER(sums[i]));                                    \
      }                                                                                 \
    }                                                                                   \
    return 2 * steps * CHAINS * sizeof(vector_) / sizeof(float);                        \
  }

#define READ(name_, vector_, target_)                                      \
  target_ static float name_(const void *memory, size_t size) {            \
    const vector_ *from = memory;                                          \
    vector_ a = {0}, b = {0}, c = {0}, d = {0};                            \
    for (size_t i = 0; i + 4 <= size / sizeof(vector_); i += 4) {          \
      a += from[i], b += from[i + 1], c += from[i + 2], d += from[i + 3];  \
    }                                                                      \
    a += b + c + d;                                                        \
    return a[0];                                                           \
  }

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f")))
#define AVX2 __attribute__((target("avx2,fma")))
MULTIPLY_ADDS(multiply_adds_avx512, vector16, AVX512)
MULTIPLY_ADDS(multiply_adds_avx2, vector8, AVX2)
READ(read_avx512, vector16, AVX512)
READ(read_avx2, vector8, AVX2)
#endif
MULTIPLY_ADDS(multiply_adds_plain, vector4, )
READ(read_plain, vector4, )

uint64_t podium_multiply_adds(uint64_t steps) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return multiply_adds_avx512(steps);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return multiply_adds_avx2(steps);
#endif
  return multiply_adds_plain(steps);
}

float podium_read(const void *memory, size_t size) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512(memory, size);
  if (__builtin_cpu_supports("avx2")) return read_avx2(memory, size);
#endif
  return read_plain(memory, size);
}
