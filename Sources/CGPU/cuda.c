/* The CUDA driver API through libcuda, found at run time: it exists so that the kernels can be run on the GPU that a
 * developer has.
 *
 * A device's primary context is retained at its first use and kept for the life of the process. */

#include "runtimes.h"

#include <pthread.h>
#include <stdatomic.h>

#define FUNCTIONS(F)                                                                                            \
  F(int, cuInit, (unsigned))                                                                                    \
  F(int, cuDriverGetVersion, (int *))                                                                           \
  F(int, cuGetErrorString, (int, const char **))                                                                \
  F(int, cuDeviceGetCount, (int *))                                                                             \
  F(int, cuDeviceGet, (int *, int))                                                                             \
  F(int, cuDeviceGetName, (char *, int, int))                                                                   \
  F(int, cuDeviceTotalMem_v2, (size_t *, int))                                                                  \
  F(int, cuDeviceGetAttribute, (int *, int, int))                                                               \
  F(int, cuDevicePrimaryCtxRetain, (void **, int))                                                              \
  F(int, cuCtxSetCurrent, (void *))                                                                             \
  F(int, cuMemGetInfo_v2, (size_t *, size_t *))                                                                 \
  F(int, cuMemAlloc_v2, (uint64_t *, size_t))                                                                   \
  F(int, cuMemFree_v2, (uint64_t))                                                                              \
  F(int, cuMemHostAlloc, (void **, size_t, unsigned))                                                           \
  F(int, cuMemFreeHost, (void *))                                                                               \
  F(int, cuStreamCreate, (void **, unsigned))                                                                   \
  F(int, cuStreamDestroy_v2, (void *))                                                                          \
  F(int, cuStreamSynchronize, (void *))                                                                         \
  F(int, cuStreamAddCallback, (void *, void (*)(void *, int, void *), void *, unsigned))                        \
  F(int, cuMemcpyAsync, (uint64_t, uint64_t, size_t, void *))                                                   \
  F(int, cuMemsetD8Async, (uint64_t, unsigned char, size_t, void *))                                            \
  F(int, cuEventCreate, (void **, unsigned))                                                                    \
  F(int, cuEventDestroy_v2, (void *))                                                                           \
  F(int, cuEventRecord, (void *, void *))                                                                       \
  F(int, cuEventSynchronize, (void *))                                                                          \
  F(int, cuEventElapsedTime, (float *, void *, void *))                                                         \
  F(int, cuStreamWaitEvent, (void *, void *, unsigned))                                                         \
  F(int, cuModuleLoadData, (void **, const void *))                                                             \
  F(int, cuModuleUnload, (void *))                                                                              \
  F(int, cuModuleGetFunction, (void **, void *, const char *))                                                  \
  F(int, cuFuncSetAttribute, (void *, int, int))                                                                \
  F(int, cuLaunchKernel, (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, \
                          void **, void **))                                                                    \
  F(int, cuStreamBeginCapture_v2, (void *, int))                                                                \
  F(int, cuStreamEndCapture, (void *, void **))                                                                 \
  F(int, cuGraphInstantiateWithFlags, (void **, void *, unsigned long long))                                    \
  F(int, cuGraphLaunch, (void *, void *))                                                                       \
  F(int, cuGraphDestroy, (void *))                                                                              \
  F(int, cuGraphExecDestroy, (void *))

FUNCTIONS(DECLARE_FUNCTION)

enum { NO_DEVICE = 100, INVALID_DEVICE = 101, OUT_OF_MEMORY = 2, NON_BLOCKING = 1, PORTABLE = 1, WITHOUT_TIME = 2,
       CAPTURE_THREAD_LOCAL = 1, MAX_DEVICES = 64 };
/* CUdevice_attribute and CUfunction_attribute: numbers that CUDA keeps. */
enum { MAX_THREADS_PER_BLOCK = 1, WARP_SIZE = 10, MULTIPROCESSORS = 16, CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76,
       SHARED_PER_BLOCK_OPTIN = 97, FUNCTION_DYNAMIC_SHARED = 8 };

static _Atomic(void *) contexts[MAX_DEVICES];
static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *describe_error(int error) {
  const char *text = NULL;
  return cuGetErrorString(error, &text) == 0 && text ? text : "unknown error";
}

static int is_out_of_memory(int error) { return error == OUT_OF_MEMORY; }

static int device_count(int *count) {
  *count = 0;
  int error = cuDeviceGetCount(count);
  if (error == NO_DEVICE) error = *count = 0;
  if (*count > MAX_DEVICES) *count = MAX_DEVICES;
  return error;
}

static int describe(int ordinal, podium_gpu_device *out) {
  memset(out, 0, sizeof *out);
  int device, major = 0, minor = 0, shared = 0, units = 0, threads = 0, wave = 0;
  size_t memory = 0;
  int error = cuDeviceGet(&device, ordinal);
  if (!error) error = cuDeviceGetName(out->name, 255, device);
  if (!error) error = cuDeviceTotalMem_v2(&memory, device);
  if (!error) error = cuDeviceGetAttribute(&major, CAPABILITY_MAJOR, device);
  if (!error) error = cuDeviceGetAttribute(&minor, CAPABILITY_MINOR, device);
  if (!error) error = cuDeviceGetAttribute(&shared, SHARED_PER_BLOCK_OPTIN, device);
  if (!error) error = cuDeviceGetAttribute(&units, MULTIPROCESSORS, device);
  if (!error) error = cuDeviceGetAttribute(&threads, MAX_THREADS_PER_BLOCK, device);
  if (!error) error = cuDeviceGetAttribute(&wave, WARP_SIZE, device);
  snprintf(out->architecture, sizeof out->architecture, "sm_%d%d", major, minor);
  out->memory_size = memory;
  out->shared_bytes_per_block = (uint64_t)shared;
  out->compute_units = (uint32_t)units;
  out->max_threads_per_block = (uint32_t)threads;
  out->wave_size = (uint32_t)wave;
  return error;
}

static int use(int ordinal) {
  if (ordinal < 0 || ordinal >= MAX_DEVICES) return INVALID_DEVICE;
  void *context = atomic_load_explicit(&contexts[ordinal], memory_order_acquire);
  if (!context) {
    pthread_mutex_lock(&context_lock);
    context = atomic_load_explicit(&contexts[ordinal], memory_order_relaxed);
    int device, error = 0;
    if (!context) {
      error = cuDeviceGet(&device, ordinal);
      if (!error) error = cuDevicePrimaryCtxRetain(&context, device);
      if (!error) atomic_store_explicit(&contexts[ordinal], context, memory_order_release);
    }
    pthread_mutex_unlock(&context_lock);
    if (error) return error;
  }
  return cuCtxSetCurrent(context);
}

static int memory(uint64_t *free, uint64_t *total) {
  size_t free_bytes = 0, total_bytes = 0;
  int error = cuMemGetInfo_v2(&free_bytes, &total_bytes);
  *free = free_bytes;
  *total = total_bytes;
  return error;
}

static int allocate(void **out, uint64_t size) {
  uint64_t address = 0;
  int error = cuMemAlloc_v2(&address, size);
  *out = (void *)(uintptr_t)address;
  return error;
}

static int release(void *memory) { return cuMemFree_v2((uintptr_t)memory); }
static int allocate_pinned(void **out, uint64_t size) { return cuMemHostAlloc(out, size, PORTABLE); }
static int stream_create(void **out) { return cuStreamCreate(out, NON_BLOCKING); }

static int copy(void *to, const void *from, uint64_t size, void *stream) {
  return cuMemcpyAsync((uintptr_t)to, (uintptr_t)from, size, stream);
}

static int fill(void *to, uint8_t value, uint64_t size, void *stream) {
  return cuMemsetD8Async((uintptr_t)to, value, size, stream);
}

static int callback(void *stream, void (*done)(void *, int, void *), void *context) {
  return cuStreamAddCallback(stream, done, context, 0);
}

static int event_create(void **out, int timed) { return cuEventCreate(out, timed ? 0 : WITHOUT_TIME); }
static int event_wait(void *stream, void *event) { return cuStreamWaitEvent(stream, event, 0); }

static int allow_shared(void *function, uint32_t bytes) {
  return cuFuncSetAttribute(function, FUNCTION_DYNAMIC_SHARED, (int)bytes);
}

static int launch(const podium_gpu_launch *l) {
  return cuLaunchKernel(l->function, l->blocks[0], l->blocks[1], l->blocks[2], l->threads[0], l->threads[1],
                        l->threads[2], l->shared_bytes, l->stream, l->arguments, NULL);
}

static int capture_begin(void *stream) { return cuStreamBeginCapture_v2(stream, CAPTURE_THREAD_LOCAL); }

static int capture_end(void *stream, void **executable) {
  void *graph = NULL;
  int error = cuStreamEndCapture(stream, &graph);
  if (error) return error;
  error = cuGraphInstantiateWithFlags(executable, graph, 0);
  (void)cuGraphDestroy(graph); /* the executable does not need it */
  return error;
}

int podium_open_cuda(podium_gpu *table, const char *library, char *problem, uint64_t problem_size) {
  static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
  static char opened[256];
  void *handle = open_library(library, names, opened, problem, problem_size);
  if (!handle) return 0;
  table->library = opened;
  FUNCTIONS(RESOLVE_FUNCTION)
  int error = cuInit(0);
  if (error && error != NO_DEVICE) {
    snprintf(problem, problem_size, "%s: cuInit: %s (%d)", table->library, describe_error(error), error);
    dlclose(handle);
    return 0;
  }
  int version = 0;
  (void)cuDriverGetVersion(&version);
  table->kind = PODIUM_GPU_CUDA;
  table->version = version;
  FILL_OWN_FUNCTIONS(table)
  table->use = use;
  table->release = release;
  table->release_pinned = cuMemFreeHost;
  table->stream_release = cuStreamDestroy_v2;
  table->stream_synchronize = cuStreamSynchronize;
  table->event_release = cuEventDestroy_v2;
  table->event_record = cuEventRecord;
  table->event_synchronize = cuEventSynchronize;
  table->event_elapsed = cuEventElapsedTime;
  table->module_load = cuModuleLoadData;
  table->module_release = cuModuleUnload;
  table->module_function = cuModuleGetFunction;
  table->graph_launch = cuGraphLaunch;
  table->graph_release = cuGraphExecDestroy;
  return 1;
}
