/* e4m3_table.h - sixty-four E4M3 codes at a time, by table.  Included by gemm_body.h where bytes can be permuted. */
#ifndef PODIUM_E4M3_TABLE_H
#define PODIUM_E4M3_TABLE_H

#include <stdint.h>

/* The upper halves of the float32 values times 2^-8 of the codes 0x00 to 0x7f; nothing is left for the lower ones. */
#define NORMAL(exponent) \
  N(exponent, 0), N(exponent, 1), N(exponent, 2), N(exponent, 3), N(exponent, 4), N(exponent, 5), N(exponent, 6)
#define N(exponent, fraction) HALF((exponent + 112) << 7 | fraction << 4)
#define EIGHT(exponent) NORMAL(exponent), N(exponent, 7)
#define CODES                                                                                                       \
  HALF(0), HALF(110 << 7), HALF(111 << 7), HALF(111 << 7 | 0x40), HALF(112 << 7), HALF(112 << 7 | 0x20),            \
      HALF(112 << 7 | 0x40), HALF(112 << 7 | 0x60), EIGHT(1), EIGHT(2), EIGHT(3), EIGHT(4), EIGHT(5), EIGHT(6),     \
      EIGHT(7), EIGHT(8), EIGHT(9), EIGHT(10), EIGHT(11), EIGHT(12), EIGHT(13), EIGHT(14), NORMAL(15), HALF(0x7fc0)

#define HALF(bits) (uint8_t)((bits) >> 8)
static const uint8_t podium_e4m3_high[128] __attribute__((aligned(64))) = {CODES};
#undef HALF
#define HALF(bits) (uint8_t)((bits) & 0xff)
static const uint8_t podium_e4m3_low[128] __attribute__((aligned(64))) = {CODES};

#undef HALF
#undef CODES
#undef EIGHT
#undef N
#undef NORMAL

#endif
