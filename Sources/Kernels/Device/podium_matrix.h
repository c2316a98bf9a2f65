/* podium_matrix.h - matrix cores: products of 16 x K with K x 16, accumulated in float32, by a warp of 64.
 *
 * Every wrapper takes its operands in one layout: lane l gives eight elements of row l % 16 of the left factor and eight
 * of column l % 16 of the right one, those of the same eight k; which k these are is the caller's affair, as long as
 * the four quarters of the warp, l / 16, give different ones.  Element i of lane l of the result is row 4 (l / 16) + i,
 * column l % 16.  PODIUM_MATRIX is 1 where the wrappers exist. */
#ifndef PODIUM_MATRIX_H
#define PODIUM_MATRIX_H

#ifndef PODIUM_FORMATS_H
#include "podium_formats.h"
#endif

#if defined(__gfx942__) || defined(__gfx950__) || (defined(PODIUM_SHIM) && SHIM_TARGET)
#define PODIUM_MATRIX 1
#else
#define PODIUM_MATRIX 0
#endif

#if defined(__gfx950__) || (defined(PODIUM_SHIM) && SHIM_TARGET == 950)
#define PODIUM_GFX950 1
#else
#define PODIUM_GFX950 0
#endif

#if PODIUM_MATRIX

namespace podium {

typedef float f32x4 __attribute__((ext_vector_type(4)));
typedef int i32x4 __attribute__((ext_vector_type(4)));
typedef short s16x4 __attribute__((ext_vector_type(4)));
typedef int i32x8 __attribute__((ext_vector_type(8)));
#if PODIUM_GFX950
typedef __bf16 bf16x8 __attribute__((ext_vector_type(8)));
#endif

template <typename To, typename From>
PODIUM_DEVICE To same_bits(const From &from) {
  static_assert(sizeof(To) == sizeof(From), "sizes");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

/* c + a b with eight bfloat16 in each operand, K = 32. */
PODIUM_DEVICE f32x4 multiply_bf16(const words4 &a, const words4 &b, f32x4 c) {
#if PODIUM_GFX950
  return PODIUM_AMD(mfma_f32_16x16x32_bf16)(same_bits<bf16x8>(a), same_bits<bf16x8>(b), c, 0, 0, 0);
#else
  struct halves {
    s16x4 part[2];
  };
  halves left = same_bits<halves>(a), right = same_bits<halves>(b);
  c = PODIUM_AMD(mfma_f32_16x16x16bf16_1k)(left.part[0], right.part[0], c, 0, 0, 0);
  return PODIUM_AMD(mfma_f32_16x16x16bf16_1k)(left.part[1], right.part[1], c, 0, 0, 0);
#endif
}

/* c + a b with eight float32 in each operand, K = 32. */
PODIUM_DEVICE f32x4 multiply_f32(const float *a, const float *b, f32x4 c) {
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) c = PODIUM_AMD(mfma_f32_16x16x4f32)(a[i], b[i], c, 0, 0, 0);
  return c;
}

/* c + a b with eight signed bytes in each operand, K = 32, in integers. */
PODIUM_DEVICE i32x4 multiply_i8(uint64_t a, uint64_t b, i32x4 c) {
  return PODIUM_AMD(mfma_i32_16x16x32_i8)((long)a, (long)b, c, 0, 0, 0);
}

/* ---- E4M3 ---- */

/* What a lane gives to one multiply_fp8: so many pieces of sixteen codes; K = 64 for each. */
#if PODIUM_GFX950
constexpr int FP8_PIECES = 2;
#else
constexpr int FP8_PIECES = 1;
#endif

/* gfx942 reads FNUZ: a code of OCP is half its number there, so that a product is a quarter (fp8_factor mends a sum);
 * 0x80, OCP's -0, is its NaN; and OCP's NaN are numbers.  fp8_operand makes -0 a 0, and notes in `nan` whether there was
 * an OCP NaN among the codes, for fp8_has_nan.  FP8_NAN is what the matrix instruction reads as NaN. */
#if PODIUM_GFX950
constexpr float fp8_factor = 1.0f;
constexpr uint32_t FP8_NAN = 0x7f;
PODIUM_DEVICE words4 fp8_operand(const words4 &codes, uint32_t &nan) {
  (void)nan;
  return codes;
}
#else
constexpr float fp8_factor = 4.0f;
constexpr uint32_t FP8_NAN = 0x80;
PODIUM_DEVICE words4 fp8_operand(const words4 &codes, uint32_t &nan) {
  words4 result;
  PODIUM_UNROLL
  for (int i = 0; i < 4; i++) {
    uint32_t word = codes.word[i], size = word & 0x7f7f7f7fu;
    /* Without a carry from byte to byte: the high bit is set where the size is not zero, and where it is 0x7f. */
    result.word[i] = word & ((size + 0x7f7f7f7fu) | 0x7f7f7f7fu);
    nan |= size + 0x01010101u;
  }
  return result;
}
#endif
PODIUM_DEVICE bool fp8_has_nan(uint32_t nan) { return (nan & 0x80808080u) != 0; }

/* c + a b with FP8_PIECES pieces in each operand: on gfx942 two instructions with K = 32, on gfx950 one with K = 128 and
 * without block scales, which does twice as much in a cycle as the ones with K = 32. */
PODIUM_DEVICE f32x4 multiply_fp8(const words4 *a, const words4 *b, f32x4 c) {
#if PODIUM_GFX950
  i32x8 left, right;
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) left[i] = (int)a[i / 4].word[i % 4], right[i] = (int)b[i / 4].word[i % 4];
  return PODIUM_AMD(mfma_scale_f32_16x16x128_f8f6f4)(left, right, c, 0, 0, 0, 0, 0, 0);
#else
  struct halves {
    long part[2];
  };
  halves left = same_bits<halves>(*a), right = same_bits<halves>(*b);
  c = PODIUM_AMD(mfma_f32_16x16x32_fp8_fp8)(left.part[0], right.part[0], c, 0, 0, 0);
  return PODIUM_AMD(mfma_f32_16x16x32_fp8_fp8)(left.part[1], right.part[1], c, 0, 0, 0);
#endif
}

#if PODIUM_GFX950
/* c + a b with 32 E2M1 codes in each operand, K = 128: lane l gives k = 32 (l / 16) .. + 31, the first in the lowest
 * half byte, and the E8M0 code of that block in byte `step` of its scale.  E8M0 NaN (255) on either side makes the
 * results of its row or column NaN.
 *
 * Layout: the order of lanes from Modular's documentation of BlockScaledMmaOp, the byte of a scale (op_sel) from public
 * gfx950 assembly; AMD's CDNA 4 instruction set manual has the last word.  The four words of a FP4 operand are the low
 * ones of the eight. */
template <int step>
PODIUM_DEVICE f32x4 multiply_mxfp4(const words4 &a, const words4 &b, f32x4 c, uint32_t a_scales, uint32_t b_scales) {
  i32x8 left = {(int)a.word[0], (int)a.word[1], (int)a.word[2], (int)a.word[3], 0, 0, 0, 0};
  i32x8 right = {(int)b.word[0], (int)b.word[1], (int)b.word[2], (int)b.word[3], 0, 0, 0, 0};
  return PODIUM_AMD(mfma_scale_f32_16x16x128_f8f6f4)(left, right, c, 4, 4, step, (int)a_scales, step, (int)b_scales);
}
#endif

/* A float32 as the exact sum of three bfloat16 (8 + 8 + 8 bits of significand), eight at a time: with them the matrix
 * cores multiply activations by bfloat16 weights as exactly as float32 arithmetic does.  Infinity and NaN stand in the
 * first term alone.  Bits below 2^-133 are lost. */
struct terms8 {
  words4 term[3];
};

PODIUM_DEVICE terms8 split(const float *values) {
  uint32_t bits[3][8];
  PODIUM_UNROLL
  for (int i = 0; i < 8; i++) {
    float value = values[i];
    uint32_t first = bits_of(value) & 0xffff0000u;
    if (is_nan(value)) first |= 0x00400000u;
    bool finite = (first & 0x7f800000u) != 0x7f800000u;
    float rest = finite ? value - float_of(first) : 0.0f;
    uint32_t second = bits_of(rest) & 0xffff0000u;
    bits[0][i] = first;
    bits[1][i] = second;
    bits[2][i] = bits_of(rest - float_of(second));
  }
  terms8 result;
  PODIUM_UNROLL
  for (int t = 0; t < 3; t++) {
    PODIUM_UNROLL
    for (int i = 0; i < 4; i++) {
      result.term[t].word[i] = bits[t][2 * i] >> 16 | (bits[t][2 * i + 1] & 0xffff0000u);
    }
  }
  return result;
}

} // namespace podium

#else

namespace podium {
constexpr uint32_t FP8_NAN = 0x7f;
} // namespace podium

#endif

#endif
