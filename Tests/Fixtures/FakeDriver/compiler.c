/* hiprtc and NVRTC. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct program {
  char *source, *image;
  char log[512];
} program;

EXPORT const char *hiprtcGetErrorString(int error) { return error ? "HIPRTC_ERROR_COMPILATION" : "HIPRTC_SUCCESS"; }
EXPORT int hiprtcCreateProgram(void **out, const char *source, const char *name, int headers,
                               const char *const *texts, const char *const *names) {
  (void)name, (void)headers, (void)texts, (void)names;
  program *p = calloc(1, sizeof *p);
  p->source = strdup(source);
  return *out = p, OK;
}
EXPORT int hiprtcCompileProgram(void *program_, int count, const char *const *options) {
  program *p = program_;
  const char *target = count > 0 ? strchr(options[0], '=') : NULL;
  if (!target || strncmp(options[0], "--gpu-architecture=", 19)) {
    return snprintf(p->log, sizeof p->log, "no --gpu-architecture"), 6;
  }
  p->image = machine_compute->compile(p->source, target + 1, p->log, sizeof p->log);
  return p->image ? OK : 6;
}
EXPORT int hiprtcGetProgramLogSize(void *p, size_t *size) { return *size = strlen(((program *)p)->log) + 1, OK; }
EXPORT int hiprtcGetProgramLog(void *p, char *log) { return strcpy(log, ((program *)p)->log), OK; }
EXPORT int hiprtcGetCodeSize(void *p, size_t *size) { return *size = strlen(((program *)p)->image) + 1, OK; }
EXPORT int hiprtcGetCode(void *p, char *code) { return strcpy(code, ((program *)p)->image), OK; }
EXPORT int hiprtcDestroyProgram(void **p) {
  free(((program *)*p)->source);
  free(((program *)*p)->image);
  free(*p);
  return *p = NULL, OK;
}
EXPORT const char *nvrtcGetErrorString(int error) { return hiprtcGetErrorString(error); }
EXPORT int nvrtcCreateProgram(void **out, const char *source, const char *name, int headers, const char *const *texts,
                              const char *const *names) {
  return hiprtcCreateProgram(out, source, name, headers, texts, names);
}
EXPORT int nvrtcCompileProgram(void *p, int count, const char *const *options) {
  for (int i = 0; i < count; i++) {
    if (strcmp(options[i], "--fmad=false") == 0) return hiprtcCompileProgram(p, count, options);
  }
  return snprintf(((program *)p)->log, sizeof ((program *)p)->log, "multiply-adds would be fused"), 6;
}
EXPORT int nvrtcGetProgramLogSize(void *p, size_t *size) { return hiprtcGetProgramLogSize(p, size); }
EXPORT int nvrtcGetProgramLog(void *p, char *log) { return hiprtcGetProgramLog(p, log); }
EXPORT int nvrtcGetCUBINSize(void *p, size_t *size) { return hiprtcGetCodeSize(p, size); }
EXPORT int nvrtcGetCUBIN(void *p, char *code) { return hiprtcGetCode(p, code); }
EXPORT int nvrtcDestroyProgram(void **p) { return hiprtcDestroyProgram(p); }
EXPORT int hiprtcVersion(int *major, int *minor) { return *major = 7, *minor = 1, OK; }
EXPORT int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, OK; }
