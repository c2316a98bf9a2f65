/* podium_bench.h - what a processor can do at most: multiply-adds in registers, and reading memory. */
#ifndef PODIUM_BENCH_H
#define PODIUM_BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does `steps` rounds of independent float32 multiply-adds on the calling thread, with the widest vectors that the core
 * has and enough of them to hide their latency; returns how many operations that was, a multiply-add counting as two. */
uint64_t podium_multiply_adds(uint64_t steps);

/* Reads `size` bytes (64-byte aligned) from front to back and returns a sum, so that nothing can be left out. */
float podium_read(const void *memory, size_t size);

#ifdef __cplusplus
}
#endif
#endif /* PODIUM_BENCH_H */
