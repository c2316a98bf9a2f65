#include "podium_numerics.h"

#include "lanes.h"

/* Rows of B that are packed at a time; the panel stays in the second-level cache. */
enum { PANEL_DEPTH = 256 };

#define ISA_BODY "products_body.h"
#include "each_isa.h"

void numerics_multiply_add(double *c, size_t c_row, const double *a, size_t a_row, size_t a_column, const double *b,
                           size_t b_row, size_t b_column, size_t rows, size_t columns, size_t depth, double sign) {
  ISA_CALL(multiply_add, c, c_row, a, a_row, a_column, b, b_row, b_column, rows, columns, depth, sign);
}

void numerics_subtract_multiple(double *y, const double *x, double factor, size_t count) {
  ISA_CALL(subtract_multiple, y, x, factor, count);
}
