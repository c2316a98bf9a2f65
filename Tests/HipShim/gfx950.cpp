#define SHIM_WARP 64
#define SHIM_TARGET 950
#define SHIM_KERNELS gfx950_kernels
#include "device.h"
