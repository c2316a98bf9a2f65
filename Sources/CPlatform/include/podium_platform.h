/* podium_platform.h - what Swift cannot import from Linux: variadic system calls, builtins, thread-local variables.
 * Everything else is called from Swift directly. */
#ifndef PODIUM_PLATFORM_H
#define PODIUM_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* Sleeps while *word == expected, at most timeout_ns (negative: for ever).  Returns 0 or an errno value (EAGAIN: the
 * word differed, ETIMEDOUT, EINTR).  Private to the process. */
int podium_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns);

/* Wakes at most `count` threads that sleep on `word`; returns how many it woke. */
int podium_futex_wake(const void *word, int count);

/* Tells the core that this is a spin loop. */
static inline void podium_cpu_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/* Names the calling thread (the kernel keeps 15 bytes). */
void podium_name_thread(const char *name);

/* Binds the calling thread to the `index`-th (0, 1, ...) of the CPUs that it may run on; returns 0 or an errno value. */
int podium_bind_thread(uint32_t index);

/* How many CPUs the calling thread may run on (at least 1). */
uint32_t podium_usable_cpus(void);

/* "x86-64-avx512", "x86-64-avx2", "x86-64", "aarch64": the widest vectors that this core has and the kernels know. */
const char *podium_cpu_architecture(void);

/* The file of the library that an address belongs to, or NULL; it lives as long as the library is loaded. */
const char *podium_library_file(const void *address);

/* One word of thread-local storage: what the calling thread is at work on, NULL for nothing. */
extern _Thread_local const void *podium_thread_work_storage;
static inline const void *podium_thread_work(void) { return podium_thread_work_storage; }
static inline void podium_set_thread_work(const void *work) { podium_thread_work_storage = work; }

#endif /* PODIUM_PLATFORM_H */
