/* The kernels of the workload: what the host is told of them, and the grid that each is launched with. */
#ifndef VECTOR_KERNELS_H
#define VECTOR_KERNELS_H

#include <mlp_plugin.h>

enum { UNIT_ROWS = 0, VECTOR_KERNELS = 1, VECTOR_FAMILIES = 1 };

/* `rows` rows of `columns` floats: a block for each row, on every device. */
mlp_grid unit_rows_grid(uint32_t rows);

const mlp_kernel *vector_kernels(void); /* VECTOR_KERNELS of them */
const mlp_kernel_family *vector_families(void); /* VECTOR_FAMILIES of them */

#endif
