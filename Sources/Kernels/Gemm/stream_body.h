/* stream_body.h - products tile by tile along whole columns.  Compiled per instruction set by gemm.c.
 *
 * Memory delivers its full rate to one long ascending stream, and less the more places are read in turn.  But one
 * column alone is a chain of dependent multiply-adds that cannot follow memory, and its weights need a load of x for
 * every vector, so a tile takes as many neighbouring columns as there are registers, to the end of their rows.  Sums
 * stay in registers all the way.  More rows than a tile has take their turns while the columns are in L2, which is also
 * the fastest way for many: the other tiles widen the same weights again, but nothing is stored on the way. */

#if TILE_ROWS == 6
#define STREAM_ROWS 6
#define STREAM_CASES(kind_)                                                          \
  STREAM_CASE(1, 8, kind_) STREAM_CASE(2, 8, kind_) STREAM_CASE(3, 8, kind_)         \
  STREAM_CASE(4, 4, kind_) STREAM_CASE(5, 4, kind_) STREAM_CASE(6, 4, kind_)
#elif TILE_ROWS == 3
#define STREAM_ROWS 3
#define STREAM_CASES(kind_) STREAM_CASE(1, 4, kind_) STREAM_CASE(2, 2, kind_) STREAM_CASE(3, 2, kind_)
#else
#define STREAM_ROWS 1
#define STREAM_CASES(kind_) STREAM_CASE(1, 2, kind_)
#endif

/* sums[r * LANES + c] (+)= x[r][start..start + count) . w[c][start..start + count), lane by lane, for rows of x that lie
 * k elements apart and columns that lie row_size bytes apart; count is a multiple of 16 unless it ends the rows.  As
 * many weights of the columns at `ahead` are brought into L2, each line by two requests half a line apart, because one
 * is dropped while too many are under way.  Constants: rows, columns, kind. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(stream_tile)(const int rows, const int columns, const int kind, const float *x,
                                                     size_t k, const char *w, const char *ahead, size_t row_size,
                                                     size_t start, size_t count, f32x16 *sums) {
  const size_t size = podium_weight_size(kind);
  _Static_assert(STREAM_ROWS <= TILE_ROWS, "sums hold a tile of the streams");
  f32x16 sum[TILE_ROWS][8];
  /* Every third column has a pointer of its own, and the two after it are one and two row sizes on, so that all fit into
   * the registers; the compiler is kept from working out more. */
  const char *at[3], *next[3];
  const float *rows_of_x[2] = {x + start, x + start + 3 * k};
#pragma clang loop unroll(full)
  for (int group = 0; group < 3; group++) {
    at[group] = w + start * size + (size_t)(3 * group) * row_size;
    next[group] = ahead + (size_t)(3 * group) * row_size;
    __asm__("" : "+r"(at[group]), "+r"(next[group]));
  }
  __asm__("" : "+r"(rows_of_x[0]), "+r"(rows_of_x[1]));
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sum[r][c] = start == 0 ? (f32x16){0} : sums[r * LANES + c];
  }
  size_t left = count;
#if defined(BYTE_DOT_PRODUCTS)
  /* Even columns by table, odd ones by conversion from halves: the two wait for different units of the processor, and
   * half and half is a third faster than either.  NaN among the latter is looked for at the end. */
  u8x64 most = {0};
  for (; kind == E4M3_SCALED && left >= 4 * LANES; left -= 4 * LANES) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c += 2) {
      const char *even = at[c / 3] + (size_t)(c % 3) * row_size;
      const char *odd = at[(c + 1) / 3] + (size_t)((c + 1) % 3) * row_size;
      const char *even_ahead = next[c / 3] + (size_t)(c % 3) * row_size;
      const char *odd_ahead = next[(c + 1) / 3] + (size_t)((c + 1) % 3) * row_size;
      __builtin_prefetch(even_ahead, 0, 2);
      __builtin_prefetch(odd_ahead, 0, 2);
      f32x16 by_table[4];
      ISA(widen_64_e4m3)(even, by_table);
      most = ISA(most_doubled)(most, odd);
#pragma clang loop unroll(full)
      for (int part = 0; part < 4; part++) {
        f32x16 converted = ISA(load_weights)(E4M3_SCALED_FINITE, odd, (size_t)part * LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
          f32x16 v = ISA(load)(rows_of_x[r / 3] + (size_t)(r % 3) * k + part * LANES);
          sum[r][c] = ISA(fma)(v, by_table[part], sum[r][c]);
          sum[r][c + 1] = ISA(fma)(v, converted, sum[r][c + 1]);
        }
      }
      __builtin_prefetch(even_ahead, 0, 2);
      __builtin_prefetch(odd_ahead, 0, 2);
    }
#pragma clang loop unroll(full)
    for (int group = 0; group < 3; group++) at[group] += 4 * LANES, next[group] += 4 * LANES;
    rows_of_x[0] += 4 * LANES, rows_of_x[1] += 4 * LANES;
  }
#endif
  for (; left >= 2 * LANES; left -= 2 * LANES) {
#pragma clang loop unroll(full)
    for (size_t half = 0; half < 2 * LANES; half += LANES) {
      if (half == 0 || size > 1) {
        size_t offset = size == sizeof(float) ? half * size : 0;
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; c++) {
          __builtin_prefetch(next[c / 3] + (size_t)(c % 3) * row_size + offset, 0, 2);
        }
      }
      f32x16 v[TILE_ROWS];
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) v[r] = ISA(load)(rows_of_x[r / 3] + (size_t)(r % 3) * k + half);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++) {
        f32x16 weights = ISA(load_weights)(kind, at[c / 3] + (size_t)(c % 3) * row_size, half);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sum[r][c] = ISA(fma)(v[r], weights, sum[r][c]);
      }
    }
#pragma clang loop unroll(full)
    for (int group = 0; group < 3; group++) at[group] += 2 * LANES * size, next[group] += 2 * LANES * size;
    rows_of_x[0] += 2 * LANES, rows_of_x[1] += 2 * LANES;
  }
  while (left > 0) {
    size_t some = left < LANES ? left : LANES;
    f32x16 v[TILE_ROWS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) v[r] = ISA(load_up_to)(rows_of_x[r / 3] + (size_t)(r % 3) * k, some);
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) {
      f32x16 weights = ISA(load_weights_up_to)(kind, at[c / 3] + (size_t)(c % 3) * row_size, 0, some);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) sum[r][c] = ISA(fma)(v[r], weights, sum[r][c]);
    }
#pragma clang loop unroll(full)
    for (int group = 0; group < 3; group++) at[group] += LANES * size;
    rows_of_x[0] += LANES, rows_of_x[1] += LANES;
    left -= some;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) sums[r * LANES + c] = sum[r][c];
  }
#if defined(BYTE_DOT_PRODUCTS)
  if (kind == E4M3_SCALED && ISA(is_nan_doubled)(most)) {
    for (int c = 1; c < columns; c += 2) {
      if (!ISA(holds_nan)(w + (size_t)c * row_size + start, count)) continue;
      for (int r = 0; r < rows; r++) sums[r * LANES + c] = ISA(splat)(__builtin_nanf(""));
    }
  }
#endif
}

/* Whether `rows` rows are streamed, tile after tile.  Widening E4M3 anew for each tile costs more than keeping float32
 * for a panel, once the rows are many. */
static int ISA(is_streamed)(int dtype, int rows) { return dtype != E4M3_SCALED || rows <= STREAM_PANEL_ROWS; }

/* The tiles of sixteen columns. */
#define STREAM_CASE(rows_, columns_, kind_)                                                                         \
  case rows_:                                                                                                       \
    for (int c = 0; c < LANES; c += columns_) {                                                                     \
      ISA(stream_tile)(rows_, columns_, kind_, x, k, w + (size_t)c * row_size, ahead + (size_t)c * row_size,        \
                       row_size, start, count, sums + c);                                                           \
    }                                                                                                               \
    break;
#define STREAM_TILES(name_, kind_)                                                                                   \
  ISA_TARGET __attribute__((noinline)) static void ISA(stream_##name_)(int rows, const float *x, size_t k,           \
                                                                      const char *w, const char *ahead,              \
                                                                      size_t row_size, size_t start, size_t count,   \
                                                                      f32x16 *sums) {                                \
    switch (rows) { STREAM_CASES(kind_) }                                                                            \
  }
STREAM_TILES(f32, PODIUM_F32)
STREAM_TILES(bf16, PODIUM_BF16)
STREAM_TILES(f16, PODIUM_F16)
STREAM_TILES(e4m3, E4M3_SCALED)
#if WIDENED_HALVES && !defined(BYTE_DOT_PRODUCTS)
STREAM_TILES(finite_e4m3, E4M3_SCALED_FINITE)
#endif

#if TILE_ROWS == 6
/* sums[c] = lanes of x . w[c] for one short row and the sixteen columns from w on, one after the other and without a
 * request for later ones: a single ascending stream is what the processor itself fetches ahead of best (k = 2048:
 * 30 GB/s of bfloat16 where eight columns with requests reach 26), as long as x stays in L1 with room to spare.  Constant: kind. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(stream_alone)(const int kind, const float *x, size_t k, const char *w,
                                                      f32x16 *sums) {
  size_t row_size = k * podium_weight_size(kind), whole = k / LANES * LANES;
  for (int c = 0; c < LANES; c++, w += row_size) {
    f32x16 sum = {0};
#pragma clang loop unroll_count(4)
    for (size_t i = 0; i < whole; i += LANES) {
      sum = ISA(fma)(ISA(load)(x + i), ISA(load_weights)(kind, w, i), sum);
    }
    if (whole < k) {
      sum = ISA(fma)(ISA(load_part)(x + whole, k - whole), ISA(load_weights_part)(kind, w, whole, k - whole), sum);
    }
    sums[c] = sum;
  }
}

#define STREAM_ALONE(name_, kind_)                                                                           \
  ISA_TARGET __attribute__((noinline)) static void ISA(stream_alone_##name_)(const float *x, size_t k,       \
                                                                             const char *w, f32x16 *sums) {  \
    ISA(stream_alone)(kind_, x, k, w, sums);                                                                 \
  }
STREAM_ALONE(f32, PODIUM_F32)
STREAM_ALONE(bf16, PODIUM_BF16)
STREAM_ALONE(f16, PODIUM_F16)
#undef STREAM_ALONE
#endif

/* sums[r * LANES + c] = lanes of x[r] . w[c] for `rows` <= STREAM_ROWS rows and the sixteen columns from w on.  next: the
 * sixteen columns that will be wanted after them. */
ISA_TARGET static void ISA(stream)(int dtype, int rows, const float *x, size_t k, const char *w, const char *next,
                                   f32x16 *sums) {
#if TILE_ROWS == 6
  if (rows == 1 && k * sizeof(float) <= STREAM_ALONE_BYTES) {
    switch (dtype) {
    case PODIUM_F32: ISA(stream_alone_f32)(x, k, w, sums); return;
    case PODIUM_BF16: ISA(stream_alone_bf16)(x, k, w, sums); return;
    case PODIUM_F16: ISA(stream_alone_f16)(x, k, w, sums); return;
    default: break; /* E4M3 waits for its conversion, not for memory */
    }
  }
#endif
  size_t size = podium_weight_size(dtype), row_size = k * size;
  size_t passes = (row_size + STREAM_BYTES - 1) / STREAM_BYTES;
  size_t pass = (k + passes * LANES - 1) / (passes * LANES) * LANES;
  for (size_t start = 0; start < k; start += pass) {
    size_t count = start + pass < k ? pass : k - start;
    const char *ahead = start + count < k ? w + (start + count) * size : next;
    switch (dtype) {
    case PODIUM_F32: ISA(stream_f32)(rows, x, k, w, ahead, row_size, start, count, sums); break;
    case PODIUM_BF16: ISA(stream_bf16)(rows, x, k, w, ahead, row_size, start, count, sums); break;
    case PODIUM_F16: ISA(stream_f16)(rows, x, k, w, ahead, row_size, start, count, sums); break;
    default: {
#if WIDENED_HALVES && !defined(BYTE_DOT_PRODUCTS)
      int is_finite = 1;
      for (size_t c = 0; c < LANES && is_finite; c++) is_finite = !ISA(holds_nan)(w + c * row_size + start, count);
      if (is_finite) {
        ISA(stream_finite_e4m3)(rows, x, k, w, ahead, row_size, start, count, sums);
        break;
      }
#endif
      ISA(stream_e4m3)(rows, x, k, w, ahead, row_size, start, count, sums);
    }
    }
  }
}

#undef STREAM_CASE
#undef STREAM_CASES
#undef STREAM_TILES
