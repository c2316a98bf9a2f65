// glibc resolves malloc to the first definition in the executable, and keeps its own under __libc_ names: defining the
// public names here counts every call of the process, in Swift, C and C++ alike, without LD_PRELOAD.
#include "malloc_counter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

// The sanitizers bring a malloc of their own, which must stay in place.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LEAVE_MALLOC_ALONE 1
#endif
#endif

static _Atomic uint64_t allocations;
static _Atomic uint64_t releases;
static _Thread_local uint64_t thread_allocations __attribute__((tls_model("initial-exec")));

#ifndef LEAVE_MALLOC_ALONE

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void count_allocation(void) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  thread_allocations++;
}

void *malloc(size_t size) {
  count_allocation();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  count_allocation();
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  count_allocation();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  count_allocation();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count_allocation();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  count_allocation();
  void *memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

void free(void *memory) {
  if (memory == NULL) return;
  atomic_fetch_add_explicit(&releases, 1, memory_order_relaxed);
  __libc_free(memory);
}

#endif

uint64_t malloc_counter_allocations(void) { return atomic_load_explicit(&allocations, memory_order_relaxed); }

uint64_t malloc_counter_releases(void) { return atomic_load_explicit(&releases, memory_order_relaxed); }

uint64_t malloc_counter_thread_allocations(void) { return thread_allocations; }

int malloc_counter_works(void) {
  uint64_t before = malloc_counter_allocations();
  void *volatile memory = malloc(1);
  free(memory);
  return malloc_counter_allocations() > before;
}
