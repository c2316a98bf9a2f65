/* products_body.h - products in double for one instruction set. */

/* One tile of C: `rows` <= TILE_ROWS rows and TILE_VECTORS vectors, from a packed panel of B. */
LANES_ALWAYS_INLINE ISA_TARGET void ISA(tile)(double *c, size_t c_row, const double *a, size_t a_row, size_t a_column,
                                             const double *panel, size_t depth, double sign, int rows) {
  f64x8 sums[TILE_ROWS][TILE_VECTORS];
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < TILE_VECTORS; v++) __builtin_memcpy(&sums[i][v], c + i * c_row + 8 * v, sizeof(f64x8));
  }
  for (size_t k = 0; k < depth; k++) {
    f64x8 b[TILE_VECTORS];
    __builtin_memcpy(b, panel + k * 8 * TILE_VECTORS, sizeof b);
    for (int i = 0; i < rows; i++) {
      f64x8 factor = (f64x8){0} + sign * a[i * a_row + k * a_column];
      for (int v = 0; v < TILE_VECTORS; v++) sums[i][v] = __builtin_elementwise_fma(factor, b[v], sums[i][v]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < TILE_VECTORS; v++) __builtin_memcpy(c + i * c_row + 8 * v, &sums[i][v], sizeof(f64x8));
  }
}

static ISA_TARGET void ISA(multiply_add)(double *c, size_t c_row, const double *a, size_t a_row, size_t a_column,
                                         const double *b, size_t b_row, size_t b_column, size_t rows, size_t columns,
                                         size_t depth, double sign) {
  enum { WIDTH = 8 * TILE_VECTORS };
  double panel[PANEL_DEPTH * WIDTH];
  for (size_t k0 = 0; k0 < depth; k0 += PANEL_DEPTH) {
    size_t part = depth - k0 < PANEL_DEPTH ? depth - k0 : PANEL_DEPTH;
    for (size_t j0 = 0; j0 < columns; j0 += WIDTH) {
      size_t width = columns - j0 < WIDTH ? columns - j0 : WIDTH;
      for (size_t k = 0; k < part; k++) {
        const double *from = b + (k0 + k) * b_row + j0 * b_column;
        for (size_t j = 0; j < width; j++) panel[k * WIDTH + j] = from[j * b_column];
        for (size_t j = width; j < WIDTH; j++) panel[k * WIDTH + j] = 0;
      }
      for (size_t i = 0; i < rows; i += TILE_ROWS) {
        int height = (int)(rows - i < TILE_ROWS ? rows - i : TILE_ROWS);
        const double *from = a + i * a_row + k0 * a_column;
        double *to = c + i * c_row + j0;
        if (width == WIDTH && height == TILE_ROWS) {
          ISA(tile)(to, c_row, from, a_row, a_column, panel, part, sign, TILE_ROWS);
          continue;
        }
        double edge[TILE_ROWS * WIDTH] = {0};
        for (int r = 0; r < height; r++) {
          __builtin_memcpy(edge + r * WIDTH, to + (size_t)r * c_row, width * sizeof(double));
        }
        ISA(tile)(edge, WIDTH, from, a_row, a_column, panel, part, sign, height);
        for (int r = 0; r < height; r++) {
          __builtin_memcpy(to + (size_t)r * c_row, edge + r * WIDTH, width * sizeof(double));
        }
      }
    }
  }
}

static ISA_TARGET void ISA(subtract_multiple)(double *y, const double *x, double factor, size_t count) {
  f64x8 factors = (f64x8){0} - factor;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    f64x8 to, from;
    __builtin_memcpy(&to, y + i, sizeof to);
    __builtin_memcpy(&from, x + i, sizeof from);
    to = __builtin_elementwise_fma(factors, from, to);
    __builtin_memcpy(y + i, &to, sizeof to);
  }
  for (; i < count; i++) y[i] = __builtin_fma(-factor, x[i], y[i]);
}
