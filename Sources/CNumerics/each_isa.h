/* each_isa.h - includes ISA_BODY once per instruction set of this architecture. */

#define ISA_PASTE_(name, suffix) numerics_##name##_##suffix
#define ISA_PASTE(name, suffix) ISA_PASTE_(name, suffix)
#define ISA(name) ISA_PASTE(name, ISA_NAME)

/* TILE_ROWS and TILE_VECTORS are the register tile of a product; they decide speed only, never bits. */
#define ISA_NAME plain
#define ISA_TARGET
#define TILE_ROWS 2
#define TILE_VECTORS 1
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef TILE_ROWS
#undef TILE_VECTORS

#if defined(__x86_64__)

#define ISA_NAME avx2
#define ISA_TARGET __attribute__((target("avx2,fma")))
#define TILE_ROWS 5
#define TILE_VECTORS 1
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef TILE_ROWS
#undef TILE_VECTORS

#define ISA_NAME avx512
#define ISA_TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")))
#define TILE_ROWS 6
#define TILE_VECTORS 4
#include ISA_BODY
#undef ISA_NAME
#undef ISA_TARGET
#undef TILE_ROWS
#undef TILE_VECTORS

/* Calls the variant in use. */
#define ISA_CALL(name, ...)                                                \
  do {                                                                     \
    switch (numerics_active_isa()) {                                       \
    case NUMERICS_ISA_AVX512: numerics_##name##_avx512(__VA_ARGS__); break; \
    case NUMERICS_ISA_AVX2: numerics_##name##_avx2(__VA_ARGS__); break;     \
    default: numerics_##name##_plain(__VA_ARGS__); break;                  \
    }                                                                      \
  } while (0)

#else

#define ISA_CALL(name, ...) numerics_##name##_plain(__VA_ARGS__)

#endif
