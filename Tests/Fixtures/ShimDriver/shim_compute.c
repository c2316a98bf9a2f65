#include "shim_driver.h"

#include "hip_shim.h"
#include "podium_kernels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *target;
  shim_device device;
} targets[] = {{"gfx942", SHIM_GFX942}, {"gfx950", SHIM_GFX950}, {"sm_90", SHIM_WARP32}};

enum { TARGETS = sizeof targets / sizeof *targets, KERNELS_MAX = 64 };

/* Appends the rows that an argmax looked at to the file that SHIM_LOGITS names. */
static void keep_logits(void *const *arguments) {
  const char *path = getenv("SHIM_LOGITS");
  FILE *file = path ? fopen(path, "ab") : NULL;
  if (!file) return;
  const float *logits = *(const float **)arguments[1];
  int32_t live = **(const int32_t **)arguments[2], width = *(const int32_t *)arguments[4];
  fwrite(logits, sizeof *logits * (size_t)width, (size_t)live, file);
  fclose(file);
}

static const char *run(const fake_function *self, const unsigned blocks[3], const unsigned threads[3],
                       void *const *arguments) {
  mlp_grid grid = {.blocks = {blocks[0], blocks[1], blocks[2]}, .threads = {threads[0], threads[1], threads[2]}};
  const char *problem = shim_launch((shim_device)self->device, self->name, &grid, arguments);
  if (!problem && !strcmp(self->name, "argmax")) keep_logits(arguments);
  return problem;
}

/* The length of a source without the zeros at its end. */
static uint64_t length(mlp_bytes source) {
  const char *text = source.data;
  uint64_t size = source.size;
  while (size && !text[size - 1]) size--;
  return size;
}

/* FNV-1a. */
static uint64_t hash(mlp_bytes source) {
  const unsigned char *text = source.data;
  uint64_t value = 14695981039346656037u;
  for (uint64_t i = 0; i < length(source); i++) value = (value ^ text[i]) * 1099511628211u;
  return value;
}

static char *image_of(const char *target, const mlp_kernel_family *family) {
  char text[160];
  snprintf(text, sizeof text, "shim %s %s %016" PRIx64, target, family->name, hash(family->source));
  return strdup(text);
}

static char *compile(const char *source, const char *target, char *log, size_t log_size) {
  int known = 0;
  for (int i = 0; i < TARGETS; i++) known |= !strcmp(targets[i].target, target);
  if (!known) {
    snprintf(log, log_size, "error: unknown target '%s'; the shim plays gfx942, gfx950 and sm_90", target);
    return NULL;
  }
  uint32_t count;
  const mlp_kernel_family *families = podium_families(&count);
  for (uint32_t i = 0; i < count; i++) {
    mlp_bytes own = families[i].source;
    if (strlen(source) == length(own) && !memcmp(source, own.data, length(own))) return image_of(target, &families[i]);
  }
  snprintf(log, log_size, "error: not the text of any family that the shim was built from; build ShimDriver again");
  return NULL;
}

/* The family that an image was made of, from the same text; its target's device. */
static const mlp_kernel_family *family_of(const char *image, shim_device *device) {
  uint32_t count;
  const mlp_kernel_family *families = podium_families(&count);
  for (uint32_t i = 0; i < count * TARGETS; i++) {
    char *expected = image_of(targets[i % TARGETS].target, &families[i / TARGETS]);
    int same = expected && !strcmp(expected, image);
    free(expected);
    if (!same) continue;
    *device = targets[i % TARGETS].device;
    return &families[i / TARGETS];
  }
  return NULL;
}

static int accepts(const char *image) {
  shim_device device;
  return family_of(image, &device) != NULL;
}

/* Kernels of all targets, made once. */
static fake_function functions[TARGETS][KERNELS_MAX];

__attribute__((constructor)) static void make_functions(void) {
  uint32_t count;
  const mlp_kernel *kernels = podium_kernels(&count);
  for (uint32_t i = 0; i < count && i < KERNELS_MAX; i++) {
    for (int t = 0; t < TARGETS; t++) {
      functions[t][i] = (fake_function){kernels[i].name, kernels[i].signature, run, (int)targets[t].device};
    }
  }
}

static const fake_function *find(const char *image, const char *name) {
  shim_device device;
  const mlp_kernel_family *family = family_of(image, &device);
  uint32_t kernel_count, family_count;
  const mlp_kernel *kernels = podium_kernels(&kernel_count);
  const mlp_kernel_family *families = podium_families(&family_count);
  if (!family || !shim_has_kernel(name)) return NULL;
  for (uint32_t i = 0; i < kernel_count && i < KERNELS_MAX; i++) {
    if (strcmp(kernels[i].name, name) || &families[kernels[i].family] != family) continue;
    for (int t = 0; t < TARGETS; t++) {
      if (targets[t].device == device) return &functions[t][i];
    }
  }
  return NULL;
}

static const fake_compute compute = {"gfx942", {9, 0}, 1, compile, accepts, find};

__attribute__((constructor)) static void take_over(void) { fake_driver_compute(&compute); }
