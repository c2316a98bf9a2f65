/* table.h - kernels and twins as functions that take their arguments as a launch does. */
#ifndef HIP_SHIM_TABLE_H
#define HIP_SHIM_TABLE_H

#include "podium_kernels.h"

#include <utility>

namespace shim {

struct kernel {
  const char *name;
  void (*call)(void *const *args);
  void (*twin)(const mlp_grid *grid, void *const *args);
  bool checked;
};

extern const kernel gfx942_kernels[], gfx950_kernels[], warp32_kernels[];

template <typename function, function name>
struct caller;
template <typename... Args, void (*name)(Args...)>
struct caller<void (*)(Args...), name> {
  template <size_t... i>
  static void unpack(void *const *args, std::index_sequence<i...>) {
    name(*(Args *)args[i]...);
  }
  static void call(void *const *args) { unpack(args, std::index_sequence_for<Args...>()); }
};

template <typename function, function name>
struct twin_caller;
template <typename... Args, void (*name)(const mlp_grid *, uint64_t, uint64_t, Args...)>
struct twin_caller<void (*)(const mlp_grid *, uint64_t, uint64_t, Args...), name> {
  template <size_t... i>
  static void unpack(const mlp_grid *grid, void *const *args, std::index_sequence<i...>) {
    uint64_t blocks = (uint64_t)grid->blocks[0] * grid->blocks[1] * grid->blocks[2];
    name(grid, 0, blocks, *(Args *)args[i]...);
  }
  static void call(const mlp_grid *grid, void *const *args) {
    unpack(grid, args, std::index_sequence_for<Args...>());
  }
};

/* Does not compile unless the HIP form has the arguments of its twin. */
template <typename... Args>
constexpr bool same_arguments(void (*)(Args...), void (*)(const mlp_grid *, uint64_t, uint64_t, Args...)) {
  return true;
}

} // namespace shim

#endif
