/* cuda.h - the names of cuda.c, for hip.c. */
#ifndef FAKE_DRIVER_CUDA_H
#define FAKE_DRIVER_CUDA_H

#include <stddef.h>
#include <stdint.h>

int cuInit(unsigned flags);
int cuDriverGetVersion(int *version);
int cuGetErrorString(int error, const char **text);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int ordinal);
int cuDeviceGetName(char *name, int size, int device);
int cuDeviceTotalMem_v2(size_t *size, int device);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuCtxSetCurrent(void *context);
int cuMemGetInfo_v2(size_t *free, size_t *total);
int cuMemAlloc_v2(uint64_t *out, size_t size);
int cuMemFree_v2(uint64_t memory);
int cuMemHostAlloc(void **out, size_t size, unsigned flags);
int cuMemFreeHost(void *memory);
int cuStreamCreate(void **out, unsigned flags);
int cuStreamDestroy_v2(void *s);
int cuStreamSynchronize(void *s);
int cuStreamAddCallback(void *s, void (*done)(void *, int, void *), void *context, unsigned flags);
int cuMemcpyAsync(uint64_t to, uint64_t from, size_t size, void *s);
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size, void *s);
int cuEventCreate(void **out, unsigned flags);
int cuEventDestroy_v2(void *e);
int cuEventRecord(void *e, void *s);
int cuEventSynchronize(void *e);
int cuEventElapsedTime(float *ms, void *from, void *to);
int cuStreamWaitEvent(void *s, void *e, unsigned flags);
int cuModuleLoadData(void **module, const void *image);
int cuModuleUnload(void *module);
int cuModuleGetFunction(void **out, void *module, const char *name);
int cuFuncSetAttribute(void *f, int attribute, int value);
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void *s, void **arguments, void **extra);
int cuStreamBeginCapture_v2(void *s, int mode);
int cuStreamEndCapture(void *s, void **out);
int cuGraphInstantiateWithFlags(void **out, void *from, unsigned long long flags);
int cuGraphLaunch(void *executable, void *s);
int cuGraphDestroy(void *g);
int cuGraphExecDestroy(void *g);

#endif
