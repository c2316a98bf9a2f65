#define _GNU_SOURCE
#include "podium_platform.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Thread_local const void *podium_thread_work_storage;

const char *podium_library_file(const void *address) {
  Dl_info found;
  return dladdr(address, &found) ? found.dli_fname : NULL;
}

int podium_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns) {
  struct timespec limit = {0, 0};
  if (timeout_ns >= 0) {
    limit.tv_sec = (time_t)(timeout_ns / 1000000000);
    limit.tv_nsec = (long)(timeout_ns % 1000000000);
  }
  const long result =
      syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns >= 0 ? &limit : NULL, NULL, 0);
  return result == 0 ? 0 : errno;
}

int podium_futex_wake(const void *word, int count) {
  const long result = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
  return result < 0 ? 0 : (int)result;
}

void podium_name_thread(const char *name) {
  char text[16];
  strncpy(text, name, sizeof text - 1);
  text[sizeof text - 1] = '\0';
  pthread_setname_np(pthread_self(), text);
}

/* The calling thread's CPU set; the caller frees it.  Machines may have more CPUs than cpu_set_t holds. */
static cpu_set_t *usable_set(size_t *bytes, int *limit) {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set) return NULL;
    *bytes = CPU_ALLOC_SIZE(cpus);
    *limit = cpus;
    CPU_ZERO_S(*bytes, set);
    if (sched_getaffinity(0, *bytes, set) == 0) return set;
    CPU_FREE(set);
    if (errno != EINVAL) return NULL;
  }
  return NULL;
}

uint32_t podium_usable_cpus(void) {
  size_t bytes;
  int limit;
  cpu_set_t *set = usable_set(&bytes, &limit);
  if (!set) return 1;
  const int count = CPU_COUNT_S(bytes, set);
  CPU_FREE(set);
  return count > 0 ? (uint32_t)count : 1;
}

int podium_bind_thread(uint32_t index) {
  size_t bytes;
  int limit;
  cpu_set_t *set = usable_set(&bytes, &limit);
  if (!set) return errno ? errno : EINVAL;
  int result = EINVAL;
  for (int cpu = 0; cpu < limit; cpu++) {
    if (!CPU_ISSET_S(cpu, bytes, set) || index-- > 0) continue;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    result = sched_setaffinity(0, bytes, set) == 0 ? 0 : errno;
    break;
  }
  CPU_FREE(set);
  return result;
}

const char *podium_cpu_architecture(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return "x86-64-avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "x86-64-avx2";
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}
