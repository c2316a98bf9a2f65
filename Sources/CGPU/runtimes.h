#ifndef RUNTIMES_H
#define RUNTIMES_H

#include "open_library.h"

/* Each fills `table` and returns 1, or returns 0 with a sentence in `problem`. */
int podium_open_hip(podium_gpu *table, const char *library, char *problem, uint64_t problem_size);
int podium_open_cuda(podium_gpu *table, const char *library, char *problem, uint64_t problem_size);

/* Declares a pointer for each function of a list of F(result, name, arguments). */
#define DECLARE_FUNCTION(result_, name_, arguments_) static result_(*name_) arguments_;
/* Finds each; what is missing is named in `problem`. */
#define RESOLVE_FUNCTION(result_, name_, arguments_)                                                            \
  *(void **)&name_ = dlsym(handle, #name_);                                                                     \
  if (!name_) {                                                                                                 \
    snprintf(problem, problem_size, "%s has no %s: this version is not supported", table->library, #name_);    \
    dlclose(handle);                                                                                            \
    return 0;                                                                                                   \
  }

#endif
