/* fake_driver.h - a driver for GPUs that are not there: the functions of HIP and of the CUDA driver API that the host
 * uses, the compilers' hiprtc and NVRTC, and products by hipBLASLt, rocBLAS and cuBLASLt, on host memory.
 *
 * Built as a library of its own and opened by its path, as the vendors' are. A thread of the driver's does the work of
 * all streams, asynchronously: streams wait for each other only by events. Device memory is full of 0xFF when it is
 * given out, ends at a page that nobody may touch, and with `protect` cannot be read or written except by what a stream
 * does, so that a host that follows a device pointer faults. FAKE_GPU in the environment says what the machine is:
 *
 *     devices=2,memory=1073741824,protect=1,late=1,arch=gfx950,fail=launch:3:700
 *
 * late=1 does nothing before somebody waits for it, so that a host that writes too early to what a copy is to read gets
 * wrong numbers. arch=TARGET is the architecture under HIP's names. fail=CALL:N:ERROR lets the N-th call of allocate,
 * copy, launch, synchronize, heuristic, gemm or execute (a kernel that runs, those of graphs counted singly) give that
 * error, and every later call as well, as after a fault. */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets all of FAKE_GPU anew, when no device memory is out. */
void fake_driver_configure(const char *text);

enum { FAKE_DRIVER_VERSION = 60400000, FAKE_DRIVER_ARGUMENTS = 32 };

/* A kernel that the device can run. */
typedef struct fake_function {
  const char *name;
  const char *signature; /* as mlp_kernel's: p i l f d */
  /* Runs a grid; arguments[i] points at the i-th value. NULL, or what went wrong, which ends the device. */
  const char *(*run)(const struct fake_function *self, const unsigned blocks[3], const unsigned threads[3],
                     void *const *arguments);
  int device; /* the maker's own */
} fake_function;

/* What a device can compute: the driver's own has fake_saxpy(p y, p x, f a, i n), y += a x by blocks of threads, and
 * fake_iota(p y, i n), y[i] = i; its sources and images are texts, "fake " and the names of kernels. */
typedef struct fake_compute {
  const char *architecture; /* under HIP's names, unless FAKE_GPU says another */
  int capability[2];        /* under CUDA's */
  int measures_time;        /* events tell the time; else two of them are 1 ms apart */
  /* An image of `source` for `target` from malloc, a text; NULL with the reason in log. */
  char *(*compile)(const char *source, const char *target, char *log, size_t log_size);
  /* Whether an image can be loaded. */
  int (*accepts)(const char *image);
  /* A kernel of an image; NULL if it has none of this name. */
  const fake_function *(*find)(const char *image, const char *name);
} fake_compute;

/* Makes the driver compute otherwise; before it is used. */
void fake_driver_compute(const fake_compute *compute);

/* Called after each kernel that ran, on the driver's thread, while device memory can be read; NULL ends it. */
typedef void (*fake_driver_tap_function)(void *context, const char *kernel, void *const *arguments);
void fake_driver_tap(fake_driver_tap_function tap, void *context);

#ifdef __cplusplus
}
#endif
#endif
