/* The CUDA driver's names. */
#include "cuda.h"
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EXPORT int cuInit(unsigned flags) {
  machine_start();
  return flags ? INVALID_VALUE : machine_devices ? OK : NO_DEVICE;
}
EXPORT int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
EXPORT int cuGetErrorString(int error, const char **text) {
  *text = error == OUT_OF_MEMORY ? "out of memory"
        : error == 700           ? "an illegal memory access was encountered"
        : error == 709           ? "context is destroyed"
        : error == 46            ? "CUDA-capable device(s) is/are busy or unavailable"
                                 : "a fake error";
  return OK;
}
EXPORT int cuDeviceGetCount(int *count) {
  machine_start();
  return *count = machine_devices, machine_devices ? OK : NO_DEVICE;
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
  return ordinal >= 0 && ordinal < machine_devices ? (*device = ordinal, OK) : INVALID_DEVICE;
}
EXPORT int cuDeviceGetName(char *name, int size, int device) {
  return snprintf(name, (size_t)size, "Fake GPU %d", device), OK;
}
EXPORT int cuDeviceTotalMem_v2(size_t *size, int device) { return (void)device, *size = machine_memory, OK; }
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  switch (attribute) {
  case 1: *value = 1024; break;
  case 10: *value = 32; break;
  case 16: *value = 4; break;
  case 75: *value = machine_compute->capability[0]; break;
  case 76: *value = machine_compute->capability[1]; break;
  case 97: *value = 160 << 10; break;
  default: return INVALID_VALUE;
  }
  return OK;
}
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  return *context = (void *)(intptr_t)(device + 1), OK;
}
EXPORT int cuCtxSetCurrent(void *context) { return current_device = (int)(intptr_t)context - 1, OK; }
EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) {
  return *total = machine_memory, *free = memory_free(), OK;
}
EXPORT int cuMemAlloc_v2(uint64_t *out, size_t size) { return memory_take((void **)out, size); }
EXPORT int cuMemFree_v2(uint64_t memory) { return memory_give((void *)memory); }
EXPORT int cuMemHostAlloc(void **out, size_t size, unsigned flags) { return (void)flags, memory_take_pinned(out, size); }
EXPORT int cuMemFreeHost(void *memory) { return memory_give_pinned(memory); }
EXPORT int cuStreamCreate(void **out, unsigned flags) {
  return (void)flags, *out = stream_make(), *out ? OK : OUT_OF_MEMORY;
}
EXPORT int cuStreamDestroy_v2(void *s) { return stream_end(s), OK; }
EXPORT int cuStreamSynchronize(void *s) {
  if (stream_is_capturing(s)) return CAPTURE_INVALID;
  return stream_wait(s), machine_fault("synchronize");
}
EXPORT int cuStreamAddCallback(void *s, void (*done)(void *, int, void *), void *context, unsigned flags) {
  return (void)flags, stream_submit(s, &(operation){.kind = CALL, .to = s, .call = done, .context = context});
}
EXPORT int cuMemcpyAsync(uint64_t to, uint64_t from, size_t size, void *s) {
  int error = machine_fault("copy");
  operation o = {.kind = COPY, .to = (void *)to, .from = (void *)from, .size = size};
  return error ? error : stream_submit(s, &o);
}
EXPORT int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size, void *s) {
  int error = machine_fault("copy");
  return error ? error : stream_submit(s, &(operation){.kind = FILL, .to = (void *)to, .value = value, .size = size});
}
EXPORT int cuEventCreate(void **out, unsigned flags) {
  return (void)flags, *out = event_make(), *out ? OK : OUT_OF_MEMORY;
}
EXPORT int cuEventDestroy_v2(void *e) { return event_end(e), OK; }
EXPORT int cuEventRecord(void *e, void *s) { return event_record(e, s); }
EXPORT int cuEventSynchronize(void *e) { return event_wait(e), machine_fault("synchronize"); }
EXPORT int cuEventElapsedTime(float *ms, void *from, void *to) { return *ms = event_elapsed(from, to), OK; }
EXPORT int cuStreamWaitEvent(void *s, void *e, unsigned flags) { return (void)flags, event_follow(e, s); }
/* An image as a text: an ELF file, whose section headers stand at its end, is "fake " and the words in it. */
static char *text_of(const unsigned char *image) {
  if (memcmp(image, "\x7f" "ELF", 4) != 0) return strdup((const char *)image);
  uint64_t headers;
  uint16_t size, count;
  memcpy(&headers, image + 40, 8);
  memcpy(&size, image + 58, 2);
  memcpy(&count, image + 60, 2);
  size_t length = headers + (size_t)size * count;
  char *text = malloc(length + 6);
  memcpy(text, "fake ", 5);
  for (size_t i = 0; i < length; i++) text[5 + i] = image[i] ? (char)image[i] : ' ';
  return text[5 + length] = 0, text;
}
EXPORT int cuModuleLoadData(void **module, const void *image) {
  char *text = text_of(image);
  if (!machine_compute->accepts(text)) return free(text), INVALID_IMAGE;
  return *module = text, OK;
}
EXPORT int cuModuleUnload(void *module) { return free(module), OK; }
EXPORT int cuModuleGetFunction(void **out, void *module, const char *name) {
  *out = (void *)machine_compute->find(module, name);
  return *out ? OK : NOT_FOUND;
}
EXPORT int cuFuncSetAttribute(void *f, int attribute, int value) {
  return (void)f, (void)value, attribute == 8 ? OK : INVALID_VALUE;
}
EXPORT int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void *s, void **arguments, void **extra) {
  if (extra || bx * by * bz > 1024 || shared > 160 << 10) return INVALID_VALUE;
  int error = machine_fault("launch");
  if (error) return error;
  operation o = {.kind = LAUNCH, .function = f, .blocks = {gx, gy, gz}, .threads = {bx, by, bz}};
  for (int i = 0; o.function->signature[i]; i++) {
    char letter = o.function->signature[i];
    memcpy(&o.values[i], arguments[i], letter == 'i' || letter == 'f' ? 4 : 8);
  }
  return stream_submit(s, &o);
}
EXPORT int cuStreamBeginCapture_v2(void *s, int mode) { return mode == 1 ? stream_begin_capture(s) : INVALID_VALUE; }
EXPORT int cuStreamEndCapture(void *s, void **out) {
  return *out = stream_end_capture(s), *out ? OK : CAPTURE_INVALID;
}
EXPORT int cuGraphInstantiateWithFlags(void **out, void *from, unsigned long long flags) {
  return (void)flags, *out = graph_make_executable(from), *out ? OK : OUT_OF_MEMORY;
}
EXPORT int cuGraphLaunch(void *executable, void *s) {
  int error = machine_fault("launch");
  return error ? error : stream_submit(s, &(operation){.kind = GRAPH, .graph = executable});
}
EXPORT int cuGraphDestroy(void *g) { return graph_end(g), OK; }
EXPORT int cuGraphExecDestroy(void *g) { return graph_end(g), OK; }
