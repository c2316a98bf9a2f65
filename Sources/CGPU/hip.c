/* HIP 5, 6 and 7 through libamdhip64, found at run time.
 *
 * Only what is the same in the three versions is used. Device properties changed their layout with ROCm 6: the new
 * struct is filled by hipGetDevicePropertiesR0600, the old one by hipGetDeviceProperties, and each is read at the
 * offsets of its own layout (https://github.com/ROCm/clr/issues/151). Attribute numbers changed as well and are not
 * used. */

#include "runtimes.h"

#define FUNCTIONS(F)                                                                                            \
  F(int, hipInit, (unsigned))                                                                                   \
  F(int, hipRuntimeGetVersion, (int *))                                                                         \
  F(const char *, hipGetErrorString, (int))                                                                     \
  F(int, hipGetLastError, (void))                                                                               \
  F(int, hipGetDeviceCount, (int *))                                                                            \
  F(int, hipSetDevice, (int))                                                                                   \
  F(int, hipMemGetInfo, (size_t *, size_t *))                                                                   \
  F(int, hipMalloc, (void **, size_t))                                                                          \
  F(int, hipFree, (void *))                                                                                     \
  F(int, hipHostMalloc, (void **, size_t, unsigned))                                                            \
  F(int, hipHostFree, (void *))                                                                                 \
  F(int, hipStreamCreateWithFlags, (void **, unsigned))                                                         \
  F(int, hipStreamDestroy, (void *))                                                                            \
  F(int, hipStreamSynchronize, (void *))                                                                        \
  F(int, hipStreamAddCallback, (void *, void (*)(void *, int, void *), void *, unsigned))                       \
  F(int, hipMemcpyAsync, (void *, const void *, size_t, int, void *))                                           \
  F(int, hipMemsetAsync, (void *, int, size_t, void *))                                                         \
  F(int, hipEventCreateWithFlags, (void **, unsigned))                                                          \
  F(int, hipEventDestroy, (void *))                                                                             \
  F(int, hipEventRecord, (void *, void *))                                                                      \
  F(int, hipEventSynchronize, (void *))                                                                         \
  F(int, hipEventElapsedTime, (float *, void *, void *))                                                        \
  F(int, hipStreamWaitEvent, (void *, void *, unsigned))                                                        \
  F(int, hipModuleLoadData, (void **, const void *))                                                            \
  F(int, hipModuleUnload, (void *))                                                                             \
  F(int, hipModuleGetFunction, (void **, void *, const char *))                                                 \
  F(int, hipModuleLaunchKernel, (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,  \
                                 void *, void **, void **))                                                     \
  F(int, hipStreamBeginCapture, (void *, int))                                                                  \
  F(int, hipStreamEndCapture, (void *, void **))                                                                \
  F(int, hipGraphInstantiate, (void **, void *, void **, char *, size_t))                                       \
  F(int, hipGraphLaunch, (void *, void *))                                                                      \
  F(int, hipGraphDestroy, (void *))                                                                             \
  F(int, hipGraphExecDestroy, (void *))

FUNCTIONS(DECLARE_FUNCTION)
static int (*properties_new)(void *, int);
static int (*properties_old)(void *, int);

enum { NO_DEVICE = 100, INVALID_DEVICE = 101, OUT_OF_MEMORY = 2, COPY_ANY_DIRECTION = 4, NON_BLOCKING = 1,
       PORTABLE = 1, WITHOUT_TIME = 2, CAPTURE_THREAD_LOCAL = 1 };

static const char *describe_error(int error) {
  /* Before ROCm 6 hipGetErrorString gives the name, too. */
  const char *text = hipGetErrorString(error);
  return text ? text : "unknown error";
}

static int is_out_of_memory(int error) { return error == OUT_OF_MEMORY; }

static int device_count(int *count) {
  *count = 0;
  int error = hipGetDeviceCount(count);
  if (error != NO_DEVICE && error != INVALID_DEVICE) return error;
  (void)hipGetLastError();
  *count = 0;
  return 0;
}

static uint64_t word64(const char *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint32_t word32(const char *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static int describe(int device, podium_gpu_device *out) {
  /* hipDeviceProp_t: 1472 bytes in ROCm 6, fewer before; room for its growth. */
  char p[8192] __attribute__((aligned(16)));
  memset(p, 0, sizeof p);
  memset(out, 0, sizeof *out);
  int is_new = properties_new != NULL;
  int error = is_new ? properties_new(p, device) : properties_old(p, device);
  if (error) return error;
  memcpy(out->name, p, 255);
  memcpy(out->architecture, p + (is_new ? 1160 : 396), 63);
  char *features = strchr(out->architecture, ':');
  if (features) *features = 0;
  out->memory_size = word64(p + (is_new ? 288 : 256));
  out->shared_bytes_per_block = word64(p + (is_new ? 296 : 264));
  out->wave_size = word32(p + (is_new ? 308 : 276));
  out->max_threads_per_block = word32(p + (is_new ? 320 : 280));
  out->compute_units = word32(p + (is_new ? 388 : 336));
  return 0;
}

static int memory(uint64_t *free, uint64_t *total) {
  size_t free_bytes = 0, total_bytes = 0;
  int error = hipMemGetInfo(&free_bytes, &total_bytes);
  *free = free_bytes;
  *total = total_bytes;
  return error;
}

static int allocate(void **out, uint64_t size) {
  int error = hipMalloc(out, size);
  if (error) (void)hipGetLastError(); /* it would come back as the error of the next launch */
  return error;
}

static int allocate_pinned(void **out, uint64_t size) {
  int error = hipHostMalloc(out, size, PORTABLE);
  if (error) (void)hipGetLastError();
  return error;
}

static int stream_create(void **out) { return hipStreamCreateWithFlags(out, NON_BLOCKING); }

static int copy(void *to, const void *from, uint64_t size, void *stream) {
  return hipMemcpyAsync(to, from, size, COPY_ANY_DIRECTION, stream);
}

static int fill(void *to, uint8_t value, uint64_t size, void *stream) {
  return hipMemsetAsync(to, value, size, stream);
}

static int callback(void *stream, void (*done)(void *, int, void *), void *context) {
  return hipStreamAddCallback(stream, done, context, 0);
}

static int event_create(void **out, int timed) { return hipEventCreateWithFlags(out, timed ? 0 : WITHOUT_TIME); }
static int event_wait(void *stream, void *event) { return hipStreamWaitEvent(stream, event, 0); }

/* HIP lets every launch ask for what the device has. */
static int allow_shared(void *function, uint32_t bytes) {
  (void)function, (void)bytes;
  return 0;
}

static int launch(const podium_gpu_launch *l) {
  return hipModuleLaunchKernel(l->function, l->blocks[0], l->blocks[1], l->blocks[2], l->threads[0], l->threads[1],
                               l->threads[2], l->shared_bytes, l->stream, l->arguments, NULL);
}

static int capture_begin(void *stream) { return hipStreamBeginCapture(stream, CAPTURE_THREAD_LOCAL); }

static int capture_end(void *stream, void **executable) {
  void *graph = NULL;
  int error = hipStreamEndCapture(stream, &graph);
  if (error) return error;
  error = hipGraphInstantiate(executable, graph, NULL, NULL, 0);
  (void)hipGraphDestroy(graph); /* the executable does not need it */
  return error;
}

int podium_open_hip(podium_gpu *table, const char *library, char *problem, uint64_t problem_size) {
  static const char *const names[] = {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so",
                                      NULL};
  static char opened[256];
  void *handle = open_library(library, names, opened, problem, problem_size);
  if (!handle) return 0;
  table->library = opened;
  FUNCTIONS(RESOLVE_FUNCTION)
  *(void **)&properties_new = dlsym(handle, "hipGetDevicePropertiesR0600");
  *(void **)&properties_old = dlsym(handle, "hipGetDeviceProperties");
  if (!properties_new && !properties_old) {
    snprintf(problem, problem_size, "%s has no hipGetDeviceProperties", table->library);
    dlclose(handle);
    return 0;
  }
  int error = hipInit(0);
  /* Without a device this fails, and the count is the answer. */
  if (error && error != NO_DEVICE && error != INVALID_DEVICE) {
    snprintf(problem, problem_size, "%s: hipInit: %s (%d)", table->library, describe_error(error), error);
    dlclose(handle);
    return 0;
  }
  int version = 0;
  (void)hipRuntimeGetVersion(&version);
  table->kind = PODIUM_GPU_HIP;
  table->version = version;
  FILL_OWN_FUNCTIONS(table)
  table->use = hipSetDevice;
  table->release = hipFree;
  table->release_pinned = hipHostFree;
  table->stream_release = hipStreamDestroy;
  table->stream_synchronize = hipStreamSynchronize;
  table->event_release = hipEventDestroy;
  table->event_record = hipEventRecord;
  table->event_synchronize = hipEventSynchronize;
  table->event_elapsed = hipEventElapsedTime;
  table->module_load = hipModuleLoadData;
  table->module_release = hipModuleUnload;
  table->module_function = hipModuleGetFunction;
  table->graph_launch = hipGraphLaunch;
  table->graph_release = hipGraphExecDestroy;
  return 1;
}
