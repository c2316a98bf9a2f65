/* podium_formats.h - narrow number formats as integers: the same bits on every device.
 *
 * The conversion instructions of the GPUs are not used: gfx942's FP8 is the FNUZ encoding, and the checkpoints hold the
 * OCP one. */
#ifndef PODIUM_FORMATS_H
#define PODIUM_FORMATS_H

#ifndef PODIUM_DEVICE_H
#include "podium_device.h"
#endif

namespace podium {

PODIUM_DEVICE float float_of_bf16(uint32_t code) { return float_of(code << 16); }

/* To nearest, ties to even; a NaN stays one. */
PODIUM_DEVICE uint32_t bf16_of(float value) {
  uint32_t bits = bits_of(value);
  if (is_nan(value)) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* Exactly; a signalling NaN becomes quiet. */
PODIUM_DEVICE float float_of_f16(uint32_t code) {
  uint32_t shifted = (code & 0x7fff) << 13, sign = (code & 0x8000) << 16;
  if ((code & 0x7c00) == 0x7c00) {
    return float_of(sign | (shifted + (224u << 23)) | ((code & 0x3ff) != 0 ? 0x00400000u : 0));
  }
  /* A subnormal is fraction 2^-24: put behind a one at 2^-14, which then is taken away. */
  float value = (code & 0x7c00) != 0 ? float_of(shifted + (112u << 23)) : float_of(shifted + (113u << 23)) - 0x1p-14f;
  return float_of(bits_of(value) | sign);
}

/* OCP E4M3: bias 7, no infinity, NaN 0x7F and 0xFF. */
PODIUM_DEVICE float float_of_e4m3(uint32_t code) {
  uint32_t sign = (code & 0x80) << 24;
  /* As a float32 with the wrong exponent; the product mends it, subnormals included. */
  float value = float_of((code & 0x7f) << 20) * 0x1p120f;
  if ((code & 0x7f) == 0x7f) value = quiet_nan();
  return float_of(bits_of(value) | sign);
}

/* To nearest, ties to even, saturating at 448; a NaN stays one. */
PODIUM_DEVICE uint32_t e4m3_of(float value) {
  uint32_t bits = bits_of(value), sign = bits >> 24 & 0x80;
  float size = magnitude(value);
  if (is_nan(value)) return sign | 0x7f;
  if (size >= 448.0f) return sign | 0x7e;
  if (size < 0x1p-6f) {
    /* Below the smallest normal number the step is 2^-9: the sum with 2^14 rounds to it. */
    return sign | (bits_of(size + 0x1p14f) - bits_of(0x1p14f));
  }
  bits = bits_of(size);
  bits += 0x7ffff + (bits >> 20 & 1);
  return sign | ((bits >> 20) - (120u << 3));
}

/* OCP E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and a sign. */
PODIUM_DEVICE float float_of_e2m1(uint32_t code) {
  float value = float_of((code & 7) << 22) * 0x1p126f;
  return float_of(bits_of(value) | (code & 8) << 28);
}

/* To nearest, ties to even, saturating at 6.  A NaN becomes 6, because the format has none. */
PODIUM_DEVICE uint32_t e2m1_of(float value) {
  uint32_t sign = bits_of(value) >> 28 & 8;
  float size = magnitude(value);
  if (!(size < 6.0f)) return sign | 7;
  if (size < 1.0f) return sign | (bits_of(size + 0x1p22f) - bits_of(0x1p22f));
  uint32_t bits = bits_of(size);
  bits += 0x1fffff + (bits >> 22 & 1);
  return sign | ((bits >> 22) - (126u << 1));
}

/* 2^(code - 127); NaN for 0xFF. */
PODIUM_DEVICE float float_of_e8m0(uint32_t code) {
  if (code == 0xff) return quiet_nan();
  return code == 0 ? 0x1p-127f : float_of(code << 23);
}

/* Bytes of one element of a weight. */
PODIUM_DEVICE int element_size(int dtype) { return dtype == F32 ? 4 : dtype == F8E4M3 ? 1 : 2; }

/* Element `index` of an array, as float32. */
template <int dtype>
PODIUM_DEVICE float element(const void *array, uint64_t index) {
  if (dtype == F32) return ((const float *)array)[index];
  if (dtype == F8E4M3) return float_of_e4m3(((const uint8_t *)array)[index]);
  uint32_t code = ((const uint16_t *)array)[index];
  return dtype == BF16 ? float_of_bf16(code) : float_of_f16(code);
}

PODIUM_DEVICE float element(int dtype, const void *array, uint64_t index) {
  switch (dtype) {
  case F32: return element<F32>(array, index);
  case BF16: return element<BF16>(array, index);
  case F16: return element<F16>(array, index);
  default: return element<F8E4M3>(array, index);
  }
}

/* The eight elements at `index`, as float32.  The first one's address must be a multiple of 16 (of 8 for FP8). */
template <int dtype>
PODIUM_DEVICE void elements8(const void *array, uint64_t index, float *values) {
  if (dtype == F32) {
    PODIUM_UNROLL
    for (int part = 0; part < 2; part++) {
      words4 four = load16((const float *)array + index + 4 * part);
      PODIUM_UNROLL
      for (int i = 0; i < 4; i++) values[4 * part + i] = float_of(four.word[i]);
    }
  } else if (dtype == F8E4M3) {
    uint64_t eight = *(const uint64_t *)((const uint8_t *)array + index);
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) values[i] = float_of_e4m3((uint32_t)(eight >> 8 * i) & 0xff);
  } else {
    words4 eight = load16((const uint16_t *)array + index);
    PODIUM_UNROLL
    for (int i = 0; i < 8; i++) {
      uint32_t code = eight.word[i / 2] >> 16 * (i % 2) & 0xffff;
      values[i] = dtype == BF16 ? float_of_bf16(code) : float_of_f16(code);
    }
  }
}

} // namespace podium

#endif
