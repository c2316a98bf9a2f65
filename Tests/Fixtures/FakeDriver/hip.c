/* HIP's names, for what cuda.c does. */
#include "cuda.h"
#include "driver.h"

#include <stdio.h>

EXPORT int hipInit(unsigned flags) { return cuInit(flags); }
EXPORT int hipRuntimeGetVersion(int *version) { return *version = FAKE_DRIVER_VERSION, OK; }
EXPORT const char *hipGetErrorString(int error) {
  const char *text;
  return cuGetErrorString(error, &text), text;
}
EXPORT int hipGetLastError(void) { return OK; }
EXPORT int hipGetDeviceCount(int *count) { return cuDeviceGetCount(count); }
EXPORT int hipSetDevice(int device) {
  return device >= 0 && device < machine_devices ? (current_device = device, OK) : INVALID_DEVICE;
}
/* The layout of ROCm 6 and 7. */
EXPORT int hipGetDevicePropertiesR0600(void *out, int device) {
  if (device < 0 || device >= machine_devices) return INVALID_DEVICE;
  char *p = out;
  snprintf(p, 256, "Fake Instinct %d", device);
  *(uint64_t *)(p + 288) = machine_memory;
  *(uint64_t *)(p + 296) = 64 << 10;
  *(int32_t *)(p + 308) = 64;
  *(int32_t *)(p + 320) = 1024;
  *(int32_t *)(p + 388) = 4;
  snprintf(p + 1160, 256, "%s:sramecc+:xnack-", machine_architecture());
  return OK;
}
EXPORT int hipMemGetInfo(size_t *free, size_t *total) { return cuMemGetInfo_v2(free, total); }
EXPORT int hipMalloc(void **out, size_t size) { return memory_take(out, size); }
EXPORT int hipFree(void *memory) { return memory_give(memory); }
EXPORT int hipHostMalloc(void **out, size_t size, unsigned flags) { return cuMemHostAlloc(out, size, flags); }
EXPORT int hipHostFree(void *memory) { return cuMemFreeHost(memory); }
EXPORT int hipStreamCreateWithFlags(void **out, unsigned flags) { return cuStreamCreate(out, flags); }
EXPORT int hipStreamDestroy(void *s) { return cuStreamDestroy_v2(s); }
EXPORT int hipStreamSynchronize(void *s) { return cuStreamSynchronize(s); }
EXPORT int hipStreamAddCallback(void *s, void (*done)(void *, int, void *), void *context, unsigned flags) {
  return cuStreamAddCallback(s, done, context, flags);
}
EXPORT int hipMemcpyAsync(void *to, const void *from, size_t size, int kind, void *s) {
  return kind == 4 ? cuMemcpyAsync((uintptr_t)to, (uintptr_t)from, size, s) : INVALID_VALUE;
}
EXPORT int hipMemsetAsync(void *to, int value, size_t size, void *s) {
  return cuMemsetD8Async((uintptr_t)to, (unsigned char)value, size, s);
}
EXPORT int hipEventCreateWithFlags(void **out, unsigned flags) { return cuEventCreate(out, flags); }
EXPORT int hipEventDestroy(void *event) { return cuEventDestroy_v2(event); }
EXPORT int hipEventRecord(void *event, void *s) { return cuEventRecord(event, s); }
EXPORT int hipEventSynchronize(void *event) { return cuEventSynchronize(event); }
EXPORT int hipEventElapsedTime(float *ms, void *from, void *to) { return cuEventElapsedTime(ms, from, to); }
EXPORT int hipStreamWaitEvent(void *s, void *event, unsigned flags) { return cuStreamWaitEvent(s, event, flags); }
EXPORT int hipModuleLoadData(void **module, const void *image) { return cuModuleLoadData(module, image); }
EXPORT int hipModuleUnload(void *module) { return cuModuleUnload(module); }
EXPORT int hipModuleGetFunction(void **out, void *module, const char *name) {
  return cuModuleGetFunction(out, module, name);
}
EXPORT int hipModuleLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                                 unsigned shared, void *s, void **arguments, void **extra) {
  return cuLaunchKernel(f, gx, gy, gz, bx, by, bz, shared, s, arguments, extra);
}
EXPORT int hipStreamBeginCapture(void *s, int mode) { return cuStreamBeginCapture_v2(s, mode); }
EXPORT int hipStreamEndCapture(void *s, void **out) { return cuStreamEndCapture(s, out); }
EXPORT int hipGraphInstantiate(void **out, void *from, void **node, char *log, size_t size) {
  return (void)node, (void)log, (void)size, cuGraphInstantiateWithFlags(out, from, 0);
}
EXPORT int hipGraphLaunch(void *executable, void *s) { return cuGraphLaunch(executable, s); }
EXPORT int hipGraphDestroy(void *g) { return cuGraphDestroy(g); }
EXPORT int hipGraphExecDestroy(void *g) { return cuGraphExecDestroy(g); }
