#include "podium_kernels.h"

#include <stdatomic.h>

/* podium_isa + 1; 0 until the machine was asked. */
static _Atomic int active;

bool podium_has_isa(podium_isa isa) {
  switch (isa) {
  case PODIUM_ISA_PLAIN: return true;
#if defined(__x86_64__)
  case PODIUM_ISA_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  case PODIUM_ISA_AVX512:
    return podium_has_isa(PODIUM_ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  case PODIUM_ISA_AVX512VNNI:
    return podium_has_isa(PODIUM_ISA_AVX512) && __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("avx512vbmi");
#endif
  default: return false;
  }
}

podium_isa podium_active_isa(void) {
  int known = atomic_load_explicit(&active, memory_order_relaxed);
  if (known == 0) {
    podium_isa best = PODIUM_ISA_PLAIN;
    if (podium_has_isa(PODIUM_ISA_AVX2)) best = PODIUM_ISA_AVX2;
    if (podium_has_isa(PODIUM_ISA_AVX512)) best = PODIUM_ISA_AVX512;
    if (podium_has_isa(PODIUM_ISA_AVX512VNNI)) best = PODIUM_ISA_AVX512VNNI;
    known = (int)best + 1;
    atomic_store_explicit(&active, known, memory_order_relaxed); /* threads that race here store the same */
  }
  return (podium_isa)(known - 1);
}

bool podium_select_isa(podium_isa isa) {
  if (!podium_has_isa(isa)) return false;
  atomic_store_explicit(&active, (int)isa + 1, memory_order_relaxed);
  return true;
}
