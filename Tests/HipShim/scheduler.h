/* scheduler.h - the threads of one block as fibers on one thread of the system. */
#ifndef HIP_SHIM_SCHEDULER_H
#define HIP_SHIM_SCHEDULER_H

#include <cstddef>
#include <cstdint>

namespace shim {

/* Bytes that a lane may put into one exchange. */
constexpr int DEPOSIT = 128;

/* Where the running fiber stands. */
struct position {
  int thread;
  uint32_t block[3];
};
extern __thread position now;

/* Waits until every thread of the block is here. */
void barrier(const char *file, int line);

/* Puts `size` bytes before the other lanes of the warp and waits for theirs; lane i's lie at i * DEPOSIT of the result,
 * which is good until the lane's next exchange. */
const unsigned char *exchange(const void *value, size_t size, const char *file, int line);

/* Memory that the block shares, poisoned with 0xFF when the block begins. */
struct shared_slot {
  uint64_t block = 0;
  void *memory = nullptr;
};
void *shared(shared_slot *slot, size_t size);

/* Ends the launch. */
[[noreturn]] void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What runs as one thread: calls a kernel with the arguments that `args` point at. */
typedef void (*body)(void *const *args);

struct launch {
  body kernel;
  void *const *args;
  uint32_t blocks[3];
  uint32_t threads;
  int warp;
  size_t shared_bytes; /* that a block may have */
};

/* NULL, or what went wrong. */
const char *run(const launch &launch);

} // namespace shim

#endif
