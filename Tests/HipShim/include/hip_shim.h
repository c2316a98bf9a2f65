/* hip_shim.h - runs the HIP sources of the kernels on the CPU: every thread of a block is a fiber, barriers and
 * exchanges between lanes are real, and what a GPU would hang on is told. */
#ifndef HIP_SHIM_H
#define HIP_SHIM_H

#include "mlp_plugin.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The device that a source was compiled for.  GFX942 and GFX950 have warps of 64 lanes and the matrix instructions of
 * those targets; WARP32 has warps of 32 and none, like the source on an NVIDIA GPU. */
typedef enum shim_device { SHIM_GFX942 = 0, SHIM_GFX950 = 1, SHIM_WARP32 = 2, SHIM_DEVICE_COUNT = 3 } shim_device;

/* Whether a kernel of podium_kernels() has a HIP form. */
bool shim_has_kernel(const char *name);

/* Runs all blocks of a grid, one after the other, on the calling thread.  args[i] points at the i-th argument.
 * NULL when all went well; else what went wrong and where: a barrier or an exchange that not all threads reach, a load
 * of 16 bytes at another address, too much shared memory.  The text lives until the next call on this thread. */
const char *shim_launch(shim_device device, const char *kernel, const mlp_grid *grid, void *const *args);

/* The same through the kernel's CPU twin, for the whole grid. */
void shim_launch_twin(const char *kernel, const mlp_grid *grid, void *const *args);

/* Kernels that are wrong in one way each, for the tests of the shim itself: "barrier_in_a_branch",
 * "exchange_in_a_branch", "early_return", "two_barriers", "race", "unaligned", "shared_too_large"; "right" is not. */
const char *shim_launch_wrong(const char *kernel, uint32_t threads, int32_t *out);

/* What podium_formats.h makes of a value or a code. */
uint32_t shim_encode(const char *format, float value);
float shim_decode(const char *format, uint32_t code);

#ifdef __cplusplus
}
#endif
#endif
