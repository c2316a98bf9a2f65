/* shim_driver.h - the fake driver (fake_driver.h), computing with the HIP sources of this project's kernels, run by the
 * shim (hip_shim.h).
 *
 * Under HIP's names it is a gfx942, or with FAKE_GPU=arch=gfx950 that; under CUDA's an sm_90, whose kernels are the
 * sources for warps of 32. Its compilers take the source of a family of podium_families() for one of these targets; an
 * image names the target, the family and a hash of the text. A source with any other text is refused. With SHIM_LOGITS=PATH in the environment every argmax appends the rows that it looked at
 * to that file, as float32. */
#ifndef SHIM_DRIVER_H
#define SHIM_DRIVER_H

#include "fake_driver.h"

#endif
