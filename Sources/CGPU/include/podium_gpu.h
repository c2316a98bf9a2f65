/* podium_gpu.h - the part of HIP and of the CUDA driver API that the host uses, in one shape.
 *
 * Nothing is linked: podium_gpu_open finds the vendor's library at run time and fills a table of functions. Pointers
 * are addresses of the device; streams, events, modules, functions and graphs are the vendor's own handles. Each
 * function returns 0 or the vendor's error number, which describe_error explains. Except for the constant answers they
 * act on the device that the calling thread has made current with `use`. */
#ifndef PODIUM_GPU_H
#define PODIUM_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum podium_gpu_kind { PODIUM_GPU_HIP = 1, PODIUM_GPU_CUDA = 2 } podium_gpu_kind;

typedef struct podium_gpu_device {
  char name[256];
  char architecture[64]; /* "gfx950" (features such as ":xnack-" are cut off), "sm_90" */
  uint64_t memory_size; /* bytes */
  uint64_t shared_bytes_per_block; /* the most that a launch may ask for */
  uint32_t compute_units;
  uint32_t wave_size;
  uint32_t max_threads_per_block;
  uint32_t reserved;
} podium_gpu_device;

typedef struct podium_gpu_launch {
  void *function;
  uint32_t blocks[3], threads[3], shared_bytes;
  uint32_t reserved;
  void *stream;
  void **arguments; /* as for hipModuleLaunchKernel */
} podium_gpu_launch;

typedef struct podium_gpu {
  podium_gpu_kind kind;
  int32_t version; /* as the library numbers itself: hipRuntimeGetVersion, cuDriverGetVersion */
  const char *library; /* what was opened */

  /* The vendor's words for an error number; never NULL. */
  const char *(*describe_error)(int error);
  /* Whether an error number says that memory ran out. */
  int (*is_out_of_memory)(int error);
  /* 0 devices is an answer, not an error. */
  int (*device_count)(int *count);
  int (*describe)(int device, podium_gpu_device *out);
  /* Makes `device` current in the calling thread. */
  int (*use)(int device);

  int (*memory)(uint64_t *free, uint64_t *total);
  int (*allocate)(void **out, uint64_t size);
  int (*release)(void *memory);
  int (*allocate_pinned)(void **out, uint64_t size); /* every device may use it */
  int (*release_pinned)(void *memory);

  int (*stream_create)(void **out); /* does not wait for the default stream */
  int (*stream_release)(void *stream);
  int (*stream_synchronize)(void *stream);
  int (*copy)(void *to, const void *from, uint64_t size, void *stream); /* in any direction */
  int (*fill)(void *to, uint8_t value, uint64_t size, void *stream);
  /* Calls done(stream, error, context) on a thread of the driver after all work so far. */
  int (*callback)(void *stream, void (*done)(void *stream, int error, void *context), void *context);

  int (*event_create)(void **out, int timed);
  int (*event_release)(void *event);
  int (*event_record)(void *event, void *stream);
  int (*event_wait)(void *stream, void *event);
  int (*event_synchronize)(void *event);
  int (*event_elapsed)(float *milliseconds, void *from, void *to);

  int (*module_load)(void **out, const void *image);
  int (*module_release)(void *module);
  int (*module_function)(void **out, void *module, const char *name);
  /* Lets launches of the function ask for `bytes` of dynamic shared memory where that needs permission. */
  int (*allow_shared)(void *function, uint32_t bytes);
  int (*launch)(const podium_gpu_launch *launch);

  int (*capture_begin)(void *stream);
  int (*capture_end)(void *stream, void **executable);
  int (*graph_launch)(void *executable, void *stream);
  int (*graph_release)(void *executable);
} podium_gpu;

/* Opens `library`, or if it is NULL the first of the sonames of this kind that the system has, and initialises it.
 * Returns the table, which lives until the process ends, or NULL with a sentence in `problem`: what is missing or what
 * the library answered. The same kind and library give the same table. */
const podium_gpu *podium_gpu_open(podium_gpu_kind kind, const char *library, char *problem, uint64_t problem_size);

#ifdef __cplusplus
}
#endif
#endif /* PODIUM_GPU_H */
