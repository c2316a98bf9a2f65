/* podium_blas.h - dense matrix products through the vendors' libraries, found at run time: hipBLASLt, with rocBLAS where
 * it is absent, and cuBLASLt.
 *
 * Nothing is linked. A product is y[m,n] = x[m,k] * w[n,k]^T, all row-major and dense, with sums in float32, alpha 1 and
 * beta 0. Functions return 0 or the library's status, which podium_blas_describe explains; they act on the device that
 * the calling thread has made current. A handle and its plans are used by one thread at a time. */
#ifndef PODIUM_BLAS_H
#define PODIUM_BLAS_H

#include "podium_gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum podium_blas_interface {
  PODIUM_HIPBLASLT = 1,
  PODIUM_ROCBLAS = 2, /* float32, bfloat16 and half only */
  PODIUM_CUBLASLT = 3
} podium_blas_interface;

typedef enum podium_blas_type {
  PODIUM_BLAS_F32 = 0,
  PODIUM_BLAS_F16 = 1,
  PODIUM_BLAS_BF16 = 2,
  PODIUM_BLAS_F8E4M3 = 3, /* OCP */
  PODIUM_BLAS_F8E4M3FNUZ = 4, /* CDNA 3 */
  PODIUM_BLAS_F4E2M1 = 5, /* two to a byte, the first in the low half */
  PODIUM_BLAS_TYPE_COUNT = 6
} podium_blas_type;

/* What multiplies the elements of x and of w. */
typedef enum podium_blas_scaling {
  PODIUM_BLAS_UNSCALED = 0,
  PODIUM_BLAS_SCALED = 1, /* one float32 for each matrix, in device memory */
  PODIUM_BLAS_BLOCKS = 2 /* a power of two (E8M0) for 32 elements of a row: [rows, k / 32], as OCP's MX formats */
} podium_blas_scaling;

typedef struct podium_blas_shape {
  uint64_t m, n, k;
  podium_blas_type x, w, y;
  podium_blas_scaling scaling;
} podium_blas_shape;

typedef struct podium_blas_operands {
  const void *x, *w, *x_scales, *w_scales;
  void *y, *workspace;
  uint64_t workspace_size;
  void *stream;
} podium_blas_operands;

/* An opened library. */
typedef struct podium_blas podium_blas;
/* Descriptors, layouts and the chosen algorithm of a shape. */
typedef struct podium_blas_plan podium_blas_plan;

/* Opens `library`, or if it is NULL the first of the interface's sonames that the system has. The library stays open
 * for the life of the process, and the same arguments give the same answer; NULL with a sentence in `problem`. */
const podium_blas *podium_blas_open(podium_blas_interface interface, const char *library, char *problem,
                                    uint64_t problem_size);
/* What was opened. */
const char *podium_blas_library(const podium_blas *blas);
/* The library's words for a status; never NULL. */
const char *podium_blas_describe(const podium_blas *blas, int status);

/* A handle on the current device; `version` gets the library's number of itself, 0 if it does not say. */
int podium_blas_create(const podium_blas *blas, void **handle, int64_t *version);
int podium_blas_release(const podium_blas *blas, void *handle);

/* Asks the library for its best algorithm with at most `workspace_limit` bytes of workspace. Not 0 and a NULL plan: the
 * library refused; what it refused is said in `problem`. */
int podium_blas_make_plan(const podium_blas *blas, void *handle, const podium_blas_shape *shape,
                          uint64_t workspace_limit, podium_blas_plan **out, char *problem, uint64_t problem_size);
/* Bytes of workspace that multiplying needs. */
uint64_t podium_blas_plan_workspace(const podium_blas_plan *plan);
void podium_blas_release_plan(podium_blas_plan *plan);

/* Queues the product on operands->stream. */
int podium_blas_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *operands);

#ifdef __cplusplus
}
#endif
#endif /* PODIUM_BLAS_H */
