/* each_isa.h - includes ISA_BODY once per instruction set of this architecture, with lanes.h before it.
 *
 * TILE_ROWS and TILE_COLUMNS are the register tile of a product: as many accumulators as the registers hold beside the
 * operands.  They decide speed only, never bits.  WIDENED_HALVES is how many IEEE halves one instruction widens; 0 when
 * there is none.  A body with a variant for 8-bit dot products defines ISA_WITH_VNNI and finds BYTE_DOT_PRODUCTS
 * defined in that variant. */

#define ISA_PASTE_(name, suffix) podium_##name##_##suffix
#define ISA_PASTE(name, suffix) ISA_PASTE_(name, suffix)
#define ISA(name) ISA_PASTE(name, ISA_NAME)

#define ISA_NAME plain
#define ISA_TARGET
#define WIDENED_HALVES 0
#if defined(__x86_64__)
#define TILE_ROWS 1
#define TILE_COLUMNS 2
#else
#define TILE_ROWS 3
#define TILE_COLUMNS 2
#endif
#include "lanes.h"
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef WIDENED_HALVES
#undef TILE_ROWS
#undef TILE_COLUMNS

#if defined(__x86_64__)

#define ISA_NAME avx2
#define ISA_TARGET __attribute__((target("avx2,fma,f16c")))
#define WIDENED_HALVES 8
#define TILE_ROWS 3
#define TILE_COLUMNS 2
#include "lanes.h"
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef WIDENED_HALVES
#undef TILE_ROWS
#undef TILE_COLUMNS

#define ISA_NAME avx512
#define ISA_TARGET __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")))
#define WIDENED_HALVES 16
#define TILE_ROWS 6
#define TILE_COLUMNS 4
#include "lanes.h"
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef WIDENED_HALVES
#undef TILE_ROWS
#undef TILE_COLUMNS

#if defined(ISA_WITH_VNNI)
#define ISA_NAME avx512vnni
#define ISA_TARGET __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi")))
#define WIDENED_HALVES 16
#define TILE_ROWS 6
#define TILE_COLUMNS 4
#define BYTE_DOT_PRODUCTS 1
#include "lanes.h"
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef WIDENED_HALVES
#undef TILE_ROWS
#undef TILE_COLUMNS
#undef BYTE_DOT_PRODUCTS
#define ISA_CASE_VNNI(name, ...) \
    case PODIUM_ISA_AVX512VNNI: podium_##name##_avx512vnni(__VA_ARGS__); break;
#else
#define ISA_CASE_VNNI(name, ...) case PODIUM_ISA_AVX512VNNI:
#endif

/* Calls the variant in use. */
#define ISA_CALL(name, ...)                                      \
  do {                                                           \
    switch (podium_active_isa()) {                               \
    ISA_CASE_VNNI(name, __VA_ARGS__)                             \
    case PODIUM_ISA_AVX512: podium_##name##_avx512(__VA_ARGS__); break; \
    case PODIUM_ISA_AVX2: podium_##name##_avx2(__VA_ARGS__); break;     \
    default: podium_##name##_plain(__VA_ARGS__); break;          \
    }                                                            \
  } while (0)

#else

#define ISA_CALL(name, ...) podium_##name##_plain(__VA_ARGS__)

#endif
