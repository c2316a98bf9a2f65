#define SHIM_WARP 64
#define SHIM_TARGET 942
#define SHIM_KERNELS gfx942_kernels
#include "device.h"
