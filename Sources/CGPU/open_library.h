/* open_library.h - finding a library by one of its names, and functions in it. */
#ifndef OPEN_LIBRARY_H
#define OPEN_LIBRARY_H

#include "podium_gpu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Opens `library`, or the first of `names` (ended by NULL); writes the name that succeeded to `opened`. */
static inline void *open_library(const char *library, const char *const *names, char opened[256], char *problem,
                                 uint64_t problem_size) {
  const char *only[2] = {library, NULL};
  char first[512] = "";
  for (const char *const *name = library ? only : names; *name; name++) {
    void *handle = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
      snprintf(opened, 256, "%s", *name);
      return handle;
    }
    const char *why = dlerror();
    /* A library that is there and cannot be loaded is the one to speak of: then the reason begins with another name. */
    if (!first[0] || (why && strncmp(why, *name, strlen(*name)) != 0)) {
      snprintf(first, sizeof first, "%s", why ? why : *name);
    }
  }
  snprintf(problem, problem_size, "%s", first);
  return NULL;
}

#endif
