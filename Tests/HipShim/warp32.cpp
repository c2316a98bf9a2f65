#define SHIM_WARP 32
#define SHIM_TARGET 0
#define SHIM_KERNELS warp32_kernels
#include "device.h"
