#include "vector_kernels.h"

#include <math.h>

/* The twin: the same computation for rows first <= row < last.  What comes before the kernel's own arguments is the same for
 * every twin. */
static void unit_rows(const mlp_grid *grid, uint64_t first, uint64_t last, float *y, const float *x, int32_t columns) {
  (void)grid;
  for (uint64_t row = first; row < last; row++) {
    const float *from = x + row * columns;
    float *to = y + row * columns;
    float sum = 0;
    for (int32_t i = 0; i < columns; i++) sum += from[i] * from[i];
    float length = sqrtf(sum);
    for (int32_t i = 0; i < columns; i++) to[i] = length > 0 ? from[i] / length : 0;
  }
}

mlp_grid unit_rows_grid(uint32_t rows) {
  return (mlp_grid){.blocks = {rows, 1, 1}, .threads = {256, 1, 1}};
}

#pragma clang diagnostic ignored "-Wc23-extensions"
static const char source[] = {
#embed "vector.hip"
};

static const mlp_kernel_family families[VECTOR_FAMILIES] = {{.name = "vector", .source = {source, sizeof source}}};

/* y pointer, x pointer, columns int32 */
static const mlp_kernel kernels[VECTOR_KERNELS] = {
    [UNIT_ROWS] = {.name = "unit_rows", .signature = "ppi", .twin = (void (*)(void))unit_rows, .family = 0}};

const mlp_kernel *vector_kernels(void) { return kernels; }
const mlp_kernel_family *vector_families(void) { return families; }
