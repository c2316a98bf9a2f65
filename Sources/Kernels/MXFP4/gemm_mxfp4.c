#include "podium_kernels.h"

#include "../Lanes/live.h"
#include "packed.h"
#include "quantized.h"

/* From MX_FETCHING_ROWS rows on the products take longer than the memory; what comes MX_AHEAD bytes later is then asked
 * for, as the machine looks too little ahead of a slow reader.  Fewer rows go faster without. */
#ifndef MX_AHEAD
enum { MX_FETCHING_ROWS = 5, MX_AHEAD = 2048 };
#endif
/* Up to so many rows the weights are read as several streams at once: more of them are then on their way from memory. */
#ifndef MX_STREAM_ROWS
enum { MX_STREAM_ROWS = 4 };
#endif

/* A product: the rows in use, the packed weights, the sizes. */
typedef struct {
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
  const uint8_t *w;
  int32_t max_rows, rows, k;
  size_t n;
} mx_product;

/* Some rows of a group; `stride` rows lie between a block and the next one. */
typedef struct {
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
  size_t stride;
  int are_ordinary;
} mx_rows;

/* The rows from `row` on that a tile takes: `rows` of them, at most `most`, of one group. */
static inline mx_rows mx_rows_from(const mx_product *p, int row, int most, int *rows) {
  int end = row / MX_GROUP_ROWS * MX_GROUP_ROWS + MX_GROUP_ROWS;
  if (end > p->rows) end = p->rows;
  int tiles = (end - row + most - 1) / most;
  *rows = (end - row + tiles - 1) / tiles;
  size_t at = mx_first_block(row, (size_t)p->k / MX_BLOCK);
  return (mx_rows){p->codes + at * MX_BLOCK, p->scales + at, p->offsets + at, mx_group_rows(p->max_rows, row), 0};
}

/* Panels that all rows are multiplied with before the next ones: as many as stay in L2 beside a group of rows; all of
 * `panels` where they are read once anyway. */
static inline size_t mx_panels_at_once(int rows, size_t size, size_t panels) {
  enum { L2_SHARE = 384 * 1024 };
  if (rows <= MX_GROUP_ROWS) return panels;
  return size < L2_SHARE ? L2_SHARE / size : 1;
}

/* Panels in each of the streams that some of `panels` are read as; 0 where there are too few for it, or too many rows. */
static inline size_t mx_stream_length(int rows, size_t panels, size_t streams) {
  return rows > MX_STREAM_ROWS || panels < 2 * streams ? 0 : panels / streams;
}

#define ISA_WITH_VNNI
#define ISA_BODY "../MXFP4/gemm_mxfp4_body.h"
#include "../Lanes/each_isa.h"

void podium_gemm_mxfp4(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const int8_t *codes,
                       const float *scales, const int32_t *offsets, const void *w, const float *bias,
                       const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  (void)grid;
  mx_product p = {codes, scales, offsets, w, max_rows, podium_live(live, max_rows), k, (size_t)n};
  if (last_block > mx_panels(n)) last_block = mx_panels(n);
  if (first_block >= last_block) return;
  ISA_CALL(mx_linear, y, p, bias, accumulate, first_block, last_block);
}

/* mxfp4_gfx950.h takes a panel and 64 rows in a block, 256 rows at most, or tiles of 128 rows and four panels; blocks
 * that the rows of a step leave without work return at once. */
static mlp_grid mx950_grid(int32_t max_rows, uint32_t panels) {
  uint32_t passes = podium_ceiling(max_rows < 256 ? max_rows : 256, 64);
  uint32_t tiles = max_rows > 64 ? (panels + 3) / 4 * podium_ceiling(max_rows, 128) : 0;
  return (mlp_grid){.blocks = {panels * passes > tiles ? panels * passes : tiles, 1, 1}, .threads = {512, 1, 1}};
}

mlp_grid podium_grid_gemm_mxfp4(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  (void)k;
  /* mxfp4.hip takes two panels in a block. */
  uint32_t pairs = podium_ceiling(n, 2 * MX_ROWS);
  if (backend == PODIUM_BACKEND_GFX950) return mx950_grid(max_rows, pairs);
  if (backend != PODIUM_BACKEND_CPU) return (mlp_grid){.blocks = {pairs, 1, 1}, .threads = {512, 1, 1}};
  return (mlp_grid){.blocks = {podium_ceiling(n, MX_ROWS), 1, 1}, .threads = {1, 1, 1}};
}

void podium_gemm_mxfp4_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h,
                                 const int8_t *codes, const float *scales, const int32_t *offsets, const void *w,
                                 const int32_t *live, int32_t max_rows, int32_t n, int32_t k) {
  (void)grid;
  mx_product p = {codes, scales, offsets, w, max_rows, podium_live(live, max_rows), k, (size_t)n};
  if (last_block > mx_panels(n)) last_block = mx_panels(n);
  if (first_block >= last_block) return;
  ISA_CALL(mx_gate, h, p, first_block, last_block);
}

mlp_grid podium_grid_gemm_mxfp4_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  uint32_t pairs = podium_ceiling(n, MX_ROWS);
  if (backend == PODIUM_BACKEND_GFX950) return mx950_grid(max_rows, pairs);
  if (backend != PODIUM_BACKEND_CPU) return (mlp_grid){.blocks = {pairs, 1, 1}, .threads = {512, 1, 1}};
  return podium_grid_gemm_mxfp4(backend, max_rows, n, k);
}
