#include "podium_numerics.h"

#include <stdatomic.h>

/* numerics_isa + 1; 0 until the machine was asked. */
static _Atomic int active;

bool numerics_has_isa(numerics_isa isa) {
  switch (isa) {
  case NUMERICS_ISA_PLAIN: return true;
#if defined(__x86_64__)
  case NUMERICS_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case NUMERICS_ISA_AVX512:
    return numerics_has_isa(NUMERICS_ISA_AVX2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#endif
  default: return false;
  }
}

numerics_isa numerics_active_isa(void) {
  int known = atomic_load_explicit(&active, memory_order_relaxed);
  if (known == 0) {
    numerics_isa best = NUMERICS_ISA_PLAIN;
    if (numerics_has_isa(NUMERICS_ISA_AVX2)) best = NUMERICS_ISA_AVX2;
    if (numerics_has_isa(NUMERICS_ISA_AVX512)) best = NUMERICS_ISA_AVX512;
    known = (int)best + 1;
    atomic_store_explicit(&active, known, memory_order_relaxed); /* threads that race here store the same */
  }
  return (numerics_isa)(known - 1);
}

bool numerics_select_isa(numerics_isa isa) {
  if (!numerics_has_isa(isa)) return false;
  atomic_store_explicit(&active, (int)isa + 1, memory_order_relaxed);
  return true;
}
