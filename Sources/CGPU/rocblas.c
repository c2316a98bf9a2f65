/* rocBLAS: rocblas_gemm_ex with its numbers as rocblas-types.h has had them from ROCm 5.0 to 7 (documented values, the
 * same in all). The matrices are turned as in blaslt.c. */

#include "blas.h"

#include <limits.h>

enum { PLAIN = 111, TRANSPOSED = 112, F16 = 150, F32 = 151, BF16 = 168, STANDARD = 0, NOT_IMPLEMENTED = 2 };

static int number_of(podium_blas_type type) {
  switch (type) {
  case PODIUM_BLAS_F32: return F32;
  case PODIUM_BLAS_F16: return F16;
  case PODIUM_BLAS_BF16: return BF16;
  default: return 0;
  }
}

int rocblas_plan(podium_blas_plan *plan, char *problem, uint64_t problem_size) {
  const podium_blas_shape *s = &plan->shape;
  if (s->scaling != PODIUM_BLAS_UNSCALED || s->x != s->w || !number_of(s->x) || !number_of(s->y)) {
    snprintf(problem, problem_size, "%s multiplies float32, bfloat16 and half only; hipBLASLt was not found",
             plan->blas->library);
    return NOT_IMPLEMENTED;
  }
  if (s->m > INT_MAX || s->n > INT_MAX || s->k > INT_MAX) {
    snprintf(problem, problem_size, "%s counts extents in 32 bits", plan->blas->library);
    return NOT_IMPLEMENTED;
  }
  return 0;
}

int rocblas_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *o) {
  static const float one = 1, zero = 0;
  const podium_blas_shape *s = &plan->shape;
  const rocblas_functions *f = &plan->blas->roc;
  int status = f->set_stream(handle, o->stream);
  if (status) return status;
  int m = (int)s->m, n = (int)s->n, k = (int)s->k, in = number_of(s->x), out = number_of(s->y);
  return f->multiply(handle, TRANSPOSED, PLAIN, n, m, k, &one, o->w, in, k, o->x, in, k, &zero, o->y, out, n, o->y, out,
                     n, F32, STANDARD, 0, 0);
}
