/* cache_tile.h - where the keys and values of one key tile lie in the paged cache. */
#ifndef PODIUM_CACHE_TILE_H
#define PODIUM_CACHE_TILE_H

#include "attention_sizes.h"

#include <stddef.h>
#include <stdint.h>

/* One kv head of one sequence.  A page holds the head's keys as [head_dim, page_size], so that the same element of
 * sixteen keys is one load, and its values as [page_size, head_dim]. */
typedef struct kv_cache {
  const char *k, *v; /* the head's part of page 0 */
  const int32_t *pages;
  size_t page_stride; /* bytes */
  size_t page_size, width, size;
  int dtype;
} kv_cache;

/* Keys and values from one key tile's start.  Beyond the last position the last place is repeated, to be computed and
 * not used. */
typedef struct cache_tile {
  const char *keys[KEY_BLOCKS]; /* sixteen keys each, element d at + d * key_stride; only if pages are whole blocks */
  const char *values[KEY_TILE];
  size_t key_stride;
} cache_tile;

static inline int cache_has_key_blocks(const kv_cache *cache) { return cache->page_size % KEY_BLOCK == 0; }

/* Keys start..last, at most KEY_TILE of them. */
static inline void cache_locate(const kv_cache *cache, int32_t start, int32_t last, cache_tile *tile) {
  size_t count = last - start < KEY_TILE ? (size_t)(last - start) + 1 : KEY_TILE;
  size_t page = (size_t)start / cache->page_size, offset = (size_t)start % cache->page_size;
  size_t row = cache->width * cache->size;
  int blocks = cache_has_key_blocks(cache);
  tile->key_stride = cache->page_size * cache->size;
  size_t i = 0;
  while (i < count) {
    size_t at = (size_t)cache->pages[page++] * cache->page_stride;
    size_t end = count - i < cache->page_size - offset ? count : i + (cache->page_size - offset);
    for (size_t b = i; blocks && b < end; b += KEY_BLOCK) {
      tile->keys[b / KEY_BLOCK] = cache->k + at + (offset + b - i) * cache->size;
    }
    const char *value = cache->v + at + offset * row;
    for (; i < end; i++, value += row) tile->values[i] = value;
    offset = 0;
  }
  for (; i < KEY_TILE; i++) tile->values[i] = tile->values[count - 1];
  for (size_t b = (count + KEY_BLOCK - 1) / KEY_BLOCK; blocks && b < KEY_BLOCKS; b++) tile->keys[b] = tile->keys[b - 1];
}

/* Elements from..from + elements of the keys start..last, brought together as [elements, KEY_TILE] for pages that do
 * not consist of blocks. */
static inline void cache_gather_keys(const kv_cache *cache, int32_t start, int32_t last, size_t from, size_t elements,
                                     char *to) {
  size_t count = last - start < KEY_TILE ? (size_t)(last - start) + 1 : KEY_TILE;
  size_t page = (size_t)start / cache->page_size, offset = (size_t)start % cache->page_size;
  for (size_t i = 0; i < count;) {
    size_t run = cache->page_size - offset < count - i ? cache->page_size - offset : count - i;
    const char *key = cache->k + (size_t)cache->pages[page++] * cache->page_stride +
                      (from * cache->page_size + offset) * cache->size;
    for (size_t d = 0; d < elements; d++, key += cache->page_size * cache->size) {
      __builtin_memcpy(to + (d * KEY_TILE + i) * cache->size, key, run * cache->size);
    }
    i += run;
    offset = 0;
  }
  for (size_t d = 0; d < elements && count < KEY_TILE; d++) { /* computed and not used */
    __builtin_memset(to + (d * KEY_TILE + count) * cache->size, 0, (KEY_TILE - count) * cache->size);
  }
}

#endif
