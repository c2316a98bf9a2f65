/* quantized.h - how quantised rows lie in memory for the products.
 *
 * Rows go in groups of sixteen, the last of which may be smaller, and within a group block by block: the codes of a
 * block are [rows of the group][32], its scales and offsets [rows of the group].  So a tile of rows reads one stream of
 * each.  podium_quantized_block gives the place of one row's block among the scales; its codes start at 32 times that. */
#ifndef PODIUM_QUANTIZED_H
#define PODIUM_QUANTIZED_H

#include <stddef.h>
#include <stdint.h>

enum { MX_GROUP_ROWS = 16 };

/* Rows of the group that holds `row`. */
static inline size_t mx_group_rows(int32_t max_rows, int32_t row) {
  int32_t rest = max_rows - row / MX_GROUP_ROWS * MX_GROUP_ROWS;
  return rest < MX_GROUP_ROWS ? (size_t)rest : MX_GROUP_ROWS;
}

/* The place of a row's first block; the next one lies mx_group_rows further. */
static inline size_t mx_first_block(int32_t row, size_t blocks) {
  return (size_t)(row / MX_GROUP_ROWS * MX_GROUP_ROWS) * blocks + (size_t)(row % MX_GROUP_ROWS);
}

#endif
