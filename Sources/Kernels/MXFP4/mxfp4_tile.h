/* mxfp4_tile.h - the register tile of the MXFP4 products: one panel of weights with a few quantised rows.
 *
 * Included once per instruction set, after lanes.h.  It is where the rule for these products lives: per block of 32 the
 * exact integer sum of (2 w + 12) * code, started from the row's offset; then one fused multiply-add of that sum with
 * (weight scale / 2 * activation scale); blocks ascending. */

/* Halves of the sixteen scales of a block: 2^(code - 128), and NaN for 255. */
LANES_ALWAYS_INLINE ISA_TARGET f32x16 ISA(mx_half_scales)(const uint8_t *codes) {
  u8x16 bytes;
  __builtin_memcpy(&bytes, codes, sizeof bytes);
  i32x16 exponents = __builtin_convertvector(bytes, i32x16);
  /* 2^-127 is subnormal: an exponent field of 0 and the highest bit of the fraction. */
  i32x16 bits = __builtin_elementwise_max(exponents << 23, (i32x16){0} + 0x00400000);
  bits = (i32x16)ISA(select)(exponents == 255, (f32x16)((i32x16){0} + 0x7fc00000), (f32x16)bits);
  return (f32x16)bits * ISA(splat)(0.5f);
}

#if WIDENED_HALVES == 16

#define MX_TILE_ROWS 16
#define MX_STREAMS 4

/* Keeps the rows one after the other, which suits the machine: the compiler would interleave many and run out of
 * registers. */
#define MX_IN_ORDER(v) __asm__ volatile("" : "+v"(v))

/* Unsigned bytes of one line: the low halves and the high halves, each 2 * value + 12. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_decode)(const uint8_t *line, __m512i *low, __m512i *high) {
  const __m128i table = _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
  __m512i bytes = _mm512_loadu_si512(line);
#if defined(BYTE_DOT_PRODUCTS)
  /* The table four times: the instruction takes six bits of an index, and the upper two make no difference. */
  *low = _mm512_permutexvar_epi8(bytes, _mm512_broadcast_i32x4(table));
  *high = _mm512_permutexvar_epi8(_mm512_srli_epi16(bytes, 4), _mm512_broadcast_i32x4(table));
#else
  const __m512i nibble = _mm512_set1_epi8(15);
  *low = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), _mm512_and_si512(bytes, nibble));
  *high = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table),
                              _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
#endif
}

LANES_ALWAYS_INLINE ISA_TARGET __m512i ISA(mx_broadcast)(const int8_t *four) {
  int32_t word;
  __builtin_memcpy(&word, four, sizeof word);
  return _mm512_set1_epi32(word);
}

/* offset + the products of a block's weights with 32 codes. */
LANES_ALWAYS_INLINE ISA_TARGET __m512i ISA(mx_dot)(const __m512i *w, const int8_t *codes, int32_t offset) {
  __m512i sum = _mm512_set1_epi32(offset);
  MX_IN_ORDER(sum);
#if defined(BYTE_DOT_PRODUCTS)
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) sum = _mm512_dpbusd_epi32(sum, w[i], ISA(mx_broadcast)(codes + 4 * i));
#else
  /* Sums of two products are at most 2 * 24 * 127, so that four of them fit sixteen bits. */
#pragma clang loop unroll(full)
  for (int half = 0; half < 8; half += 4) {
    __m512i pairs = _mm512_maddubs_epi16(w[half], ISA(mx_broadcast)(codes + 4 * half));
#pragma clang loop unroll(full)
    for (int i = half + 1; i < half + 4; i++) {
      pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(w[i], ISA(mx_broadcast)(codes + 4 * i)));
    }
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
#endif
  return sum;
}

/* Adds the products of a block.  `shifted`: scales are multiplied by adding exponents, which the same ports need not do
 * that do the products; only for scales that are ordinary. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_block)(const int rows, const int shifted, const uint8_t *scales,
                                                 const uint8_t *elements, mx_rows x, f32x16 *sum) {
  __m512i w[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    if (rows >= MX_FETCHING_ROWS) __builtin_prefetch(elements + MX_AHEAD + 64 * i, 0, 3);
    ISA(mx_decode)(elements + 64 * i, &w[2 * i], &w[2 * i + 1]);
  }
  f32x16 half_scales = {0};
  __m512i exponents = {0};
  if (shifted) {
    exponents = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)scales));
    exponents = _mm512_slli_epi32(_mm512_sub_epi32(exponents, _mm512_set1_epi32(128)), 23);
  } else {
    half_scales = ISA(mx_half_scales)(scales);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    f32x16 dot = (f32x16)_mm512_cvtepi32_ps(ISA(mx_dot)(w, x.codes + r * MX_BLOCK, x.offsets[r]));
    f32x16 scale = (f32x16)_mm512_set1_ps(x.scales[r]);
    if (shifted) {
      scale = (f32x16)_mm512_add_epi32((__m512i)scale, exponents);
    } else {
      scale *= half_scales;
    }
    sum[r] = ISA(fma)(dot, scale, sum[r]);
    MX_IN_ORDER(sum[r]);
  }
}

/* Whether the scales of some rows lie in 2^-63 ..< 2^64. */
LANES_ALWAYS_INLINE ISA_TARGET int ISA(mx_ordinary_rows)(const int rows, size_t blocks, mx_rows x) {
  __mmask16 strange = 0;
  for (size_t b = 0; b < blocks; b++) {
    __m512i bits = _mm512_maskz_loadu_epi32((__mmask16)((1u << rows) - 1), x.scales + b * x.stride);
    bits = _mm512_sub_epi32(bits, _mm512_set1_epi32(64 << 23));
    strange |= _mm512_mask_cmpge_epu32_mask((__mmask16)((1u << rows) - 1), bits, _mm512_set1_epi32(127 << 23));
  }
  return strange == 0;
}

/* Whether the four blocks' weight scales lie in 2^-62 ... 2^62: times half of one, an ordinary scale stays normal. */
LANES_ALWAYS_INLINE ISA_TARGET int ISA(mx_ordinary_scales)(const uint8_t *line) {
  __m512i codes = _mm512_sub_epi8(_mm512_loadu_si512(line), _mm512_set1_epi8(65));
  return _mm512_cmpgt_epu8_mask(codes, _mm512_set1_epi8(124)) == 0;
}

LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_tile)(const int rows, const uint8_t *panel, size_t blocks, mx_rows x,
                                                f32x16 *sums) {
  f32x16 sum[MX_TILE_ROWS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sum[r] = (f32x16){0};
  for (size_t b = 0; b < blocks; panel += MX_GROUP) {
    const uint8_t *scales = panel, *elements = panel + MX_SCALES;
    size_t end = b + MX_BLOCKS < blocks ? b + MX_BLOCKS : blocks;
    if (rows >= MX_FETCHING_ROWS) __builtin_prefetch(panel + MX_AHEAD, 0, 3);
    /* Few rows wait for memory whatever they do. */
    int shifted = rows >= MX_FETCHING_ROWS && x.are_ordinary && ISA(mx_ordinary_scales)(panel);
    for (; b < end; b++, scales += MX_ROWS, elements += MX_ELEMENTS) {
      if (shifted) {
        ISA(mx_block)(rows, 1, scales, elements, x, sum);
      } else {
        ISA(mx_block)(rows, 0, scales, elements, x, sum);
      }
      x.codes += x.stride * MX_BLOCK, x.scales += x.stride, x.offsets += x.stride;
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r] = sum[r];
}

/* The same for a few rows and MX_STREAMS panels that lie `distance` bytes apart: sums[panel * rows + row]. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_streams)(const int rows, const uint8_t *panel, size_t distance,
                                                   size_t blocks, mx_rows x, f32x16 *sums) {
  f32x16 sum[MX_STREAMS][MX_STREAM_ROWS];
#pragma clang loop unroll(full)
  for (int s = 0; s < MX_STREAMS; s++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sum[s][r] = (f32x16){0};
  }
  for (size_t b = 0; b < blocks; panel += MX_GROUP) {
    const uint8_t *scales = panel, *elements = panel + MX_SCALES;
    size_t end = b + MX_BLOCKS < blocks ? b + MX_BLOCKS : blocks;
    for (; b < end; b++, scales += MX_ROWS, elements += MX_ELEMENTS) {
#pragma clang loop unroll(full)
      for (int s = 0; s < MX_STREAMS; s++) {
        ISA(mx_block)(rows, 0, scales + (size_t)s * distance, elements + (size_t)s * distance, x, sum[s]);
      }
      x.codes += x.stride * MX_BLOCK, x.scales += x.stride, x.offsets += x.stride;
    }
  }
#pragma clang loop unroll(full)
  for (int s = 0; s < MX_STREAMS; s++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sums[s * rows + r] = sum[s][r];
  }
}

#elif WIDENED_HALVES == 8

#define MX_TILE_ROWS 3
#define MX_STREAMS 1

LANES_ALWAYS_INLINE ISA_TARGET __m256i ISA(mx_dot)(const __m256i *w, const int8_t *codes, int32_t offset) {
  __m256i sum = _mm256_set1_epi32(offset);
  /* Sums of two products are at most 2 * 24 * 127, so that four of them fit sixteen bits. */
#pragma clang loop unroll(full)
  for (int half = 0; half < 8; half += 4) {
    __m256i pairs = {0};
#pragma clang loop unroll(full)
    for (int i = half; i < half + 4; i++) {
      int32_t word;
      __builtin_memcpy(&word, codes + 4 * i, sizeof word);
      __m256i products = _mm256_maddubs_epi16(w[i], _mm256_set1_epi32(word));
      pairs = i == half ? products : _mm256_add_epi16(pairs, products);
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  return sum;
}

/* Eight rows of the panel at a time, so that a block's weights stay in registers. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_tile)(const int rows, const uint8_t *panel, size_t blocks, mx_rows x,
                                                f32x16 *sums) {
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256 sum[MX_TILE_ROWS][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm256_setzero_ps();
  for (size_t b = 0; b < blocks; b++) {
    const uint8_t *elements = panel + mx_elements_at(b);
    f32x16 half_scales = ISA(mx_half_scales)(panel + mx_scales_at(b));
    __m256 scale[2];
    __builtin_memcpy(scale, &half_scales, sizeof half_scales);
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      __m256i w[8];
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(elements + 64 * i + 32 * half));
        w[2 * i] = _mm256_shuffle_epi8(table, _mm256_and_si256(bytes, nibble));
        w[2 * i + 1] = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
      }
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) {
        __m256 dot = _mm256_cvtepi32_ps(ISA(mx_dot)(w, x.codes + r * MX_BLOCK, x.offsets[r]));
        sum[r][half] = _mm256_fmadd_ps(dot, _mm256_mul_ps(scale[half], _mm256_set1_ps(x.scales[r])), sum[r][half]);
      }
    }
    x.codes += x.stride * MX_BLOCK, x.scales += x.stride, x.offsets += x.stride;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) __builtin_memcpy(&sums[r], sum[r], sizeof sums[r]);
}

#else

#define MX_TILE_ROWS 4
#define MX_STREAMS 1

LANES_ALWAYS_INLINE ISA_TARGET void ISA(mx_tile)(const int rows, const uint8_t *panel, size_t blocks, mx_rows x,
                                                f32x16 *sums) {
  for (int r = 0; r < rows; r++) sums[r] = (f32x16){0};
  for (size_t b = 0; b < blocks; b++) {
    const uint8_t *elements = panel + mx_elements_at(b);
    f32x16 half_scales = ISA(mx_half_scales)(panel + mx_scales_at(b));
    i16x16 w[MX_BLOCK];
    for (int k = 0; k < MX_BLOCK; k++) {
      u32x16 line;
      __builtin_memcpy(&line, elements + k / 8 * 64, sizeof line);
      i16x16 code = __builtin_convertvector(line >> (uint32_t)(k % 4 * 8 + k % 8 / 4 * 4) & 15, i16x16);
      /* Doubled, 0 to 4 are themselves, 5 is 6, 6 is 8, 7 is 12; comparisons give -1. */
      i16x16 magnitude = code & 7, sign = code > 7;
      magnitude -= (magnitude > 4) + (magnitude > 5) + 3 * (magnitude > 6);
      w[k] = MX_RAISED + ((magnitude ^ sign) - sign);
    }
    for (int r = 0; r < rows; r++) {
      i32x16 dot = (i32x16){0} + x.offsets[r];
      for (int k = 0; k < MX_BLOCK; k += 8) {
        i16x16 eight = {0}; /* at most 8 * 24 * 127 */
        for (int i = k; i < k + 8; i++) eight += w[i] * x.codes[r * MX_BLOCK + i];
        dot += __builtin_convertvector(eight, i32x16);
      }
      sums[r] = ISA(fma)(__builtin_convertvector(dot, f32x16), half_scales * ISA(splat)(x.scales[r]), sums[r]);
    }
    x.codes += x.stride * MX_BLOCK, x.scales += x.stride, x.offsets += x.stride;
  }
}

#endif
