#define _GNU_SOURCE
#include "fake_driver.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
       NOT_FOUND = 500, CAPTURE_INVALID = 901 };
enum { MAX_DEVICES = 8, PAGE = 4096 };

/* ---- What the machine is --------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int device_total = 1, is_protecting = 0, fail_at = 0, fail_error = 0, fail_seen = 0;
static char fail_call[32];
static size_t memory_total = (size_t)1 << 32, memory_used[MAX_DEVICES];
static _Thread_local int current = 0;

static void read_machine(const char *text) {
  device_total = 1, is_protecting = 0, fail_at = 0, fail_error = 0, fail_seen = 0;
  memory_total = (size_t)1 << 32;
  while (text && *text) {
    unsigned long value;
    if (sscanf(text, "devices=%lu", &value) == 1) device_total = (int)(value < MAX_DEVICES ? value : MAX_DEVICES);
    if (sscanf(text, "memory=%lu", &value) == 1) memory_total = value;
    if (sscanf(text, "protect=%lu", &value) == 1) is_protecting = (int)value;
    sscanf(text, "fail=%31[a-z]:%d:%d", fail_call, &fail_at, &fail_error);
    text = strchr(text, ',');
    if (text) text++;
  }
}

static void configure(void) { read_machine(getenv("FAKE_GPU")); }

static void start(void) { pthread_once(&once, configure); }

EXPORT void fake_driver_configure(const char *text) {
  start();
  read_machine(text);
}

/* The error that FAKE_GPU asks for at this call. */
static int fault(const char *call) {
  if (!fail_error) return OK;
  pthread_mutex_lock(&lock);
  if (strcmp(call, fail_call) == 0 && fail_seen < fail_at) fail_seen++;
  int failing = fail_seen >= fail_at;
  pthread_mutex_unlock(&lock);
  return failing ? fail_error : OK;
}

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

typedef struct piece {
  struct piece *next;
  char *start;
  size_t size;
  int device;
} piece;

static piece *pieces;

static void protect_all(int protection) {
  if (!is_protecting) return;
  for (piece *p = pieces; p; p = p->next) mprotect(p->start, p->size, protection);
}

static int memory_take(void **out, size_t size) {
  int error = fault("allocate");
  if (error) return error;
  size_t rounded = (size + PAGE - 1) / PAGE * PAGE;
  pthread_mutex_lock(&lock);
  if (rounded > memory_total - memory_used[current]) {
    pthread_mutex_unlock(&lock);
    return OUT_OF_MEMORY;
  }
  piece *p = calloc(1, sizeof *p);
  char *start = mmap(NULL, rounded, is_protecting ? PROT_NONE : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
  *p = (piece){.next = pieces, .start = start, .size = rounded, .device = current};
  pieces = p;
  memory_used[current] += rounded;
  pthread_mutex_unlock(&lock);
  *out = start;
  return OK;
}

static int memory_give(void *memory) {
  pthread_mutex_lock(&lock);
  piece **at = &pieces;
  while (*at && (*at)->start != memory) at = &(*at)->next;
  piece *p = *at;
  if (p) {
    *at = p->next;
    memory_used[p->device] -= p->size;
    munmap(p->start, p->size);
    free(p);
  }
  pthread_mutex_unlock(&lock);
  return p ? OK : INVALID_VALUE;
}

/* ---- Kernels --------------------------------------------------------------------------------------------------- */

typedef void kernel(const unsigned grid[3], const unsigned block[3], void **arguments);

static void saxpy(const unsigned grid[3], const unsigned block[3], void **arguments) {
  float *y = *(float **)arguments[0];
  const float *x = *(const float **)arguments[1];
  float a = *(float *)arguments[2];
  int32_t n = *(int32_t *)arguments[3];
  for (uint64_t i = 0; i < (uint64_t)grid[0] * block[0] && i < (uint64_t)n; i++) y[i] += a * x[i];
}

static void iota(const unsigned grid[3], const unsigned block[3], void **arguments) {
  float *y = *(float **)arguments[0];
  int32_t n = *(int32_t *)arguments[1];
  for (uint64_t i = 0; i < (uint64_t)grid[0] * block[0] && i < (uint64_t)n; i++) y[i] = (float)i;
}

typedef struct function {
  const char *name;
  kernel *run;
  const char *sizes; /* bytes of each argument, a digit each */
} function;

static const function functions[] = {{"fake_saxpy", saxpy, "8844"}, {"fake_iota", iota, "84"}};

/* ---- Streams and graphs ---------------------------------------------------------------------------------------- */

typedef struct operation {
  enum { COPY, FILL, LAUNCH } kind;
  void *to;
  const void *from;
  size_t size;
  int value;
  const function *function;
  unsigned grid[3], block[3];
  uint64_t values[16];
} operation;

typedef struct graph {
  operation *operations;
  size_t count;
} graph;

typedef struct stream {
  int is_capturing;
  graph *captured;
} stream;

static void perform(const operation *o) {
  pthread_mutex_lock(&lock);
  protect_all(PROT_READ | PROT_WRITE);
  if (o->kind == COPY) memmove(o->to, o->from, o->size);
  if (o->kind == FILL) memset(o->to, o->value, o->size);
  if (o->kind == LAUNCH) {
    void *arguments[16];
    for (int i = 0; i < 16; i++) arguments[i] = (void *)&o->values[i];
    o->function->run(o->grid, o->block, arguments);
  }
  protect_all(PROT_NONE);
  pthread_mutex_unlock(&lock);
}

static int submit(stream *s, const operation *o) {
  if (!s->is_capturing) {
    perform(o);
    return OK;
  }
  graph *g = s->captured;
  g->operations = realloc(g->operations, (g->count + 1) * sizeof *o);
  g->operations[g->count++] = *o;
  return OK;
}

/* ---- The functions, under CUDA's names; HIP's follow ------------------------------------------------------------ */

EXPORT int cuInit(unsigned flags) {
  start();
  return flags ? INVALID_VALUE : device_total ? OK : NO_DEVICE;
}
EXPORT int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
EXPORT int cuGetErrorString(int error, const char **text) {
  *text = error == OUT_OF_MEMORY ? "out of memory" : error == 700 ? "an illegal memory access was encountered"
        : error == 709           ? "context is destroyed"
                                 : "a fake error";
  return OK;
}
EXPORT int cuDeviceGetCount(int *count) { return start(), *count = device_total, device_total ? OK : NO_DEVICE; }
EXPORT int cuDeviceGet(int *device, int ordinal) {
  return ordinal >= 0 && ordinal < device_total ? (*device = ordinal, OK) : INVALID_DEVICE;
}
EXPORT int cuDeviceGetName(char *name, int size, int device) {
  return snprintf(name, (size_t)size, "Fake GPU %d", device), OK;
}
EXPORT int cuDeviceTotalMem_v2(size_t *size, int device) { return (void)device, *size = memory_total, OK; }
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  switch (attribute) {
  case 1: *value = 1024; break;
  case 10: *value = 32; break;
  case 16: *value = 4; break;
  case 75: *value = 0; break;
  case 76: *value = 1; break;
  case 97: *value = 160 << 10; break;
  default: return INVALID_VALUE;
  }
  return OK;
}
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  return *context = (void *)(intptr_t)(device + 1), OK;
}
EXPORT int cuCtxSetCurrent(void *context) { return current = (int)(intptr_t)context - 1, OK; }
EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) {
  return *total = memory_total, *free = memory_total - memory_used[current], OK;
}
EXPORT int cuMemAlloc_v2(uint64_t *out, size_t size) { return memory_take((void **)out, size); }
EXPORT int cuMemFree_v2(uint64_t memory) { return memory_give((void *)memory); }
EXPORT int cuMemHostAlloc(void **out, size_t size, unsigned flags) {
  return (void)flags, posix_memalign(out, PAGE, size ? size : 1) ? OUT_OF_MEMORY : OK;
}
EXPORT int cuMemFreeHost(void *memory) { return free(memory), OK; }
EXPORT int cuStreamCreate(void **out, unsigned flags) { return (void)flags, *out = calloc(1, sizeof(stream)), OK; }
EXPORT int cuStreamDestroy_v2(void *s) { return free(s), OK; }
EXPORT int cuStreamSynchronize(void *s) { return ((stream *)s)->is_capturing ? CAPTURE_INVALID : fault("synchronize"); }
EXPORT int cuStreamAddCallback(void *s, void (*done)(void *, int, void *), void *context, unsigned flags) {
  if (((stream *)s)->is_capturing) return CAPTURE_INVALID;
  return (void)flags, done(s, fault("synchronize"), context), OK;
}
EXPORT int cuMemcpyAsync(uint64_t to, uint64_t from, size_t size, void *s) {
  int error = fault("copy");
  return error ? error : submit(s, &(operation){.kind = COPY, .to = (void *)to, .from = (void *)from, .size = size});
}
EXPORT int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size, void *s) {
  int error = fault("copy");
  return error ? error : submit(s, &(operation){.kind = FILL, .to = (void *)to, .value = value, .size = size});
}
EXPORT int cuEventCreate(void **out, unsigned flags) { return (void)flags, *out = calloc(1, 8), OK; }
EXPORT int cuEventDestroy_v2(void *event) { return free(event), OK; }
EXPORT int cuEventRecord(void *event, void *s) { return (void)event, (void)s, OK; }
EXPORT int cuEventSynchronize(void *event) { return (void)event, fault("synchronize"); }
EXPORT int cuEventElapsedTime(float *ms, void *from, void *to) { return (void)from, (void)to, *ms = 1, OK; }
EXPORT int cuStreamWaitEvent(void *s, void *event, unsigned flags) { return (void)s, (void)event, (void)flags, OK; }
EXPORT int cuModuleLoadData(void **module, const void *image) {
  if (strncmp(image, "fake ", 5) != 0) return INVALID_IMAGE;
  return *module = strdup(image), OK;
}
EXPORT int cuModuleUnload(void *module) { return free(module), OK; }
EXPORT int cuModuleGetFunction(void **out, void *module, const char *name) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (strcmp(functions[i].name, name) || !strstr(module, name)) continue;
    return *out = (void *)&functions[i], OK;
  }
  return NOT_FOUND;
}
EXPORT int cuFuncSetAttribute(void *f, int attribute, int value) {
  return (void)f, (void)value, attribute == 8 ? OK : INVALID_VALUE;
}
EXPORT int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void *s, void **arguments, void **extra) {
  if (extra || bx * by * bz > 1024 || shared > 160 << 10) return INVALID_VALUE;
  int error = fault("launch");
  if (error) return error;
  operation o = {.kind = LAUNCH, .function = f, .grid = {gx, gy, gz}, .block = {bx, by, bz}};
  for (int i = 0; o.function->sizes[i]; i++) memcpy(&o.values[i], arguments[i], (size_t)(o.function->sizes[i] - '0'));
  return submit(s, &o);
}
EXPORT int cuStreamBeginCapture_v2(void *s, int mode) {
  stream *own = s;
  if (mode != 1 || own->is_capturing) return INVALID_VALUE;
  own->is_capturing = 1;
  own->captured = calloc(1, sizeof(graph));
  return OK;
}
EXPORT int cuStreamEndCapture(void *s, void **out) {
  stream *own = s;
  own->is_capturing = 0;
  return *out = own->captured, own->captured = NULL, *out ? OK : CAPTURE_INVALID;
}
/* The executable takes the operations over. */
EXPORT int cuGraphInstantiateWithFlags(void **out, void *from, unsigned long long flags) {
  graph *made = calloc(1, sizeof *made);
  *made = *(graph *)from;
  ((graph *)from)->operations = NULL;
  return (void)flags, *out = made, OK;
}
EXPORT int cuGraphLaunch(void *executable, void *s) {
  int error = fault("launch");
  if (error || ((stream *)s)->is_capturing) return error ? error : CAPTURE_INVALID;
  graph *g = executable;
  for (size_t i = 0; i < g->count; i++) perform(&g->operations[i]);
  return OK;
}
EXPORT int cuGraphDestroy(void *g) { return free(((graph *)g)->operations), free(g), OK; }
EXPORT int cuGraphExecDestroy(void *g) { return cuGraphDestroy(g); }

/* ---- The same under HIP's names --------------------------------------------------------------------------------- */

EXPORT int hipInit(unsigned flags) { return cuInit(flags); }
EXPORT int hipRuntimeGetVersion(int *version) { return *version = FAKE_DRIVER_VERSION, OK; }
EXPORT const char *hipGetErrorString(int error) {
  const char *text;
  return cuGetErrorString(error, &text), text;
}
EXPORT int hipGetLastError(void) { return OK; }
EXPORT int hipGetDeviceCount(int *count) { return cuDeviceGetCount(count); }
EXPORT int hipSetDevice(int device) {
  return device >= 0 && device < device_total ? (current = device, OK) : INVALID_DEVICE;
}
/* The layout of ROCm 6 and 7. */
EXPORT int hipGetDevicePropertiesR0600(void *out, int device) {
  if (device < 0 || device >= device_total) return INVALID_DEVICE;
  char *p = out;
  snprintf(p, 256, "Fake Instinct %d", device);
  *(uint64_t *)(p + 288) = memory_total;
  *(uint64_t *)(p + 296) = 64 << 10;
  *(int32_t *)(p + 308) = 64;
  *(int32_t *)(p + 320) = 1024;
  *(int32_t *)(p + 388) = 4;
  strcpy(p + 1160, "gfx000:sramecc+:xnack-");
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

/* ---- The compiler: a source's text is its image, if it begins with "fake "; "crash" ends the process ------------- */

typedef struct program {
  char *source;
  char log[256];
} program;

EXPORT const char *hiprtcGetErrorString(int error) { return error ? "HIPRTC_ERROR_COMPILATION" : "HIPRTC_SUCCESS"; }
EXPORT int hiprtcCreateProgram(void **out, const char *source, const char *name, int headers,
                               const char *const *texts, const char *const *names) {
  (void)name, (void)headers, (void)texts, (void)names;
  program *p = calloc(1, sizeof *p);
  p->source = strdup(source);
  return *out = p, OK;
}
EXPORT int hiprtcCompileProgram(void *program_, int count, const char *const *options) {
  program *p = program_;
  if (strncmp(p->source, "crash", 5) == 0) abort();
  int fine = strncmp(p->source, "fake ", 5) == 0 && count > 0 && strstr(options[0], "--gpu-architecture=");
  if (!fine) snprintf(p->log, sizeof p->log, "source:1: error: unknown word '%.20s'", p->source);
  return fine ? OK : 6;
}
EXPORT int hiprtcGetProgramLogSize(void *p, size_t *size) { return *size = strlen(((program *)p)->log) + 1, OK; }
EXPORT int hiprtcGetProgramLog(void *p, char *log) { return strcpy(log, ((program *)p)->log), OK; }
EXPORT int hiprtcGetCodeSize(void *p, size_t *size) { return *size = strlen(((program *)p)->source) + 1, OK; }
EXPORT int hiprtcGetCode(void *p, char *code) { return strcpy(code, ((program *)p)->source), OK; }
EXPORT int hiprtcDestroyProgram(void **p) {
  free(((program *)*p)->source);
  free(*p);
  return *p = NULL, OK;
}
EXPORT const char *nvrtcGetErrorString(int error) { return hiprtcGetErrorString(error); }
EXPORT int nvrtcCreateProgram(void **out, const char *source, const char *name, int headers, const char *const *texts,
                              const char *const *names) {
  return hiprtcCreateProgram(out, source, name, headers, texts, names);
}
EXPORT int nvrtcCompileProgram(void *p, int count, const char *const *options) {
  for (int i = 0; i < count; i++) {
    if (strcmp(options[i], "--fmad=false") == 0) return hiprtcCompileProgram(p, count, options);
  }
  return snprintf(((program *)p)->log, 256, "multiply-adds would be fused"), 6;
}
EXPORT int nvrtcGetProgramLogSize(void *p, size_t *size) { return hiprtcGetProgramLogSize(p, size); }
EXPORT int nvrtcGetProgramLog(void *p, char *log) { return hiprtcGetProgramLog(p, log); }
EXPORT int nvrtcGetCUBINSize(void *p, size_t *size) { return hiprtcGetCodeSize(p, size); }
EXPORT int nvrtcGetCUBIN(void *p, char *code) { return hiprtcGetCode(p, code); }
EXPORT int nvrtcDestroyProgram(void **p) { return hiprtcDestroyProgram(p); }
EXPORT int hiprtcVersion(int *major, int *minor) { return *major = 7, *minor = 1, OK; }
EXPORT int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, OK; }
