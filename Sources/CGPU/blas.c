#define _GNU_SOURCE
#include "blas.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static podium_blas *opened;

/* hipBLASLt 0.3 and older (ROCm 5) number types in another way. */
enum { OLDEST_HIPBLASLT = 600, VERSION_MISMATCH = 8 };

static int resolve(void *handle, const podium_blas *blas, const char *prefix, const char *const *names,
                   void **const *places, int count, char *problem, uint64_t problem_size) {
  for (int i = 0; i < count; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, names[i]);
    *places[i] = dlsym(handle, name);
    if (*places[i]) continue;
    snprintf(problem, problem_size, "%s has no %s: this version is not supported", blas->library, name);
    return 0;
  }
  return 1;
}

static int find_functions(void *handle, podium_blas *b, char *problem, uint64_t problem_size) {
  if (b->interface == PODIUM_ROCBLAS) {
    static const char *const names[] = {"create_handle", "destroy_handle", "set_stream", "gemm_ex", "status_to_string"};
    void **const places[] = {(void **)&b->roc.create, (void **)&b->roc.destroy, (void **)&b->roc.set_stream,
                             (void **)&b->roc.multiply, (void **)&b->roc.describe};
    return resolve(handle, b, "rocblas_", names, places, 5, problem, problem_size);
  }
  static const char *const names[] = {
      "Create", "Destroy", "MatmulDescCreate", "MatmulDescDestroy", "MatmulDescSetAttribute", "MatrixLayoutCreate",
      "MatrixLayoutDestroy", "MatmulPreferenceCreate", "MatmulPreferenceDestroy", "MatmulPreferenceSetAttribute",
      "MatmulAlgoGetHeuristic", "Matmul"};
  void **const places[] = {(void **)&b->lt.create,            (void **)&b->lt.destroy,
                           (void **)&b->lt.operation_create,  (void **)&b->lt.operation_destroy,
                           (void **)&b->lt.operation_set,     (void **)&b->lt.layout_create,
                           (void **)&b->lt.layout_destroy,    (void **)&b->lt.preference_create,
                           (void **)&b->lt.preference_destroy, (void **)&b->lt.preference_set,
                           (void **)&b->lt.heuristic,         (void **)&b->lt.multiply};
  const char *prefix = b->interface == PODIUM_CUBLASLT ? "cublasLt" : "hipblasLt";
  b->lt.version = dlsym(handle, b->interface == PODIUM_CUBLASLT ? "cublasLtGetVersion" : "hipblasLtGetVersion");
  return resolve(handle, b, prefix, names, places, 12, problem, problem_size);
}

static const char *const *sonames(podium_blas_interface interface) {
  static const char *const hipblaslt[] = {"libhipblaslt.so.1", "libhipblaslt.so.0", "libhipblaslt.so", NULL};
  static const char *const rocblas[] = {"librocblas.so.5", "librocblas.so.4", "librocblas.so.0", "librocblas.so", NULL};
  static const char *const cublaslt[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11",
                                         "libcublasLt.so", NULL};
  return interface == PODIUM_HIPBLASLT ? hipblaslt : interface == PODIUM_ROCBLAS ? rocblas : cublaslt;
}

static podium_blas *open_new(podium_blas_interface interface, const char *library, char *problem,
                             uint64_t problem_size) {
  podium_blas *made = calloc(1, sizeof *made);
  char *asked = library ? strdup(library) : NULL;
  if (!made || (library && !asked)) {
    snprintf(problem, problem_size, "no memory to open a library");
    free(made);
    free(asked);
    return NULL;
  }
  made->interface = interface;
  made->asked = asked;
  void *handle = open_library(library, sonames(interface), made->library, problem, problem_size);
  if (handle && find_functions(handle, made, problem, problem_size)) return made;
  if (handle) dlclose(handle);
  free(asked);
  free(made);
  return NULL;
}

const podium_blas *podium_blas_open(podium_blas_interface interface, const char *library, char *problem,
                                    uint64_t problem_size) {
  pthread_mutex_lock(&lock);
  podium_blas *found = opened;
  while (found && (found->interface != interface || (found->asked == NULL) != (library == NULL) ||
                   (library && strcmp(found->asked, library) != 0))) {
    found = found->next;
  }
  if (!found && (found = open_new(interface, library, problem, problem_size))) {
    found->next = opened;
    opened = found;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

const char *podium_blas_library(const podium_blas *blas) { return blas->library; }

const char *podium_blas_describe(const podium_blas *blas, int status) {
  if (blas->interface != PODIUM_ROCBLAS) return blaslt_describe(blas, status);
  const char *words = blas->roc.describe(status);
  return words ? words : "unknown status";
}

int podium_blas_create(const podium_blas *blas, void **handle, int64_t *version) {
  *handle = NULL;
  *version = 0;
  if (blas->interface == PODIUM_ROCBLAS) return blas->roc.create(handle);
  int status = blas->lt.create(handle);
  if (status) return status;
  status = blaslt_version(blas, *handle, version);
  if (!status && blas->interface == PODIUM_HIPBLASLT && *version > 0 && *version < OLDEST_HIPBLASLT) {
    status = VERSION_MISMATCH;
  }
  if (status) {
    (void)blas->lt.destroy(*handle);
    *handle = NULL;
  }
  return status;
}

int podium_blas_release(const podium_blas *blas, void *handle) {
  return blas->interface == PODIUM_ROCBLAS ? blas->roc.destroy(handle) : blas->lt.destroy(handle);
}

int podium_blas_make_plan(const podium_blas *blas, void *handle, const podium_blas_shape *shape,
                          uint64_t workspace_limit, podium_blas_plan **out, char *problem, uint64_t problem_size) {
  *out = NULL;
  podium_blas_plan *plan = calloc(1, sizeof *plan);
  if (!plan) {
    snprintf(problem, problem_size, "no memory for a plan");
    return -1;
  }
  plan->blas = blas;
  plan->shape = *shape;
  int status = blas->interface == PODIUM_ROCBLAS ? rocblas_plan(plan, problem, problem_size)
                                                 : blaslt_plan(plan, handle, workspace_limit, problem, problem_size);
  if (status) {
    podium_blas_release_plan(plan);
  } else {
    *out = plan;
  }
  return status;
}

uint64_t podium_blas_plan_workspace(const podium_blas_plan *plan) { return plan->workspace; }

void podium_blas_release_plan(podium_blas_plan *plan) {
  if (plan->blas->interface != PODIUM_ROCBLAS) blaslt_release_plan(plan);
  free(plan);
}

int podium_blas_multiply(void *handle, podium_blas_plan *plan, const podium_blas_operands *operands) {
  return plan->blas->interface == PODIUM_ROCBLAS ? rocblas_multiply(handle, plan, operands)
                                                 : blaslt_multiply(handle, plan, operands);
}
