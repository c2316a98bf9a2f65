#include "scheduler.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

/* Saves the registers that a call must keep, and goes on where another stack was left. */
extern "C" void shim_switch(void **from, void *to);
extern "C" void shim_fiber_start(void);

#if defined(__x86_64__)
asm(R"(
.text
.globl shim_switch
.hidden shim_switch
.type shim_switch, @function
shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
.size shim_switch, .-shim_switch
)");
constexpr int SAVED_WORDS = 6;
#elif defined(__aarch64__)
asm(R"(
.text
.globl shim_switch
.hidden shim_switch
.type shim_switch, %function
shim_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  br x30
.size shim_switch, .-shim_switch
)");
#else
#error "the shim's switch is written for x86-64 and aarch64"
#endif

namespace shim {

__thread position now;

namespace {

constexpr int THREADS_MAX = 1024, WARPS_MAX = 32, LANES_MAX = 64;
constexpr size_t STACK = 256 << 10, SHARED_MAX = 160 << 10;

enum class state { ready, at_barrier, in_exchange, done };

struct fiber {
  void *stack_pointer;
  state waits;
  const char *file;
  int line;
  uint32_t exchanges; /* that this lane has begun */
};

struct warp {
  int arrived;
  uint32_t exchanges; /* that all lanes have finished */
  alignas(16) unsigned char deposits[2][LANES_MAX * DEPOSIT];
};

/* All that a system thread needs to run a block. */
struct machine {
  fiber fibers[THREADS_MAX];
  warp warps[WARPS_MAX];
  char *stacks;
  void *scheduler;
  const struct launch *launch;
  int at_barrier, done;
  uint64_t block;
  size_t shared_used;
  bool faulted;
  char message[400];
  alignas(16) unsigned char shared[SHARED_MAX];
};

__thread machine *own;

machine *get() {
  if (!own) {
    own = new machine();
    void *stacks = mmap(nullptr, STACK * THREADS_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) return nullptr;
    own->stacks = (char *)stacks;
    /* A stack that overflows ends at a page of its own that nobody may touch. */
    for (int i = 0; i < THREADS_MAX; i++) mprotect(own->stacks + STACK * (size_t)i, 4096, PROT_NONE);
  }
  return own;
}

void wait(machine *m, state why, const char *file, int line) {
  fiber &self = m->fibers[now.thread];
  self.waits = why;
  self.file = file;
  self.line = line;
  shim_switch(&self.stack_pointer, m->scheduler);
}

const char *base_name(const char *path) {
  const char *slash = path ? strrchr(path, '/') : nullptr;
  return slash ? slash + 1 : path;
}

void say(machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say(machine *m, const char *format, ...) {
  int used = snprintf(m->message, sizeof m->message, "block (%u, %u, %u): ", now.block[0], now.block[1], now.block[2]);
  va_list list;
  va_start(list, format);
  vsnprintf(m->message + used, sizeof m->message - (size_t)used, format, list);
  va_end(list);
  m->faulted = true;
}

/* Nobody can go on: two threads that wait for different things say why. */
void diagnose(machine *m) {
  const fiber *one = nullptr;
  int first = 0;
  for (int i = 0; i < (int)m->launch->threads; i++) {
    const fiber &f = m->fibers[i];
    if (!one && f.waits != state::done) {
      one = &f;
      first = i;
    }
  }
  const char *what = one->waits == state::at_barrier ? "a barrier" : "an exchange of its warp";
  for (int i = 0; i < (int)m->launch->threads; i++) {
    const fiber &f = m->fibers[i];
    bool same_warp = i / m->launch->warp == first / m->launch->warp;
    if (one->waits == state::in_exchange && !same_warp) continue;
    if (f.waits == one->waits && f.line == one->line && !strcmp(f.file, one->file)) continue;
    if (f.waits == state::done) {
      return say(m, "thread %d waits in %s (%s:%d), but thread %d has returned", first, what, base_name(one->file),
                 one->line, i);
    }
    return say(m, "thread %d waits in %s (%s:%d), but thread %d in %s (%s:%d)", first, what, base_name(one->file),
               one->line, i, f.waits == state::at_barrier ? "a barrier" : "an exchange of its warp",
               base_name(f.file), f.line);
  }
  say(m, "thread %d waits in %s (%s:%d) for threads that do not exist", first, what, base_name(one->file), one->line);
}

void run_block(machine *m) {
  const struct launch &l = *m->launch;
  int threads = (int)l.threads;
  m->at_barrier = m->done = 0;
  m->shared_used = 0;
  m->block++;
  for (int i = 0; i < threads; i++) {
    fiber &f = m->fibers[i];
    char *top = m->stacks + STACK * (size_t)(i + 1);
#if defined(__x86_64__)
    /* As after a call: the stack is 8 beyond a multiple of 16 when the function begins. */
    void **sp = (void **)top - 1;
    *--sp = (void *)shim_fiber_start;
    for (int r = 0; r < SAVED_WORDS; r++) *--sp = nullptr;
#else
    void **sp = (void **)(top - 160);
    memset(sp, 0, 160);
    sp[11] = (void *)shim_fiber_start;
#endif
    f = {sp, state::ready, nullptr, 0, 0};
  }
  for (int w = 0; w < threads / l.warp; w++) m->warps[w].arrived = 0, m->warps[w].exchanges = 0;
  while (m->done < threads) {
    bool progress = false;
    for (int i = 0; i < threads; i++) {
      fiber &f = m->fibers[i];
      if (f.waits == state::in_exchange && m->warps[i / l.warp].exchanges == f.exchanges) f.waits = state::ready;
      if (f.waits != state::ready) continue;
      progress = true;
      now.thread = i;
      shim_switch(&m->scheduler, f.stack_pointer);
      if (m->faulted) return;
    }
    if (m->at_barrier == threads) {
      for (int i = 1; i < threads; i++) {
        if (m->fibers[i].line != m->fibers[0].line || strcmp(m->fibers[i].file, m->fibers[0].file)) return diagnose(m);
      }
      for (int i = 0; i < threads; i++) m->fibers[i].waits = state::ready;
      m->at_barrier = 0;
    } else if (!progress) {
      return diagnose(m);
    }
  }
}

} // namespace

void barrier(const char *file, int line) {
  machine *m = own;
  m->at_barrier++;
  wait(m, state::at_barrier, file, line);
}

const unsigned char *exchange(const void *value, size_t size, const char *file, int line) {
  machine *m = own;
  int lanes = m->launch->warp, lane = now.thread % lanes;
  warp &w = m->warps[now.thread / lanes];
  fiber &self = m->fibers[now.thread];
  unsigned char *deposits = w.deposits[self.exchanges & 1];
  if (w.arrived > 0) {
    /* All lanes must be in the same exchange. */
    for (int i = 0; i < lanes; i++) {
      const fiber &f = m->fibers[now.thread - lane + i];
      if (i == lane || f.waits != state::in_exchange || f.exchanges != w.exchanges + 1) continue;
      if (f.line != line || strcmp(f.file, file)) {
        fault("lanes of one warp are in different exchanges: thread %d (%s:%d), thread %d (%s:%d)",
              now.thread - lane + i, base_name(f.file), f.line, now.thread, base_name(file), line);
      }
      break;
    }
  }
  memcpy(deposits + lane * DEPOSIT, value, size);
  self.exchanges++;
  if (++w.arrived == lanes) {
    w.arrived = 0;
    w.exchanges++;
  } else {
    wait(m, state::in_exchange, file, line);
  }
  return deposits;
}

void *shared(shared_slot *slot, size_t size) {
  machine *m = own;
  if (slot->block != m->block) {
    size = (size + 15) & ~(size_t)15;
    if (m->shared_used + size > m->launch->shared_bytes) {
      fault("%zu bytes of shared memory, of %zu that there are", m->shared_used + size, m->launch->shared_bytes);
    }
    slot->memory = m->shared + m->shared_used;
    slot->block = m->block;
    m->shared_used += size;
    memset(slot->memory, 0xFF, size);
  }
  return slot->memory;
}

void fault(const char *format, ...) {
  machine *m = own;
  char text[300];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  say(m, "thread %d: %s", now.thread, text);
  void *nowhere;
  shim_switch(&nowhere, m->scheduler);
  __builtin_unreachable();
}

const char *run(const struct launch &launch) {
  machine *m = get();
  if (!m) return "no memory for the stacks";
  m->launch = &launch;
  m->faulted = false;
  if (launch.threads == 0 || launch.threads > THREADS_MAX || launch.threads % 64 != 0) {
    return "a block must have 64, 128, ... 1024 threads";
  }
  for (uint32_t z = 0; z < launch.blocks[2]; z++) {
    for (uint32_t y = 0; y < launch.blocks[1]; y++) {
      for (uint32_t x = 0; x < launch.blocks[0]; x++) {
        now.block[0] = x, now.block[1] = y, now.block[2] = z;
        run_block(m);
        if (m->faulted) return m->message;
      }
    }
  }
  return nullptr;
}

} // namespace shim

extern "C" void shim_fiber_start(void) {
  shim::machine *m = shim::own;
  m->launch->kernel(m->launch->args);
  m->fibers[shim::now.thread].waits = shim::state::done;
  m->done++;
  void *nowhere;
  shim_switch(&nowhere, m->scheduler);
  __builtin_unreachable();
}
