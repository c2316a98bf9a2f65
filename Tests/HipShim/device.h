/* device.h - compiles all HIP sources for one device of the shim.  The including file defines SHIM_WARP, SHIM_TARGET
 * (942, 950 or 0) and SHIM_KERNELS, the name of its table. */
#include "scheduler.h"

#if SHIM_TARGET
#include "matrix_instructions.h"
#endif
#include "table.h"

#define PODIUM_SHIM 1
#include "../../Sources/Kernels/Argmax/argmax.hip"
#include "../../Sources/Kernels/Attention/attention.hip"
#include "../../Sources/Kernels/Elementwise/elementwise.hip"
#include "../../Sources/Kernels/Embedding/embedding.hip"
#include "../../Sources/Kernels/FP8/fp8.hip"
#include "../../Sources/Kernels/Gemm/gemm.hip"
#include "../../Sources/Kernels/MXFP4/mxfp4.hip"
#include "../../Sources/Kernels/Norm/norm.hip"
#include "../../Sources/Kernels/Rope/rope.hip"
#include "../../Sources/Kernels/Round/round.hip"


namespace shim {
const kernel SHIM_KERNELS[] = {
#define HIP_KERNEL(name) \
  {#name, caller<decltype(&::name), &::name>::call, twin_caller<decltype(&podium_##name), &podium_##name>::call, \
   same_arguments(&::name, &podium_##name)},
#include "kernels.h"
    {nullptr, nullptr, nullptr, true},
};
} // namespace shim
