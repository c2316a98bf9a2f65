/* lanes.h - sixteen lanes of the compiler's own vector types: the same IEEE operation in every lane, whatever the
 * instruction set makes of it. */
#ifndef NUMERICS_LANES_H
#define NUMERICS_LANES_H

#include <stddef.h>
#include <stdint.h>

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef double f64x8 __attribute__((vector_size(64)));

#define LANES_ALWAYS_INLINE __attribute__((always_inline)) static inline
/* Vectors of 64 bytes only ever pass between functions that are inlined into each other. */
#pragma clang diagnostic ignored "-Wpsabi"

/* when[lane] (all ones or zero) ? a : b */
#define CHOOSE(when, a, b) ((u32x16)(((i32x16)(a) & (when)) | ((i32x16)(b) & ~(when))))

#endif
