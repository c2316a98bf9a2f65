/* podium_rtc.h - compiling HIP source at run time, with hiprtc for AMD GPUs and NVRTC for NVIDIA's.
 *
 * A compiler that meets a target it does not know may abort the process (Debian's hiprtc 5.2 does for gfx942), so this
 * is called in a process of its own. */
#ifndef PODIUM_RTC_H
#define PODIUM_RTC_H

#include "podium_gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct podium_rtc_result {
  void *image; /* code for the driver, from malloc; NULL when it failed */
  uint64_t image_size;
  char *messages; /* what went wrong, or the compiler's warnings, from malloc; may be NULL */
  char library[256]; /* the compiler that was used */
} podium_rtc_result;

/* Compiles `source`, a NUL-terminated text called `name` in messages, for `target` ("gfx950", "sm_90").
 *   library  the compiler's path, or NULL for its usual names
 * Returns 1, or 0 with the reason in messages. */
int podium_rtc_compile(podium_gpu_kind kind, const char *library, const char *source, const char *name,
                       const char *target, podium_rtc_result *result);

/* Frees what a result holds. */
void podium_rtc_release(podium_rtc_result *result);

typedef struct podium_rtc_compiler {
  char library[256];
  int32_t major, minor; /* of hiprtc or NVRTC itself */
} podium_rtc_compiler;

/* Whether a compiler of this kind can be opened, and which; if not, the reason goes to `problem`. */
int podium_rtc_find(podium_gpu_kind kind, const char *library, podium_rtc_compiler *found, char *problem,
                    uint64_t problem_size);

#ifdef __cplusplus
}
#endif
#endif /* PODIUM_RTC_H */
