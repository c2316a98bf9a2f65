#include "podium_kernels.h"

#include "../Lanes/live.h"
#include "gemm_sizes.h"

/* The rows of x: float32, or E4M3 codes where these are not NULL; and the factor of finished sums that is theirs. */
typedef struct {
  const float *values;
  const uint8_t *codes;
  float scale;
} product_input;

#define ISA_BODY "../Gemm/gemm_body.h"
#define ISA_WITH_VNNI
#include "../Lanes/each_isa.h"

enum { GATE_COLUMNS = BLOCK_COLUMNS / 2 };

/* How products take weights of a podium_dtype. */
static int32_t kind_of(int32_t dtype) { return dtype == PODIUM_F8E4M3 ? E4M3_SCALED : dtype; }

/* The column at which a block begins; n beyond the last. */
static size_t column_of(uint64_t block, int32_t n, int32_t columns) {
  return block < podium_ceiling(n, columns) ? (size_t)block * (size_t)columns : (size_t)n;
}

/* The blocks of gemm.hip for `matrices` weight matrices of n rows each: few rows of x by 32 columns, many by tiles. */
static mlp_grid gpu_grid(int32_t max_rows, int32_t n, int32_t matrices) {
  enum { SKINNY_ROWS = 64, SKINNY_COLUMNS = 32, TILE = 128, THREADS = 512 };
  int wide = max_rows > SKINNY_ROWS;
  uint32_t columns = podium_ceiling(n, (wide ? TILE : SKINNY_COLUMNS) / matrices);
  return (mlp_grid){.blocks = {columns, wide ? podium_ceiling(max_rows, TILE) : 1, 1}, .threads = {THREADS, 1, 1}};
}

void podium_gemm(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *y,
                 const float *x, const void *w, const float *scales, const void *bias, int32_t bias_dtype,
                 const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  (void)grid;
  int32_t rows = podium_live(live, max_rows);
  if (rows == 0) return;
  product_input input = {.values = x, .scale = 1};
  ISA_CALL(gemm_columns, kind_of(dtype), y, &input, w, scales, bias, bias_dtype, rows, (size_t)n, (size_t)k,
           column_of(first_block, n, BLOCK_COLUMNS), column_of(last_block, n, BLOCK_COLUMNS), accumulate);
}

mlp_grid podium_grid_gemm(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  (void)k;
  if (backend != PODIUM_BACKEND_CPU) return gpu_grid(max_rows, n, 1);
  return (mlp_grid){.blocks = {podium_ceiling(n, BLOCK_COLUMNS), 1, 1}, .threads = {1, 1, 1}};
}

void podium_gemm_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *h,
                           const float *x, const void *gate, const void *up, const float *gate_scales,
                           const float *up_scales, const int32_t *live, int32_t max_rows, int32_t n, int32_t k) {
  (void)grid;
  int32_t rows = podium_live(live, max_rows);
  if (rows == 0) return;
  product_input input = {.values = x, .scale = 1};
  ISA_CALL(gate_columns, kind_of(dtype), h, &input, gate, up, gate_scales, up_scales, rows, (size_t)n, (size_t)k,
           column_of(first_block, n, GATE_COLUMNS), column_of(last_block, n, GATE_COLUMNS));
}

mlp_grid podium_grid_gemm_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  (void)k;
  if (backend != PODIUM_BACKEND_CPU) return gpu_grid(max_rows, n, 2);
  return (mlp_grid){.blocks = {podium_ceiling(n, GATE_COLUMNS), 1, 1}, .threads = {1, 1, 1}};
}

/* ---- E4M3 codes as activations ---------------------------------------------------------------------------------- */

void podium_gemm_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const uint8_t *codes,
                     float x_scale, const void *w, const float *scales, const void *bias, int32_t bias_dtype,
                     const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate) {
  (void)grid;
  int32_t rows = podium_live(live, max_rows);
  if (rows == 0) return;
  product_input input = {.codes = codes, .scale = x_scale};
  ISA_CALL(gemm_columns, E4M3_SCALED, y, &input, w, scales, bias, bias_dtype, rows, (size_t)n, (size_t)k,
           column_of(first_block, n, BLOCK_COLUMNS), column_of(last_block, n, BLOCK_COLUMNS), accumulate);
}

/* The blocks of fp8.hip for `matrices` weight matrices of n rows each: up to 128 rows of x by 32 columns; more by tiles
 * of 128 x 64, or of 256 x 128 once there is one of these for every compute unit. */
static mlp_grid fp8_grid(int32_t max_rows, int32_t n, int32_t matrices) {
  enum { SKINNY_ROWS = 128, SKINNY_COLUMNS = 32, ENOUGH_BLOCKS = 256, THREADS = 512 };
  mlp_grid grid = {.blocks = {podium_ceiling(n, SKINNY_COLUMNS / matrices), 1, 1}, .threads = {THREADS, 1, 1}};
  if (max_rows <= SKINNY_ROWS) return grid;
  for (int rows = 256; rows >= 128; rows /= 2) {
    grid.blocks[0] = podium_ceiling(n, rows / 2 / matrices);
    grid.blocks[1] = podium_ceiling(max_rows, rows);
    if ((uint64_t)grid.blocks[0] * grid.blocks[1] >= ENOUGH_BLOCKS) break;
  }
  return grid;
}

mlp_grid podium_grid_gemm_fp8(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  return backend == PODIUM_BACKEND_CPU ? podium_grid_gemm(backend, max_rows, n, k) : fp8_grid(max_rows, n, 1);
}

void podium_gemm_fp8_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h,
                               const uint8_t *codes, float x_scale, const void *gate, const void *up,
                               const float *gate_scales, const float *up_scales, const int32_t *live,
                               int32_t max_rows, int32_t n, int32_t k) {
  (void)grid;
  int32_t rows = podium_live(live, max_rows);
  if (rows == 0) return;
  product_input input = {.codes = codes, .scale = x_scale};
  ISA_CALL(gate_columns, E4M3_SCALED, h, &input, gate, up, gate_scales, up_scales, rows, (size_t)n, (size_t)k,
           column_of(first_block, n, GATE_COLUMNS), column_of(last_block, n, GATE_COLUMNS));
}

mlp_grid podium_grid_gemm_fp8_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k) {
  return backend == PODIUM_BACKEND_CPU ? podium_grid_gemm_silu_gate(backend, max_rows, n, k) : fp8_grid(max_rows, n, 2);
}
