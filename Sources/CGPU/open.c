#define _GNU_SOURCE
#include "runtimes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct opened {
  struct opened *next;
  char *library; /* as asked for, or NULL */
  podium_gpu table;
} opened;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static opened *all[3];

const podium_gpu *podium_gpu_open(podium_gpu_kind kind, const char *library, char *problem, uint64_t problem_size) {
  if (kind != PODIUM_GPU_HIP && kind != PODIUM_GPU_CUDA) return NULL;
  pthread_mutex_lock(&lock);
  opened *found = all[kind];
  /* The functions behind a table find their library in one place for each kind, so a process has one of each. */
  if (found && library && (!found->library || strcmp(found->library, library) != 0)) {
    snprintf(problem, problem_size, "%s is in use in this process; %s cannot be opened beside it", found->table.library,
             library);
    found = NULL;
  } else if (!found) {
    found = calloc(1, sizeof *found);
    char *name = library ? strdup(library) : NULL;
    if (!found || (library && !name)) {
      snprintf(problem, problem_size, "no memory to open a library");
      free(found);
      free(name);
      found = NULL;
    } else {
      found->library = name;
      int fine = kind == PODIUM_GPU_HIP ? podium_open_hip(&found->table, library, problem, problem_size)
                                        : podium_open_cuda(&found->table, library, problem, problem_size);
      if (fine) {
        all[kind] = found;
      } else {
        free(found->library);
        free(found);
        found = NULL;
      }
    }
  }
  pthread_mutex_unlock(&lock);
  return found ? &found->table : NULL;
}
