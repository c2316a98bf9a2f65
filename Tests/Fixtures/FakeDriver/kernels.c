/* What the fake driver computes by itself. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *saxpy(const fake_function *self, const unsigned blocks[3], const unsigned threads[3],
                         void *const *arguments) {
  (void)self;
  float *y = *(float **)arguments[0];
  const float *x = *(const float **)arguments[1];
  float a = *(float *)arguments[2];
  int32_t n = *(int32_t *)arguments[3];
  for (uint64_t i = 0; i < (uint64_t)blocks[0] * threads[0] && i < (uint64_t)n; i++) y[i] += a * x[i];
  return NULL;
}

static const char *iota(const fake_function *self, const unsigned blocks[3], const unsigned threads[3],
                        void *const *arguments) {
  (void)self;
  float *y = *(float **)arguments[0];
  int32_t n = *(int32_t *)arguments[1];
  for (uint64_t i = 0; i < (uint64_t)blocks[0] * threads[0] && i < (uint64_t)n; i++) y[i] = (float)i;
  return NULL;
}

static const fake_function functions[] = {{"fake_saxpy", "ppfi", saxpy, 0}, {"fake_iota", "pi", iota, 0}};

/* A source's text is its image, if it begins with "fake "; "crash" ends the process. */
static char *compile(const char *source, const char *target, char *log, size_t log_size) {
  (void)target;
  if (strncmp(source, "crash", 5) == 0) abort();
  if (strncmp(source, "fake ", 5) == 0) return strdup(source);
  snprintf(log, log_size, "source:1: error: unknown word '%.20s'", source);
  return NULL;
}

static int accepts(const char *image) { return strncmp(image, "fake ", 5) == 0; }

static const fake_function *find(const char *image, const char *name) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (!strcmp(functions[i].name, name) && strstr(image, name)) return &functions[i];
  }
  return NULL;
}

const fake_compute fake_kernels = {"gfx000", {0, 1}, 0, compile, accepts, find};
