#include "podium_kernels.h"

#include "../Lanes/live.h"
#include "packed.h"

enum {
  /* Packed panels whose unfinished sums are kept at once; even, so that gate and up stay together. */
  GROUP_PANELS = 16,
  /* Rows that share one reading of the weights from memory, where there are more than a tile holds. */
  CHUNK_ROWS = 64,
  /* Blocks of k in a pass over a group when there are several tiles of rows: their activations stay in L1, and the
   * weights of the group in L2 from tile to tile. */
  PASS_BLOCKS = 32,
  /* Bytes of activations in a pass when there is one tile: the weights are read once, in runs as long as possible. */
  PASS_BYTES = 64 * 1024,
  /* Rows in a tile, at most. */
  MX_TILE_MAX = 16
};

/* Quantised rows [rows, k]. */
typedef struct {
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
  size_t k;
} mx_activations;

/* Some rows, block by block: [blocks][rows][32] codes, and [blocks][rows] of the others. */
typedef struct {
  const int8_t *codes;
  const float *scales;
  const int32_t *offsets;
} mx_tile;

typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int16_t i16x16 __attribute__((vector_size(32)));

#define ISA_WITH_VNNI
#define ISA_BODY "../MXFP4/gemm_mxfp4_body.h"
#include "../Lanes/each_isa.h"

void podium_gemm_mxfp4(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const int8_t *codes,
                       const float *scales, const int32_t *offsets, const void *w, const float *bias,
                       const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  (void)grid;
  mx_activations x = {codes, scales, offsets, (size_t)k};
  if (last_block > mx_panels(n)) last_block = mx_panels(n);
  if (first_block >= last_block) return;
  ISA_CALL(mx_linear, y, x, podium_live(live, max_rows), w, bias, (size_t)n, accumulate, first_block, last_block);
}

mlp_grid podium_grid_gemm_mxfp4(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  (void)backend, (void)max_rows, (void)k;
  return (mlp_grid){.blocks = {podium_ceiling(n, MX_ROWS), 1, 1}, .threads = {1, 1, 1}};
}

void podium_gemm_mxfp4_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h,
                                 const int8_t *codes, const float *scales, const int32_t *offsets, const void *w,
                                 const int32_t *live, int32_t max_rows, int32_t n, int32_t k) {
  (void)grid;
  mx_activations x = {codes, scales, offsets, (size_t)k};
  if (last_block > mx_panels(n)) last_block = mx_panels(n);
  if (first_block >= last_block) return;
  ISA_CALL(mx_gate, h, x, podium_live(live, max_rows), w, (size_t)n, first_block, last_block);
}

mlp_grid podium_grid_gemm_mxfp4_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  return podium_grid_gemm_mxfp4(backend, max_rows, n, k);
}
