/* podium_numerics.h - bulk conversion between float32 and the narrow formats, and dense products in double.
 *
 * Each function exists for AVX-512, AVX2 and plain C; which one runs is decided once, by what the processor has.  All
 * give the same bits.  Pointers need no alignment beyond that of their type; buffers must not overlap. */
#ifndef PODIUM_NUMERICS_H
#define PODIUM_NUMERICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  NUMERICS_ISA_PLAIN,
  NUMERICS_ISA_AVX2,
  NUMERICS_ISA_AVX512,
} numerics_isa;

/* Whether this processor runs a variant; the one in use; and another choice, for tests: false when it is not there. */
bool numerics_has_isa(numerics_isa isa);
numerics_isa numerics_active_isa(void);
bool numerics_select_isa(numerics_isa isa);

typedef enum {
  NUMERICS_E4M3,     /* OCP: bias 7, no infinity, NaN 0x7F and 0xFF */
  NUMERICS_E4M3FNUZ, /* bias 8, no infinity, no negative zero, NaN 0x80 */
  NUMERICS_E5M2,     /* OCP: bias 15, infinities and NaN as in IEEE 754 */
  NUMERICS_E5M2FNUZ, /* bias 16, no infinity, no negative zero, NaN 0x80 */
  NUMERICS_E2M1,     /* OCP: two codes to a byte, the first in the low half; neither infinity nor NaN */
  NUMERICS_F16,
  NUMERICS_BF16,
} numerics_format;

/* values[i] = value of codes[i] * scale, one rounding, of the product. */
void numerics_decode(numerics_format format, const void *codes, float *values, size_t count, float scale);

/* codes[i] = values[i] / scale to the nearest code, ties to even.  What is too large, infinity included, becomes the
 * largest finite number when `saturate`, else infinity, or NaN in a format without infinity; E2M1 always saturates.  NaN
 * stays NaN, except in E2M1, where it becomes the largest number.  E2M1 wants an even count. */
void numerics_encode(numerics_format format, const float *values, void *codes, size_t count, float scale, bool saturate);

/* The same with a scale for each element and always saturating: what a column of a matrix needs.  One code to a byte,
 * also for E2M1.  rounded[i] = value of codes[i] * scales[i]. */
void numerics_round_each(numerics_format format, const float *values, const float *scales, uint8_t *codes,
                         float *rounded, size_t count);

/* The largest magnitude; NaN when there is one. */
float numerics_absmax(const float *values, size_t count);

enum { NUMERICS_MXFP4_BLOCK = 32 };

/* How the scale of a block follows from its largest magnitude. */
typedef enum {
  NUMERICS_MX_EVEN,  /* Quark: the magnitude's significand rounded at 1.75 up to the next power of two first */
  NUMERICS_MX_FLOOR, /* OCP MX 1.0, section 6.3 */
} numerics_mx_rule;

/* The scale's E8M0 code for a largest magnitude; 0xFF when that is infinite or NaN. */
uint8_t numerics_mxfp4_scale(float absmax, numerics_mx_rule rule);

/* 2^(code - 127), NaN for 0xFF. */
float numerics_e8m0_value(uint8_t code);

/* Blocks of 32 values to 16 bytes of E2M1 and one E8M0 scale.  A block with infinity or NaN gets the scale NaN and
 * zeros. */
void numerics_encode_mxfp4(const float *values, uint8_t *packed, uint8_t *scales, size_t blocks, numerics_mx_rule rule);

/* The inverse; exact, except that what is beyond float32 becomes infinite. */
void numerics_decode_mxfp4(const uint8_t *packed, const uint8_t *scales, float *values, size_t blocks);

/* C[i][j] += sign * sum over k of A(i,k) B(k,j), with sign 1 or -1: one fused multiply-add after the other from
 * k = 0 upwards, so that the result does not depend on how the work is cut into calls over i and j. */
void numerics_multiply_add(double *c, size_t c_row, const double *a, size_t a_row, size_t a_column, const double *b,
                           size_t b_row, size_t b_column, size_t rows, size_t columns, size_t depth, double sign);

/* y[i] -= factor * x[i], fused. */
void numerics_subtract_multiple(double *y, const double *x, double factor, size_t count);

#endif
