/* Kernels with the faults that the shim must find, and what podium_formats.h makes of numbers. */
#define SHIM_WARP 64
#include "hip_shim.h"
#include "scheduler.h"

#define PODIUM_SHIM 1
#include "../../Sources/Kernels/Device/podium_formats.h"

#include <cstring>

using namespace podium;

PODIUM_KERNEL(128) right(int32_t *out) {
  PODIUM_SHARED(int32_t, values, 128);
  int thread = thread_index();
  values[thread] = thread;
  barrier();
  out[thread] = values[127 - thread] + shuffle_xor(thread, 1);
}

PODIUM_KERNEL(128) barrier_in_a_branch(int32_t *out) {
  if (thread_index() < 96) barrier();
  out[thread_index()] = shuffle(thread_index(), 0);
}

PODIUM_KERNEL(128) exchange_in_a_branch(int32_t *out) {
  int value = thread_index();
  if (value % 2) value = shuffle_xor(value, 2);
  out[thread_index()] = value;
}

PODIUM_KERNEL(128) early_return(int32_t *out) {
  if (thread_index() == 5) return;
  barrier();
  out[thread_index()] = 1;
}

PODIUM_KERNEL(128) two_barriers(int32_t *out) {
  if (thread_index() < 64) {
    barrier();
  } else {
    barrier();
  }
  out[thread_index()] = 1;
}

/* Without a barrier the value of a later thread is not there yet: poison shows. */
PODIUM_KERNEL(128) race(int32_t *out) {
  PODIUM_SHARED(int32_t, values, 128);
  int thread = thread_index();
  values[thread] = thread;
  out[thread] = values[127 - thread];
}

PODIUM_KERNEL(128) unaligned(int32_t *out) {
  out[thread_index()] = (int32_t)load16((const char *)out + 4).word[0];
}

PODIUM_KERNEL(128) shared_too_large(int32_t *out) {
  PODIUM_SHARED(float, values, 20000);
  out[thread_index()] = (int32_t)bits_of(values[0]);
}

template <void (*kernel)(int32_t *)>
static void call(void *const *args) {
  kernel(*(int32_t **)args[0]);
}

const char *shim_launch_wrong(const char *name, uint32_t threads, int32_t *out) {
  static const struct {
    const char *name;
    shim::body call;
  } kernels[] = {
#define WRONG(name) {#name, call<name>}
      WRONG(right),        WRONG(barrier_in_a_branch), WRONG(exchange_in_a_branch),
      WRONG(early_return), WRONG(two_barriers),        WRONG(race),
      WRONG(unaligned),    WRONG(shared_too_large),
  };
  for (const auto &kernel : kernels) {
    if (strcmp(kernel.name, name)) continue;
    void *args[] = {&out};
    return shim::run({kernel.call, args, {1, 1, 1}, threads, SHIM_WARP, 64 << 10});
  }
  return "no such kernel";
}

uint32_t shim_encode(const char *format, float value) {
  if (!strcmp(format, "bf16")) return bf16_of(value);
  return !strcmp(format, "e4m3") ? e4m3_of(value) : e2m1_of(value);
}

float shim_decode(const char *format, uint32_t code) {
  if (!strcmp(format, "bf16")) return float_of_bf16(code);
  if (!strcmp(format, "f16")) return float_of_f16(code);
  if (!strcmp(format, "e8m0")) return float_of_e8m0(code);
  return !strcmp(format, "e4m3") ? float_of_e4m3(code) : float_of_e2m1(code);
}
