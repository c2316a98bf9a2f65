/* blas.h - what the parts of podium_blas share. */
#ifndef BLAS_H
#define BLAS_H

#include "open_library.h"
#include "podium_blas.h"

#include <stdlib.h>

/* The functions that hipBLASLt and cuBLASLt have under two prefixes, with the same arguments. */
typedef struct blaslt_functions {
  int (*create)(void **);
  int (*destroy)(void *);
  int (*operation_create)(void **, int, int);
  int (*operation_destroy)(void *);
  int (*operation_set)(void *, int, const void *, size_t);
  int (*layout_create)(void **, int, uint64_t, uint64_t, int64_t);
  int (*layout_destroy)(void *);
  int (*preference_create)(void **);
  int (*preference_destroy)(void *);
  int (*preference_set)(void *, int, const void *, size_t);
  int (*heuristic)(void *, void *, void *, void *, void *, void *, void *, int, void *, int *);
  int (*multiply)(void *, void *, const void *, const void *, void *, const void *, void *, const void *, const void *,
                  void *, void *, void *, const void *, void *, size_t, void *);
  void *version; /* int (*)(void *, int *) or size_t (*)(void) */
} blaslt_functions;

typedef struct rocblas_functions {
  int (*create)(void **);
  int (*destroy)(void *);
  int (*set_stream)(void *, void *);
  int (*multiply)(void *, int, int, int, int, int, const void *, const void *, int, int, const void *, int, int,
                  const void *, const void *, int, int, void *, int, int, int, int, int32_t, uint32_t);
  const char *(*describe)(int);
} rocblas_functions;

struct podium_blas {
  podium_blas_interface interface;
  char library[256];
  char *asked; /* the path that was asked for, or NULL */
  struct podium_blas *next;
  blaslt_functions lt;
  rocblas_functions roc;
};

struct podium_blas_plan {
  const podium_blas *blas;
  podium_blas_shape shape;
  uint64_t workspace;
  void *operation, *w, *x, *y; /* of the Lt interfaces */
  char chosen[256] __attribute__((aligned(16))); /* the heuristic's result; it begins with the algorithm */
};

const char *blaslt_describe(const podium_blas *blas, int status);
int blaslt_version(const podium_blas *blas, void *handle, int64_t *version);
int blaslt_plan(podium_blas_plan *plan, void *handle, uint64_t workspace_limit, char *problem, uint64_t problem_size);
void blaslt_release_plan(podium_blas_plan *plan);
int blaslt_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *operands);

int rocblas_plan(podium_blas_plan *plan, char *problem, uint64_t problem_size);
int rocblas_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *operands);

#endif
