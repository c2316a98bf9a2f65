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

/* Fills in what both sides wrap; where the vendor's function has the table's signature, it is taken as it is. */
#define FILL_OWN_FUNCTIONS(table_)                                                                              \
  table_->describe_error = describe_error, table_->is_out_of_memory = is_out_of_memory;                         \
  table_->device_count = device_count, table_->describe = describe, table_->memory = memory;                    \
  table_->allocate = allocate, table_->allocate_pinned = allocate_pinned;                                       \
  table_->stream_create = stream_create, table_->copy = copy, table_->fill = fill, table_->callback = callback; \
  table_->event_create = event_create, table_->event_wait = event_wait;                                         \
  table_->allow_shared = allow_shared, table_->launch = launch;                                                 \
  table_->capture_begin = capture_begin, table_->capture_end = capture_end;

#endif
