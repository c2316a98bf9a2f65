#include "hip_shim.h"

#include "scheduler.h"
#include "table.h"

#include <cstring>

namespace {

struct device {
  const shim::kernel *kernels;
  int warp;
  size_t shared_bytes;
};

/* Shared memory of a block: 64 KiB on gfx942, 160 KiB on gfx950, 48 KiB without asking on an NVIDIA GPU. */
const device devices[SHIM_DEVICE_COUNT] = {
    {shim::gfx942_kernels, 64, 64 << 10},
    {shim::gfx950_kernels, 64, 160 << 10},
    {shim::warp32_kernels, 32, 48 << 10},
};

const shim::kernel *find(const shim::kernel *kernels, const char *name) {
  for (; kernels->name; kernels++) {
    if (!strcmp(kernels->name, name)) return kernels;
  }
  return nullptr;
}

} // namespace

bool shim_has_kernel(const char *name) { return find(shim::gfx942_kernels, name) != nullptr; }

const char *shim_launch(shim_device device, const char *name, const mlp_grid *grid, void *const *args) {
  const auto &on = devices[device];
  const shim::kernel *kernel = find(on.kernels, name);
  if (!kernel) return "no such kernel";
  if (grid->threads[1] != 1 || grid->threads[2] != 1) return "blocks are counted in one dimension of threads";
  return shim::run({kernel->call, args, {grid->blocks[0], grid->blocks[1], grid->blocks[2]}, grid->threads[0],
                    on.warp, on.shared_bytes});
}

void shim_launch_twin(const char *name, const mlp_grid *grid, void *const *args) {
  const shim::kernel *kernel = find(shim::gfx942_kernels, name);
  if (kernel) kernel->twin(grid, args);
}
