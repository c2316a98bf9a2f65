#include "podium_rtc.h"

#include "open_library.h"

#include <stdarg.h>
#include <stdlib.h>

/* hiprtc and NVRTC have the same functions under two prefixes. */
typedef struct compiler {
  const char *(*describe_error)(int);
  int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *);
  int (*compile)(void *, int, const char *const *);
  int (*log_size)(void *, size_t *);
  int (*log)(void *, char *);
  int (*code_size)(void *, size_t *);
  int (*code)(void *, char *);
  int (*destroy)(void **);
  int (*version)(int *, int *);
} compiler;

static const char *const hip_names[] = {"libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so.5", "libhiprtc.so",
                                        "libamdhip64.so.5", NULL};
static const char *const cuda_names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", NULL};

static void *open_compiler(podium_gpu_kind kind, const char *library, char opened[256], char *problem,
                           uint64_t problem_size, compiler *out) {
  int is_hip = kind == PODIUM_GPU_HIP;
  void *handle = open_library(library, is_hip ? hip_names : cuda_names, opened, problem, problem_size);
  if (!handle) return NULL;
  const char *names[2][9] = {
      {"nvrtcGetErrorString", "nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcGetProgramLogSize",
       "nvrtcGetProgramLog", "nvrtcGetCUBINSize", "nvrtcGetCUBIN", "nvrtcDestroyProgram",
       "nvrtcVersion"},
      {"hiprtcGetErrorString", "hiprtcCreateProgram", "hiprtcCompileProgram", "hiprtcGetProgramLogSize",
       "hiprtcGetProgramLog", "hiprtcGetCodeSize", "hiprtcGetCode", "hiprtcDestroyProgram",
       "hiprtcVersion"}};
  void **functions[9] = {(void **)&out->describe_error, (void **)&out->create, (void **)&out->compile,
                         (void **)&out->log_size,       (void **)&out->log,    (void **)&out->code_size,
                         (void **)&out->code,           (void **)&out->destroy, (void **)&out->version};
  for (int i = 0; i < 9; i++) {
    *functions[i] = dlsym(handle, names[is_hip][i]);
    if (*functions[i]) continue;
    snprintf(problem, problem_size, "%s has no %s", opened, names[is_hip][i]);
    dlclose(handle);
    return NULL;
  }
  return handle;
}

int podium_rtc_find(podium_gpu_kind kind, const char *library, podium_rtc_compiler *found, char *problem,
                    uint64_t problem_size) {
  compiler c;
  memset(found, 0, sizeof *found);
  void *handle = open_compiler(kind, library, found->library, problem, problem_size, &c);
  if (!handle) return 0;
  (void)c.version(&found->major, &found->minor);
  dlclose(handle);
  return 1;
}

__attribute__((format(printf, 2, 3))) static int fail(podium_rtc_result *result, const char *format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  size_t had = result->messages ? strlen(result->messages) : 0;
  char *joined = malloc(strlen(text) + had + 2);
  if (joined) sprintf(joined, "%s%s%s", text, had ? "\n" : "", had ? result->messages : "");
  free(result->messages);
  result->messages = joined;
  return 0;
}

int podium_rtc_compile(podium_gpu_kind kind, const char *library, const char *source, const char *name,
                       const char *target, podium_rtc_result *result) {
  memset(result, 0, sizeof *result);
  compiler c;
  char problem[1024];
  if (!open_compiler(kind, library, result->library, problem, sizeof problem, &c)) return fail(result, "%s", problem);
  char architecture[128];
  snprintf(architecture, sizeof architecture, "--gpu-architecture=%s", target);
  /* No multiply-add is fused but where the source says so: clang takes that from a pragma, NVRTC from an option. */
  const char *options[] = {architecture, "-std=c++17", kind == PODIUM_GPU_HIP ? "-O3" : "--fmad=false"};
  void *program = NULL;
  int error = c.create(&program, source, name, 0, NULL, NULL);
  if (error) return fail(result, "%s: creating a program: %s", result->library, c.describe_error(error));
  error = c.compile(program, 3, options);
  size_t size = 0;
  if (c.log_size(program, &size) == 0 && size > 1 && (result->messages = calloc(1, size + 1))) {
    if (c.log(program, result->messages)) result->messages[0] = 0;
  }
  if (error) {
    fail(result, "%s: compiling %s for %s: %s", result->library, name, target, c.describe_error(error));
  } else if ((error = c.code_size(program, &size)) || size == 0) {
    fail(result, "%s: %s for %s: no code came out: %s", result->library, name, target, c.describe_error(error));
  } else if (!(result->image = malloc(size))) {
    fail(result, "no memory for %zu bytes of code", size);
  } else if ((error = c.code(program, result->image))) {
    free(result->image);
    result->image = NULL;
    fail(result, "%s: reading the code: %s", result->library, c.describe_error(error));
  } else {
    result->image_size = size;
  }
  (void)c.destroy(&program);
  return result->image != NULL;
}

void podium_rtc_release(podium_rtc_result *result) {
  free(result->image);
  free(result->messages);
  result->image = NULL;
  result->messages = NULL;
}
