#define _GNU_SOURCE
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, ALIGNMENT = 256, PINNED = -1 };

/* The most that is filled with 0xFF when memory is given out: a cache of gigabytes stays cheap. */
static const size_t poisoned = (size_t)16 << 20;

typedef struct piece {
  struct piece *next;
  char *mapping, *start;
  size_t pages; /* bytes of them that may be used */
  size_t size;
  int device;
} piece;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static piece *pieces;
static size_t used[MAX_DEVICES];
static int is_open;

static void protect(const piece *p, int protection) {
  if (machine_protects && p->device != PINNED) mprotect(p->mapping, p->pages, protection);
}

void memory_open(void) {
  pthread_mutex_lock(&lock);
  is_open = 1;
  for (piece *p = pieces; p; p = p->next) protect(p, PROT_READ | PROT_WRITE);
  pthread_mutex_unlock(&lock);
}

void memory_close(void) {
  pthread_mutex_lock(&lock);
  is_open = 0;
  for (piece *p = pieces; p; p = p->next) protect(p, PROT_NONE);
  pthread_mutex_unlock(&lock);
}

/* Memory whose last bytes lie before a page that nobody may touch. */
static int take(void **out, size_t size, int device) {
  size_t rounded = (size + PAGE - 1) / PAGE * PAGE;
  pthread_mutex_lock(&lock);
  if (size > (size_t)1 << 46 || (device >= 0 && rounded > machine_memory - used[device])) {
    pthread_mutex_unlock(&lock);
    return OUT_OF_MEMORY;
  }
  char *mapping = mmap(NULL, rounded + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  piece *p = calloc(1, sizeof *p);
  if (mapping == MAP_FAILED || !p) {
    pthread_mutex_unlock(&lock);
    free(p);
    return OUT_OF_MEMORY;
  }
  mprotect(mapping + rounded, PAGE, PROT_NONE);
  size_t aligned = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  *p = (piece){.next = pieces, .mapping = mapping, .start = mapping + rounded - aligned, .pages = rounded,
               .size = size, .device = device};
  memset(p->start, 0xFF, size < poisoned ? size : poisoned);
  pieces = p;
  if (device >= 0) used[device] += rounded;
  if (!is_open) protect(p, PROT_NONE);
  *out = p->start;
  pthread_mutex_unlock(&lock);
  return OK;
}

static int give(void *memory, int is_pinned) {
  if (!memory) return OK;
  pthread_mutex_lock(&lock);
  piece **at = &pieces;
  while (*at && ((*at)->start != memory || ((*at)->device == PINNED) != is_pinned)) at = &(*at)->next;
  piece *p = *at;
  if (p) {
    *at = p->next;
    if (p->device >= 0) used[p->device] -= p->pages;
    munmap(p->mapping, p->pages + PAGE);
    free(p);
  }
  pthread_mutex_unlock(&lock);
  return p ? OK : INVALID_VALUE;
}

int memory_take(void **out, size_t size) {
  int error = machine_fault("allocate");
  return error ? error : take(out, size ? size : 1, current_device);
}

/* As the vendors' do, these wait for the device. */
int memory_give(void *memory) {
  streams_wait();
  return give(memory, 0);
}

int memory_take_pinned(void **out, size_t size) { return take(out, size ? size : 1, PINNED); }

int memory_give_pinned(void *memory) {
  streams_wait();
  return give(memory, 1);
}

size_t memory_free(void) {
  pthread_mutex_lock(&lock);
  size_t free = machine_memory - used[current_device];
  pthread_mutex_unlock(&lock);
  return free;
}

int memory_is_known(const void *address, int device) {
  const char *at = address;
  pthread_mutex_lock(&lock);
  const piece *p = pieces;
  while (p && !((p->device == device || p->device == PINNED) && at >= p->start && at <= p->start + p->size)) p = p->next;
  pthread_mutex_unlock(&lock);
  return p != NULL;
}
