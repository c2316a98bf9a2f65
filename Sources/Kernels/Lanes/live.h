/* live.h - the number of rows that count in this step. */
#ifndef PODIUM_LIVE_H
#define PODIUM_LIVE_H

#include <stdint.h>

static inline int32_t podium_live(const int32_t *live, int32_t max_rows) {
  int32_t rows = *live;
  if (rows > max_rows) rows = max_rows;
  return rows < 0 ? 0 : rows;
}

/* The end of the blocks to compute when one block is one row. */
static inline uint64_t podium_last_row(const int32_t *live, int32_t max_rows, uint64_t last_block) {
  uint64_t rows = (uint64_t)podium_live(live, max_rows);
  return last_block < rows ? last_block : rows;
}

static inline uint32_t podium_ceiling(int32_t value, int32_t step) {
  return value <= 0 ? 0 : (uint32_t)(((int64_t)value + step - 1) / step);
}

#endif
