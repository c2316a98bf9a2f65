/* podium_kernels.h - the compute kernels that model code launches, as plain-C twins for the CPU.
 *
 * A twin computes the blocks first_block <= b < last_block of a grid, counted x fastest.  It allocates nothing, keeps
 * no state, and may run on any number of threads for disjoint ranges of one grid; the result has the same bits however
 * the blocks are split, whatever rows share a launch, and on every instruction set (docs/numerics.md gives the rule).
 *
 * Common to all kernels:
 *   - Matrices are row-major and dense.  Activations are float32.  Weights are float32, bfloat16, IEEE half or E4M3
 *     (podium_dtype) in the layout of the safetensors file and need no more alignment than their element has.
 *   - Arguments and grids are constants of a recorded step; what changes from step to step is read through pointers.
 *     `live` points at the number of rows that count now; it is clamped to 0..max_rows, and blocks beyond it return
 *     at once.  max_rows is what the grid was made for.
 *   - Sizes are positive and indices in range unless a comment says what happens otherwise: a twin checks only what
 *     it says it checks, because it runs on validated models and on page tables of the engine's making.
 *   - Outputs overlap no input unless a comment allows it.
 *
 * Signature letters: p pointer, i int32_t, l int64_t, f float, d double. */
#ifndef PODIUM_KERNELS_H
#define PODIUM_KERNELS_H

#include "mlp_plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element type of a weight tensor.  F8E4M3 is that of OCP: bias 7, no infinity, NaN 0x7f and 0xff. */
typedef enum podium_dtype { PODIUM_F32 = 0, PODIUM_BF16 = 1, PODIUM_F16 = 2, PODIUM_F8E4M3 = 3 } podium_dtype;

/* What grids, and where a comment says so layouts, are made for. */
typedef enum podium_backend {
  PODIUM_BACKEND_CPU = 0,
  PODIUM_BACKEND_GPU = 1, /* any GPU */
  PODIUM_BACKEND_GFX950 = 2 /* a GPU whose matrix cores multiply FP4 and FP8 with block scales (CDNA 4) */
} podium_backend;

/* The one for a kind of device (MLP_DEVICE_...) and its architecture ("gfx950", "sm_90"). */
podium_backend podium_backend_of(int32_t device_kind, const char *architecture);

/* Indices into podium_kernels(). */
typedef enum podium_kernel {
  PODIUM_EMBEDDING = 0,
  PODIUM_RMS_NORM = 1,
  PODIUM_GEMM = 2,
  PODIUM_GEMM_SILU_GATE = 3,
  PODIUM_ROPE_TABLES = 4,
  PODIUM_ROPE_APPEND = 5,
  PODIUM_PAGED_ATTENTION = 6,
  PODIUM_ARGMAX = 7,
  PODIUM_ROUND_TO_FP8 = 8,
  PODIUM_QUANTIZE_ROWS = 9,
  PODIUM_RMS_NORM_QUANTIZE = 10,
  PODIUM_GEMM_MXFP4 = 11,
  PODIUM_GEMM_MXFP4_SILU_GATE = 12,
  PODIUM_ADD = 13,
  PODIUM_SILU_GATE = 14,
  PODIUM_BEGIN_STEP = 15,
  PODIUM_QUANTIZE_FP8 = 16,
  PODIUM_RMS_NORM_QUANTIZE_FP8 = 17,
  PODIUM_GEMM_FP8 = 18,
  PODIUM_GEMM_FP8_SILU_GATE = 19,
  PODIUM_ATTENTION_JOIN = 20,
  PODIUM_KERNEL_COUNT = 21
} podium_kernel;

/* Every kernel with its name, signature and twin, in the order of podium_kernel; `family` indexes podium_families().
 * Both tables live as long as the process. */
const mlp_kernel *podium_kernels(uint32_t *count);
const mlp_kernel_family *podium_families(uint32_t *count);

/* The instruction sets that the twins are compiled for.  The best one that the machine has is taken at the first
 * call; all give the same bits.  AVX512VNNI is AVX512 with the 8-bit dot products (VNNI) and byte permutations (VBMI)
 * of Ice Lake and Zen 4; the kernels that have no use for them run as with AVX512. */
typedef enum podium_isa {
  PODIUM_ISA_PLAIN = 0,
  PODIUM_ISA_AVX2 = 1,
  PODIUM_ISA_AVX512 = 2,
  PODIUM_ISA_AVX512VNNI = 3,
  PODIUM_ISA_COUNT = 4
} podium_isa;

/* Whether this machine can run `isa`. */
bool podium_has_isa(podium_isa isa);
/* The one in use. */
podium_isa podium_active_isa(void);
/* Uses `isa` from the next call of a twin on, in the whole process: for tests and measurements.  False, and nothing
 * changes, if the machine lacks it. */
bool podium_select_isa(podium_isa isa);

/* ---- Embedding ------------------------------------------------------------------------------------------------- */

/* out[row, 0..width) = table[tokens[row], 0..width) as float32, for row < *live.
 *   dtype   element type of the table
 *   out     float32 [max_rows, width]
 *   table   [vocabulary, width]
 *   tokens  int32 [max_rows]; a token outside 0..vocabulary-1 yields a row of quiet NaN
 *   live    int32 [1] */
#define PODIUM_EMBEDDING_SIGNATURE "ippppiii"
void podium_embedding(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *out,
                      const void *table, const int32_t *tokens, const int32_t *live, int32_t max_rows,
                      int32_t vocabulary, int32_t width);
mlp_grid podium_grid_embedding(podium_backend backend, int32_t max_rows);

/* What a step brings is put where its kernels look for it: tokens[row] = chosen[-1 - tokens[row]] for row < *live whose
 * token is negative, which the step before left on the device; and page_table[changes[i, 0]] = changes[i, 1] for
 * i < *live_changes.
 *   tokens        int32 [max_rows], in place
 *   chosen        int32 [any], of podium_argmax; not read where no token is negative
 *   live          int32 [1]
 *   page_table    int32 [any]
 *   changes       int32 [max_changes, 2]; no entry of the table occurs twice
 *   live_changes  int32 [1], clamped as live is */
#define PODIUM_BEGIN_STEP_SIGNATURE "pppipppi"
void podium_begin_step(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t *tokens,
                       const int32_t *chosen, const int32_t *live, int32_t max_rows, int32_t *page_table,
                       const int32_t *changes, const int32_t *live_changes, int32_t max_changes);
mlp_grid podium_grid_begin_step(podium_backend backend, int32_t max_rows, int32_t max_changes);

/* ---- Norm ------------------------------------------------------------------------------------------------------ */

/* RMS norm in the order of Hugging Face's Llama: with s = x[r] and r = rows ? rows[row] : row,
 * out[row, i] = weight[i] * (s[i] * (1 / sqrt(sum(s^2) / width + epsilon))), for row < *live.
 *   dtype    element type of the weight
 *   out      float32 [max_rows, width]; may be x when rows is NULL
 *   x        float32 [any, width]
 *   weight   [width]
 *   rows     int32 [max_rows], which row of x to take (the rows whose logits are wanted), or NULL
 *   live     int32 [1] */
#define PODIUM_RMS_NORM_SIGNATURE "ipppppiif"
void podium_rms_norm(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *out,
                     const float *x, const void *weight, const int32_t *rows, const int32_t *live, int32_t max_rows,
                     int32_t width, float epsilon);
mlp_grid podium_grid_rms_norm(podium_backend backend, int32_t max_rows);

/* ---- Gemm ------------------------------------------------------------------------------------------------------ */

/* y[row, i] = scales[i] * (sum over j of x[row, j] * w[i, j])  (+ bias[i])  (+ y[row, i] if accumulate), in this order,
 * for row < *live.  A linear layer; with accumulate it also adds the residual stream that y holds.
 *   dtype       element type of w
 *   y           float32 [max_rows, n]
 *   x           float32 [max_rows, k]
 *   w           [n, k]
 *   scales      float32 [n], the factor of each finished sum, or NULL
 *   bias        [n] or NULL
 *   bias_dtype  element type of bias
 *   live        int32 [1]
 *   accumulate  0 or 1 */
#define PODIUM_GEMM_SIGNATURE "ipppppipiiii"
void podium_gemm(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *y,
                 const float *x, const void *w, const float *scales, const void *bias, int32_t bias_dtype,
                 const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate);
mlp_grid podium_grid_gemm(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* h[row, i] = silu(g) * u with g = gate_scales[i] * sum_j x[row, j] * gate[i, j], u = up_scales[i] * sum_j x[row, j] *
 * up[i, j] and silu(g) = g / (1 + exp(-g)), for row < *live: both input projections of a gated MLP and its activation.
 *   dtype                   element type of gate and up
 *   h                       float32 [max_rows, n]
 *   x                       float32 [max_rows, k]
 *   gate, up                [n, k]
 *   gate_scales, up_scales  float32 [n], the factors of the finished sums; each or both may be NULL
 *   live                    int32 [1] */
#define PODIUM_GEMM_SILU_GATE_SIGNATURE "ipppppppiii"
void podium_gemm_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype, float *h,
                           const float *x, const void *gate, const void *up, const float *gate_scales,
                           const float *up_scales, const int32_t *live, int32_t max_rows, int32_t n, int32_t k);
mlp_grid podium_grid_gemm_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* ---- Rope ------------------------------------------------------------------------------------------------------ */

/* cosines[row, i] = factor * cos(a), sines[row, i] = factor * sin(a) with a = (float)positions[row] *
 * inverse_frequencies[i] rounded to float32, as Hugging Face computes it, for row < *live.  Each cosine and sine is
 * the correctly rounded one in all but rare cases (error below 0.51 ulp), then multiplied in float32.
 *   cosines, sines       float32 [max_rows, pairs]
 *   positions            int32 [max_rows]
 *   inverse_frequencies  float32 [pairs], scaling included (Llama 3.1)
 *   live                 int32 [1]
 *   pairs                head_dim / 2
 *   factor               attention factor of the scaling; 1 for Llama */
#define PODIUM_ROPE_TABLES_SIGNATURE "pppppiif"
void podium_rope_tables(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *cosines, float *sines,
                        const int32_t *positions, const float *inverse_frequencies, const int32_t *live,
                        int32_t max_rows, int32_t pairs, float factor);
mlp_grid podium_grid_rope_tables(podium_backend backend, int32_t max_rows);

/* Rotates q in place, and writes rotated k, and v as it is, into the paged cache, for row < *live.  Element i is paired
 * with element i + head_dim/2 (Hugging Face's half split): (a, b) -> (a cos - b sin, b cos + a sin).
 *   kv_dtype          element type of the cache: F32; BF16, rounded half to even; or F8E4M3, which stores the code
 *                     nearest to x / scale, ties to even, +-448 beyond the largest, NaN for NaN
 *   q                 float32 [max_rows, heads, head_dim], rotated in place
 *   k, v              float32 [max_rows, kv_heads, head_dim], read only
 *   stride            elements from a row of q to the next, and the same for k and v: the three are columns of one
 *                     matrix; 0 when each is dense on its own
 *   cosines, sines    float32 [max_rows, head_dim / 2], of podium_rope_tables
 *   slots             int32 [max_rows], sequence slot of each row
 *   positions         int32 [max_rows], position of each row in its sequence, below max_pages * page_size; a row with
 *                     a negative position only has its q rotated
 *   page_table        int32 [slots, max_pages], page of the positions j * page_size ... of each slot
 *   k_pages           on a CPU [pages, kv_heads, head_dim, page_size]: attention reads one element of sixteen keys at
 *                     once, fastest when page_size is a multiple of 16; on a GPU as v_pages
 *   v_pages           [pages, kv_heads, page_size, head_dim]
 *   k_scale, v_scale  of F8E4M3, positive; not used for the other types
 *   live              int32 [1]
 *   head_dim          even */
#define PODIUM_ROPE_APPEND_SIGNATURE "ipppipppppppffpiiiiii"
void podium_rope_append(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype, float *q,
                        const float *k, const float *v, int32_t stride, const float *cosines, const float *sines,
                        const int32_t *slots, const int32_t *positions, const int32_t *page_table, void *k_pages,
                        void *v_pages, float k_scale, float v_scale, const int32_t *live, int32_t max_rows,
                        int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t page_size, int32_t max_pages);
mlp_grid podium_grid_rope_append(podium_backend backend, int32_t max_rows);

/* ---- Attention ------------------------------------------------------------------------------------------------- */

/* Causal attention through the page table: for row < *live and every head,
 * out[row, head] = softmax over keys 0..positions[row] of (scale * q[row, head] . k) applied to v,
 * where head reads kv head  head / (heads / kv_heads).  The keys must have been appended before (own row included).
 * Consecutive rows of one slot share the reads of K and V (prefill), and so do the query heads of a kv head.
 *   kv_dtype          element type of the cache: F32, BF16, or F8E4M3 whose values are code * scale
 *   out               float32 [max_rows, heads, head_dim]
 *   q                 float32 [max_rows, heads, head_dim], rotated
 *   q_stride          elements from a row of q to the next; 0 for heads * head_dim
 *   k_pages           as podium_rope_append leaves it; memory beyond a row's position is never used in its result,
 *                     whatever it holds
 *   v_pages           as podium_rope_append leaves it
 *   k_scale, v_scale  of F8E4M3; not used for the other types
 *   page_table        int32 [slots, max_pages]; entries beyond the page of the last position are not read
 *   slots             int32 [max_rows]
 *   positions         int32 [max_rows], below max_pages * page_size; a negative one yields zeros
 *   live              int32 [1]
 *   heads             a multiple of kv_heads
 *   workspace         podium_attention_workspace_size() bytes, shared by all launches of a stream; NULL for none.  Where
 *                     podium_grid_attention_join() has blocks, out is complete after podium_attention_join alone. */
#define PODIUM_PAGED_ATTENTION_SIGNATURE "ippippffppppiiiiiifp"
void podium_paged_attention(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype,
                            float *out, const float *q, int32_t q_stride, const void *k_pages, const void *v_pages,
                            float k_scale, float v_scale, const int32_t *page_table, const int32_t *slots,
                            const int32_t *positions, const int32_t *live, int32_t max_rows, int32_t heads,
                            int32_t kv_heads, int32_t head_dim, int32_t page_size, int32_t max_pages, float scale,
                            float *workspace);
mlp_grid podium_grid_paged_attention(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                     int32_t page_size, int32_t max_pages);

/* Bytes of the workspace of launches with up to max_rows rows; 0 on a CPU, and where no sequence is long enough for two
 * parts of 512 keys.  Not initialised, and dead after podium_attention_join. */
size_t podium_attention_workspace_size(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                       int32_t head_dim, int32_t page_size, int32_t max_pages);

/* Joins what a launch of podium_paged_attention with few rows left in the workspace: it cuts the keys of a row into
 * parts of 512 by position, each a block of its own, so that a long sequence fills a GPU.  For row < *live with more
 * than one part, every head and d < head_dim:
 * out[row, head, d] = value_scale * sum over parts of (results[row, part, head, d] * e^(m - M)) / sum over parts of
 * (total * e^(m - M)), with (m, total) = statistics[row, part, head], M the largest m, and parts ascending.
 * Other rows are left alone.
 *   kv_dtype          element type of the cache; value_scale is v_scale for F8E4M3, else 1
 *   out               float32 [max_rows, heads, head_dim]
 *   workspace         float32 [max_rows, parts, heads, head_dim] of results, then [max_rows, parts, heads, 2] of
 *                     statistics, with parts = context / 512, rounded up
 *   positions         int32 [max_rows]
 *   live              int32 [1]
 *   context           max_pages * page_size of the launch before */
#define PODIUM_ATTENTION_JOIN_SIGNATURE "ippfppiiii"
void podium_attention_join(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t kv_dtype, float *out,
                           const float *workspace, float v_scale, const int32_t *positions, const int32_t *live,
                           int32_t max_rows, int32_t heads, int32_t head_dim, int32_t context);
/* No blocks where there is nothing to join: on a CPU, and for launches whose blocks take all parts of their rows. */
mlp_grid podium_grid_attention_join(podium_backend backend, int32_t max_rows, int32_t heads, int32_t kv_heads,
                                    int32_t head_dim, int32_t page_size, int32_t max_pages);

/* ---- Argmax ---------------------------------------------------------------------------------------------------- */

/* tokens[row] = index of the largest of x[row, 0..width), for row < *live.  The lowest index wins among equals; NaN
 * counts as larger than every number, as in PyTorch, so a broken model shows instead of hiding.  In a row with
 * excludes[row] != 0 the excluded indices count as smaller than everything else, minus infinity included.
 *   tokens          int32 [max_rows]
 *   x               float32 [max_rows, width]
 *   live            int32 [1]
 *   excludes        int32 [max_rows]; NULL when excluded_count is 0
 *   excluded        int32 [excluded_count], a few: each element of such a row is compared with all of them */
#define PODIUM_ARGMAX_SIGNATURE "pppiippi"
void podium_argmax(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t *tokens, const float *x,
                   const int32_t *live, int32_t max_rows, int32_t width, const int32_t *excludes,
                   const int32_t *excluded, int32_t excluded_count);
mlp_grid podium_grid_argmax(podium_backend backend, int32_t max_rows);

/* ---- Round ----------------------------------------------------------------------------------------------------- */

/* out[row, i] = scale * value(code(x[row, i] / scale)) for row < *live, where code rounds to the nearest E4M3, ties to
 * even, and to +-448 beyond it; NaN stays NaN.  What FP8 activations and outputs with a static scale come to.  Quotient
 * and product are rounded to float32 each.
 *   out    float32 [max_rows, width]; may be x
 *   x      float32 [max_rows, width]
 *   scale  positive and finite
 *   live   int32 [1] */
#define PODIUM_ROUND_TO_FP8_SIGNATURE "ppfpii"
void podium_round_to_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *out, const float *x,
                         float scale, const int32_t *live, int32_t max_rows, int32_t width);
mlp_grid podium_grid_round_to_fp8(podium_backend backend, int32_t max_rows);

/* ---- FP8 ------------------------------------------------------------------------------------------------------- */

/* Linear layers whose weights are E4M3 and whose activations are E4M3 codes under one static scale: what
 * podium_round_to_fp8 followed by podium_gemm computes, with the codes multiplied as such, so that matrix cores take
 * them without widening.
 *
 * Codes of activations pass between these kernels on one device: zero of either sign is 0x00, and NaN is what the matrix
 * cores of the device read as such (0x7f or 0xff; on gfx942, whose encoding is FNUZ, 0x80). */

/* codes[row, i] = code(x[row, i] / scale) with the code of podium_round_to_fp8, for row < *live.
 *   codes  uint8 [max_rows, width]
 *   x      float32 [max_rows, width]
 *   scale  positive and finite
 *   live   int32 [1] */
#define PODIUM_QUANTIZE_FP8_SIGNATURE "ppfpii"
void podium_quantize_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, uint8_t *codes,
                         const float *x, float scale, const int32_t *live, int32_t max_rows, int32_t width);
mlp_grid podium_grid_quantize_fp8(podium_backend backend, int32_t max_rows);

/* podium_rms_norm with its result as codes instead of numbers: the same codes as podium_rms_norm followed by
 * podium_quantize_fp8.
 *   dtype   element type of the weight
 *   codes   uint8 [max_rows, width]
 *   x       float32 [any, width]
 *   weight  [width]
 *   scale   positive and finite
 *   rows    int32 [max_rows], which row of x to take, or NULL
 *   live    int32 [1] */
#define PODIUM_RMS_NORM_QUANTIZE_FP8_SIGNATURE "ipppfppiif"
void podium_rms_norm_quantize_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t dtype,
                                  uint8_t *codes, const float *x, const void *weight, float scale,
                                  const int32_t *rows, const int32_t *live, int32_t max_rows, int32_t width,
                                  float epsilon);
mlp_grid podium_grid_rms_norm_quantize_fp8(podium_backend backend, int32_t max_rows);

/* y[row, i] = (scales[i] * x_scale) * (sum over j of code(x)[row, j] * code(w)[i, j])  (+ bias[i])  (+ y[row, i] if
 * accumulate), in this order, for row < *live; the values of the codes are multiplied, exactly.
 *   y           float32 [max_rows, n]
 *   codes       uint8 [max_rows, k], as podium_quantize_fp8 leaves them
 *   x_scale     that of the codes
 *   w           uint8 [n, k], E4M3
 *   scales      float32 [n], or NULL for ones
 *   bias        [n] or NULL
 *   bias_dtype  element type of bias
 *   live        int32 [1]
 *   accumulate  0 or 1 */
#define PODIUM_GEMM_FP8_SIGNATURE "ppfpppipiiii"
void podium_gemm_fp8(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const uint8_t *codes,
                     float x_scale, const void *w, const float *scales, const void *bias, int32_t bias_dtype,
                     const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate);
mlp_grid podium_grid_gemm_fp8(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* h[row, i] = silu(g) * u as podium_gemm_silu_gate, with the products g and u of podium_gemm_fp8.
 *   h                       float32 [max_rows, n]
 *   codes                   uint8 [max_rows, k], as podium_quantize_fp8 leaves them
 *   x_scale                 that of the codes
 *   gate, up                uint8 [n, k], E4M3
 *   gate_scales, up_scales  float32 [n]; each or both may be NULL
 *   live                    int32 [1] */
#define PODIUM_GEMM_FP8_SILU_GATE_SIGNATURE "ppfpppppiii"
void podium_gemm_fp8_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h,
                               const uint8_t *codes, float x_scale, const void *gate, const void *up,
                               const float *gate_scales, const float *up_scales, const int32_t *live,
                               int32_t max_rows, int32_t n, int32_t k);
mlp_grid podium_grid_gemm_fp8_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* ---- MXFP4 ----------------------------------------------------------------------------------------------------- */

/* Linear layers whose weights are OCP MXFP4 (E2M1 elements, one E8M0 scale for 32 of them along k) and whose
 * activations are quantised row by row in the same blocks of 32.  k is a multiple of 32 everywhere.
 *
 * What a quantised activation is: x[row, j] stands for a code times the scale of its block.  `offsets` is
 * -12 * (sum of the block's codes), with which a product starts a block's integer sum: it reads the weights as the
 * unsigned 2 * w + 12.
 *
 * Where it lies: rows go in groups of sixteen (the last one may be smaller), in a group block by block, so that a tile
 * of rows reads one stream.  The index of (row, block) in `scales` and `offsets` is podium_quantized_block, and its 32
 * codes start at 32 times that.  max_rows is part of the layout: whoever writes and whoever reads give the same.
 *
 * PODIUM_BACKEND_GFX950 has a layout of its own, for its scaled matrix instruction, in the same buffers.  There an
 * activation is MXFP4 and nothing else: element times 2^(scale code - 127).  The 32 elements of a block are 16 bytes of
 * E2M1 codes (first element in the low half of a byte) at 16 times podium_quantized_block; scales are E8M0 codes, one
 * byte each at podium_quantized_scale; offsets are not written.  PODIUM_ACTIVATION_INT8 does not exist: every scale is
 * NaN then. */
typedef enum podium_activation {
  /* scale = max(amax / 127, 2^-126) with amax the block's largest magnitude, code = x / scale rounded half to even. */
  PODIUM_ACTIVATION_INT8 = 0,
  /* MXFP4 as AMD Quark quantises it, scale rule `even`: an element E2M1(x / 2^e) is held as the code 2 * element, and
   * scale = 2^e / 2. */
  PODIUM_ACTIVATION_MXFP4 = 1
} podium_activation;

size_t podium_quantized_block(int32_t max_rows, int32_t k, int32_t row, int32_t block);

/* The place of the block's scale in `scales`: of a float32, the same as podium_quantized_block; with
 * PODIUM_BACKEND_GFX950 of a byte. */
size_t podium_quantized_scale(podium_backend backend, int32_t max_rows, int32_t k, int32_t row, int32_t block);

/* Quantises the rows of x, for row < *live.  A block that holds NaN or an infinity gets codes 0 and a scale of NaN, so
 * that it shows in every result.
 *   format   podium_activation
 *   codes    int8, max_rows * k of them
 *   scales   float32, max_rows * k / 32 of them
 *   offsets  int32, max_rows * k / 32 of them
 *   x        float32 [max_rows, k]
 *   live     int32 [1] */
#define PODIUM_QUANTIZE_ROWS_SIGNATURE "ipppppii"
void podium_quantize_rows(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t format,
                          int8_t *codes, float *scales, int32_t *offsets, const float *x, const int32_t *live,
                          int32_t max_rows, int32_t k);
mlp_grid podium_grid_quantize_rows(podium_backend backend, int32_t max_rows);

/* podium_rms_norm with its result quantised instead of stored: the same bits as podium_rms_norm followed by
 * podium_quantize_rows.
 *   format   podium_activation
 *   dtype    element type of the weight
 *   codes, scales, offsets  as above, with k = width
 *   x        float32 [any, width]
 *   weight   [width]
 *   rows     int32 [max_rows], which row of x to take, or NULL
 *   live     int32 [1]
 *   width    a multiple of 32 */
#define PODIUM_RMS_NORM_QUANTIZE_SIGNATURE "iipppppppiif"
void podium_rms_norm_quantize(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, int32_t format,
                              int32_t dtype, int8_t *codes, float *scales, int32_t *offsets, const float *x,
                              const void *weight, const int32_t *rows, const int32_t *live, int32_t max_rows,
                              int32_t width, float epsilon);
mlp_grid podium_grid_rms_norm_quantize(podium_backend backend, int32_t max_rows);

/* y[row, i] = sum over j of x[row, j] * w[i, j]  (+ bias[i])  (+ y[row, i] if accumulate), added in this order, for
 * row < *live, with x quantised and w packed.  Per block: the exact integer sum of the codes' products, times
 * (weight scale / 2 * activation scale), by one fused multiply-add; blocks ascending (docs/numerics.md).  What order and
 * rounding GPUs have stands there, too.
 *   y           float32 [max_rows, n]
 *   codes, scales, offsets  as podium_quantize_rows leaves them
 *   w           podium_packed_mxfp4_size bytes that podium_pack_mxfp4 has filled for the backend; aligned to 64 for speed
 *   bias        float32 [n] or NULL
 *   live        int32 [1]
 *   accumulate  0 or 1 */
#define PODIUM_GEMM_MXFP4_SIGNATURE "pppppppiiii"
void podium_gemm_mxfp4(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const int8_t *codes,
                       const float *scales, const int32_t *offsets, const void *w, const float *bias,
                       const int32_t *live, int32_t max_rows, int32_t n, int32_t k, int32_t accumulate);
mlp_grid podium_grid_gemm_mxfp4(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* h[row, i] = silu(g) * u as podium_gemm_silu_gate, with the products g and u of podium_gemm_mxfp4.
 *   h        float32 [max_rows, n]
 *   codes, scales, offsets  as podium_quantize_rows leaves them
 *   w        podium_packed_mxfp4_pair_size bytes that podium_pack_mxfp4_pair has filled; aligned to 64 for speed
 *   live     int32 [1] */
#define PODIUM_GEMM_MXFP4_SILU_GATE_SIGNATURE "ppppppiii"
void podium_gemm_mxfp4_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h,
                                 const int8_t *codes, const float *scales, const int32_t *offsets, const void *w,
                                 const int32_t *live, int32_t max_rows, int32_t n, int32_t k);
mlp_grid podium_grid_gemm_mxfp4_silu_gate(podium_backend backend, int32_t max_rows, int32_t n, int32_t k);

/* Bytes of an [n, k] matrix packed for podium_gemm_mxfp4 on a backend: 17/32 of a byte for each element of whole panels
 * of sixteen rows (k a multiple of 128; otherwise up to 48 bytes more in a panel).  With PODIUM_BACKEND_GFX950, of whole
 * panels of 32 rows with k rounded up to 128 (k a multiple of 512; otherwise up to 384 bytes more in a panel). */
size_t podium_packed_mxfp4_size(podium_backend backend, int32_t n, int32_t k);

/* Packs the rows first_row ..< first_row + rows of an [n, k] matrix.  Calls for disjoint rows may run at once and in
 * any order, and together they must cover the matrix; the one that packs row n - 1 fills the rows that pad the last
 * panel.  The result does not depend on how the rows were divided.
 *   packed  podium_packed_mxfp4_size bytes
 *   codes   uint8 [rows, k / 2], E2M1; of two elements the first in the low half of a byte
 *   scales  uint8 [rows, k / 32], E8M0; 255 is NaN and makes its output NaN */
void podium_pack_mxfp4(podium_backend backend, void *packed, int32_t n, int32_t k, int32_t first_row, int32_t rows,
                       const uint8_t *codes, const uint8_t *scales);

/* The same for two [n, k] matrices, of podium_gemm_mxfp4_silu_gate, their tiles of sixteen rows taking turns. */
size_t podium_packed_mxfp4_pair_size(podium_backend backend, int32_t n, int32_t k);
void podium_pack_mxfp4_pair(podium_backend backend, void *packed, int32_t n, int32_t k, const uint8_t *gate_codes,
                            const uint8_t *gate_scales, const uint8_t *up_codes, const uint8_t *up_scales);

/* ---- Elementwise ----------------------------------------------------------------------------------------------- */

/* y[row, i] += x[row, i] for row < *live: a residual whose branch is rounded before it is added.
 *   y     float32 [max_rows, width]
 *   x     float32 [max_rows, width]
 *   live  int32 [1] */
#define PODIUM_ADD_SIGNATURE "pppii"
void podium_add(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *y, const float *x,
                const int32_t *live, int32_t max_rows, int32_t width);

/* h[row, i] = silu(gate[row, i]) * up[row, i] for row < *live, with the silu of podium_gemm_silu_gate: for gates whose
 * two products cannot be one launch, because they are rounded or their weights are of different kinds.
 *   h         float32 [max_rows, width]; may be gate or up
 *   gate, up  float32 [max_rows, width]
 *   live      int32 [1] */
#define PODIUM_SILU_GATE_SIGNATURE "ppppii"
void podium_silu_gate(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, float *h, const float *gate,
                      const float *up, const int32_t *live, int32_t max_rows, int32_t width);

/* Of both. */
mlp_grid podium_grid_elementwise(podium_backend backend, int32_t max_rows);

#ifdef __cplusplus
}
#endif
#endif /* PODIUM_KERNELS_H */
