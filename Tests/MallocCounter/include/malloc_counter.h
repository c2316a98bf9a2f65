// Counts the calls of malloc and its kin, of the whole process or of one thread.
#ifndef MALLOC_COUNTER_H
#define MALLOC_COUNTER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Allocations (malloc, calloc, realloc, aligned forms) of all threads since the process began.
uint64_t malloc_counter_allocations(void);

// Releases of all threads since the process began.
uint64_t malloc_counter_releases(void);

// Allocations of the calling thread alone.
uint64_t malloc_counter_thread_allocations(void);

// 1 where malloc is really interposed, 0 under a sanitizer; a counter that counts nothing would make every test pass.
int malloc_counter_works(void);

#ifdef __cplusplus
}
#endif

#endif
