/* hipBLASLt and cuBLASLt: the same calls, with numbers of their own.
 *
 * The libraries count matrices column by column, so that a row-major matrix [rows, columns] is their column-major one of
 * columns x rows. y[m,n] = x[m,k] * w[n,k]^T is then y' = w'^T x' with A = w' (k x n, transposed), B = x' (k x m) and
 * D = y' (n x m).
 *
 * Where the numbers are from:
 *   hip   hipblaslt.h of hipBLASLt 0.6 (ROCm 6.0), 0.7 (6.1), 0.8 (6.2) and of its development branches after it (0.10 to
 *         1.x, ROCm 6.3 to 7): attributes 0, 1, 5 and 6, preference 1 and the layout of the result are the same in all;
 *         hipDataType and hipblasComputeType_t are those of HIP 6 and hipblas-common. The modes of scales (31, 32, VEC32 = 2)
 *         and E2M1 (33) came with ROCm 7. hipBLASLt 0.3 (ROCm 5.7) numbers types in another way and is refused.
 *   cuda  cublasLt.h of CUDA 11, 12 and 13 as NVIDIA's cuBLAS documentation has it: attributes 3, 4, 17 and 18,
 *         preference 1, CUBLAS_COMPUTE_32F = 68 and cudaDataType are the same in all; E4M3 (28) came with 11.8. */

#include "blas.h"

enum { HIP = 0, CUDA = 1 };
enum { F32_TYPE = 0, BLOCKS_OF_32_E8M0 = 2 };

typedef struct numbers {
  int types[PODIUM_BLAS_TYPE_COUNT]; /* -1: the library has none */
  int compute_f32, plain, transposed;
  int a_operation, b_operation, a_scale, b_scale, a_scale_mode, b_scale_mode; /* attributes of an operation */
  int most_workspace; /* attribute of a preference */
  size_t workspace_offset, status_offset; /* in the heuristic's result */
} numbers;

static const numbers all[2] = {
    [HIP] = {.types = {[PODIUM_BLAS_F32] = F32_TYPE, [PODIUM_BLAS_F16] = 2, [PODIUM_BLAS_BF16] = 14,
                       [PODIUM_BLAS_F8E4M3] = 28, [PODIUM_BLAS_F8E4M3FNUZ] = 1000, [PODIUM_BLAS_F4E2M1] = 33},
             .compute_f32 = 2, .plain = 111, .transposed = 112,
             .a_operation = 0, .b_operation = 1, .a_scale = 5, .b_scale = 6, .a_scale_mode = 31, .b_scale_mode = 32,
             .most_workspace = 1, .workspace_offset = 24, .status_offset = 32},
    [CUDA] = {.types = {[PODIUM_BLAS_F32] = F32_TYPE, [PODIUM_BLAS_F16] = 2, [PODIUM_BLAS_BF16] = 14,
                        [PODIUM_BLAS_F8E4M3] = 28, [PODIUM_BLAS_F8E4M3FNUZ] = -1, [PODIUM_BLAS_F4E2M1] = -1},
              .compute_f32 = 68, .plain = 0, .transposed = 1,
              .a_operation = 3, .b_operation = 4, .a_scale = 17, .b_scale = 18, .a_scale_mode = 31, .b_scale_mode = 32,
              .most_workspace = 1, .workspace_offset = 64, .status_offset = 72},
};

static const numbers *numbers_of(const podium_blas *blas) { return &all[blas->interface == PODIUM_CUBLASLT ? CUDA : HIP]; }

const char *blaslt_describe(const podium_blas *blas, int status) {
  static const char *const hip[] = {"success", "not initialized", "allocation failed", "invalid value", "mapping error",
                                    "execution failed", "internal error", "not supported", "architecture mismatch",
                                    "no handle", "invalid enumerator", "unknown status"};
  if (blas->interface == PODIUM_HIPBLASLT) return status >= 0 && status < 12 ? hip[status] : "unknown status";
  switch (status) {
  case 0: return "success";
  case 1: return "not initialized";
  case 3: return "allocation failed";
  case 7: return "invalid value";
  case 8: return "architecture mismatch";
  case 11: return "mapping error";
  case 13: return "execution failed";
  case 14: return "internal error";
  case 15: return "not supported";
  default: return "unknown status";
  }
}

int blaslt_version(const podium_blas *blas, void *handle, int64_t *version) {
  *version = 0;
  if (!blas->lt.version) return 0;
  if (blas->interface == PODIUM_CUBLASLT) {
    size_t (*ask)(void);
    memcpy(&ask, &blas->lt.version, sizeof ask);
    *version = (int64_t)ask();
    return 0;
  }
  int (*ask)(void *, int *);
  memcpy(&ask, &blas->lt.version, sizeof ask);
  int found = 0;
  int status = ask(handle, &found);
  *version = found;
  return status;
}

static int set_word(const podium_blas *blas, void *operation, int attribute, int32_t value) {
  return blas->lt.operation_set(operation, attribute, &value, sizeof value);
}

static int set_scales(const podium_blas_plan *plan, const void *w_scales, const void *x_scales) {
  const numbers *number = numbers_of(plan->blas);
  int status = plan->blas->lt.operation_set(plan->operation, number->a_scale, &w_scales, sizeof w_scales);
  if (status) return status;
  return plan->blas->lt.operation_set(plan->operation, number->b_scale, &x_scales, sizeof x_scales);
}

static int describe(podium_blas_plan *plan) {
  const podium_blas_shape *s = &plan->shape;
  const blaslt_functions *f = &plan->blas->lt;
  const numbers *number = numbers_of(plan->blas);
  int status = f->operation_create(&plan->operation, number->compute_f32, F32_TYPE);
  if (!status) status = set_word(plan->blas, plan->operation, number->a_operation, number->transposed);
  if (!status) status = set_word(plan->blas, plan->operation, number->b_operation, number->plain);
  if (!status && s->scaling == PODIUM_BLAS_BLOCKS) {
    status = set_word(plan->blas, plan->operation, number->a_scale_mode, BLOCKS_OF_32_E8M0);
    if (!status) status = set_word(plan->blas, plan->operation, number->b_scale_mode, BLOCKS_OF_32_E8M0);
  }
  /* The choice depends on whether there are scales, not on where: these addresses are never read. */
  if (!status && s->scaling != PODIUM_BLAS_UNSCALED) {
    status = set_scales(plan, (const void *)(uintptr_t)4096, (const void *)(uintptr_t)4096);
  }
  if (!status) status = f->layout_create(&plan->w, number->types[s->w], s->k, s->n, (int64_t)s->k);
  if (!status) status = f->layout_create(&plan->x, number->types[s->x], s->k, s->m, (int64_t)s->k);
  if (!status) status = f->layout_create(&plan->y, number->types[s->y], s->n, s->m, (int64_t)s->n);
  return status;
}

static int choose(podium_blas_plan *plan, void *handle, uint64_t workspace_limit, int *found) {
  const blaslt_functions *f = &plan->blas->lt;
  const numbers *number = numbers_of(plan->blas);
  void *preference = NULL;
  int status = f->preference_create(&preference);
  if (status) return status;
  status = f->preference_set(preference, number->most_workspace, &workspace_limit, sizeof workspace_limit);
  if (!status) {
    status = f->heuristic(handle, plan->operation, plan->w, plan->x, plan->y, plan->y, preference, 1, plan->chosen, found);
  }
  (void)f->preference_destroy(preference);
  if (status || *found < 1) return status;
  size_t workspace = 0;
  memcpy(&workspace, plan->chosen + number->workspace_offset, sizeof workspace);
  memcpy(&status, plan->chosen + number->status_offset, sizeof status);
  plan->workspace = workspace;
  return status;
}

int blaslt_plan(podium_blas_plan *plan, void *handle, uint64_t workspace_limit, char *problem, uint64_t problem_size) {
  enum { NO_ALGORITHM = 7, CUDA_NOT_SUPPORTED = 15 };
  const podium_blas_shape *s = &plan->shape;
  const numbers *number = numbers_of(plan->blas);
  int none = plan->blas->interface == PODIUM_CUBLASLT ? CUDA_NOT_SUPPORTED : NO_ALGORITHM;
  if (number->types[s->x] < 0 || number->types[s->w] < 0 || number->types[s->y] < 0 ||
      (plan->blas->interface == PODIUM_CUBLASLT && s->scaling == PODIUM_BLAS_BLOCKS)) {
    snprintf(problem, problem_size, "these types are not asked of %s", plan->blas->library);
    return none;
  }
  int found = 0;
  int status = describe(plan);
  if (status) {
    snprintf(problem, problem_size, "%s refuses the description: %s (%d)", plan->blas->library,
             blaslt_describe(plan->blas, status), status);
    return status;
  }
  status = choose(plan, handle, workspace_limit, &found);
  if (status) {
    snprintf(problem, problem_size, "%s chooses no algorithm: %s (%d)", plan->blas->library,
             blaslt_describe(plan->blas, status), status);
  } else if (found < 1) {
    snprintf(problem, problem_size, "%s has no algorithm for it", plan->blas->library);
    status = none;
  } else if (plan->workspace > workspace_limit) {
    snprintf(problem, problem_size, "%s asks for %llu bytes of workspace, %llu were offered", plan->blas->library,
             (unsigned long long)plan->workspace, (unsigned long long)workspace_limit);
    status = none;
  }
  return status;
}

void blaslt_release_plan(podium_blas_plan *plan) {
  const blaslt_functions *f = &plan->blas->lt;
  if (plan->y) (void)f->layout_destroy(plan->y);
  if (plan->x) (void)f->layout_destroy(plan->x);
  if (plan->w) (void)f->layout_destroy(plan->w);
  if (plan->operation) (void)f->operation_destroy(plan->operation);
}

int blaslt_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *o) {
  static const float one = 1, zero = 0;
  if (plan->shape.scaling != PODIUM_BLAS_UNSCALED) {
    int status = set_scales(plan, o->w_scales, o->x_scales);
    if (status) return status;
  }
  return plan->blas->lt.multiply(handle, plan->operation, &one, o->w, plan->w, o->x, plan->x, &zero, o->y, plan->y, o->y,
                                 plan->y, plan->chosen, o->workspace, o->workspace_size, o->stream);
}
