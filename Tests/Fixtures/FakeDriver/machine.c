#include "driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const fake_compute fake_kernels;

const fake_compute *machine_compute = &fake_kernels;
int machine_devices = 1, machine_protects = 0, machine_is_late = 0;
size_t machine_memory = (size_t)1 << 32;
_Thread_local int current_device = 0;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int fail_at, fail_error, fail_seen;
static char fail_call[32], architecture[32];

static void read_machine(const char *text) {
  machine_devices = 1, machine_protects = 0, machine_is_late = 0;
  fail_at = 0, fail_error = 0, fail_seen = 0;
  machine_memory = (size_t)1 << 32;
  architecture[0] = 0;
  while (text && *text) {
    unsigned long value;
    if (sscanf(text, "devices=%lu", &value) == 1) machine_devices = (int)(value < MAX_DEVICES ? value : MAX_DEVICES);
    if (sscanf(text, "memory=%lu", &value) == 1) machine_memory = value;
    if (sscanf(text, "protect=%lu", &value) == 1) machine_protects = (int)value;
    if (sscanf(text, "late=%lu", &value) == 1) machine_is_late = (int)value;
    sscanf(text, "arch=%31[^,]", architecture);
    sscanf(text, "fail=%31[a-z]:%d:%d", fail_call, &fail_at, &fail_error);
    text = strchr(text, ',');
    if (text) text++;
  }
}

static void configure(void) { read_machine(getenv("FAKE_GPU")); }

void machine_start(void) { pthread_once(&once, configure); }

EXPORT void fake_driver_configure(const char *text) {
  machine_start();
  streams_wait();
  read_machine(text);
}

EXPORT void fake_driver_compute(const fake_compute *compute) { machine_compute = compute; }

const char *machine_architecture(void) { return *architecture ? architecture : machine_compute->architecture; }

int machine_fault(const char *call) {
  if (!fail_error) return OK;
  pthread_mutex_lock(&lock);
  if (strcmp(call, fail_call) == 0 && fail_seen < fail_at) fail_seen++;
  int error = fail_seen >= fail_at ? fail_error : OK;
  pthread_mutex_unlock(&lock);
  return error;
}

void machine_break(int error, const char *format, ...) {
  fputs("fake driver: ", stderr);
  va_list list;
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
  pthread_mutex_lock(&lock);
  fail_at = fail_seen = 0, fail_error = error;
  pthread_mutex_unlock(&lock);
}
