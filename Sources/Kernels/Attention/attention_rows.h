/* attention_rows.h - what the forms of attention on a GPU have in common: queries, the order of a sum, and where a
 * result goes.
 *
 * Keys are taken in parts of 512 by absolute position, a part in as many shares as a block has warps, ascending.  A share
 * has its own maximum, sum and result.  The shares of a part are folded into one, in their order, and so are the
 * parts of a row.  This order depends on the row's position alone: whether the shares are the warps of a block or
 * follow one another in a warp, and the parts blocks of one launch or turns of a loop, changes no bit. */
#ifndef PODIUM_ATTENTION_ROWS_H
#define PODIUM_ATTENTION_ROWS_H

#ifndef PODIUM_FORMATS_H
#include "../Device/podium_formats.h"
#endif
#ifndef PODIUM_ATTENTION_PARTS_H
#include "attention_parts.h"
#endif

namespace podium {

constexpr int ATTENTION_THREADS = 256, SHARES = ATTENTION_THREADS / WARP, SHARE = ATTENTION_PART / SHARES;
/* Queries that share the reads of a warp. */
constexpr int QUERIES = 16;
constexpr float LOG2_E = 0x1.715476p+0f;

/* What is read: the arguments of a launch.  They lie in shared memory, and who needs them takes a copy: the scalar
 * registers are too few to hold them from beginning to end. */
struct attention {
  const float *q;
  const void *k_pages, *v_pages;
  const int32_t *positions;
  int32_t q_stride, kv_heads, head_dim, page_size, page_shift, kv_head, kv_dtype;
  float score_scale;
};

PODIUM_DEVICE uint64_t uniform_words(uint64_t words) {
  uint32_t low = (uint32_t)uniform((int)(uint32_t)words), high = (uint32_t)uniform((int)(uint32_t)(words >> 32));
  return (uint64_t)high << 32 | low;
}
/* A pointer that was kept in shared memory, of which the compiler no longer knows that it points at device memory. */
template <typename T>
PODIUM_DEVICE T *uniform_pointer(T *pointer) {
#if defined(PODIUM_SHIM) || defined(__CUDACC__)
  return pointer;
#else
  return (T *)(T __attribute__((address_space(1))) *)uniform_words((uint64_t)pointer);
#endif
}
/* The lane, anew: what is computed from it lives no longer than the caller needs it, instead of in registers from the
 * beginning of the kernel to its end. */
PODIUM_DEVICE int lane_here() {
  int lane = lane_index();
#if !defined(PODIUM_SHIM) && !defined(__CUDACC__)
  asm volatile("" : "+v"(lane));
#endif
  return lane;
}
/* A number that is the same in all lanes, in a vector register. */
PODIUM_DEVICE int32_t in_lanes(int32_t value) {
#if !defined(PODIUM_SHIM) && !defined(__CUDACC__)
  asm volatile("" : "+v"(value));
#endif
  return value;
}
PODIUM_DEVICE attention copy_of(const attention &a) {
  return {uniform_pointer(a.q), uniform_pointer(a.k_pages), uniform_pointer(a.v_pages), uniform_pointer(a.positions),
          uniform(a.q_stride), uniform(a.kv_heads), uniform(a.head_dim), uniform(a.page_size), uniform(a.page_shift),
          uniform(a.kv_head), uniform(a.kv_dtype), float_of((uint32_t)uniform((int)bits_of(a.score_scale)))};
}

/* Where results go; in shared memory, too. */
struct destination {
  float *out;
  /* Results and statistics of parts; NULL when a block takes the parts of its rows in turn. */
  float *results, *statistics;
  int32_t heads, parts;
  float value_scale;
};

/* Some of the queries of a run of rows of one sequence: query i is row first_row + (first + i) / group with head
 * first_head + (first + i) % group. */
struct queries {
  const int32_t *pages;
  int32_t first_row, first_head, group, first, count, least_position, last_position;
};

/* Row and head of query i; the last one stands for those that do not exist. */
PODIUM_DEVICE int32_t row_of(const queries &some, int i) {
  return some.first_row + (some.first + smaller(i, some.count - 1)) / some.group;
}
PODIUM_DEVICE int32_t head_of(const queries &some, int i) {
  return some.first_head + (some.first + smaller(i, some.count - 1)) % some.group;
}

/* The queries first .. first + count - 1 of a run, as far as it has them, and the positions that they reach. */
PODIUM_DEVICE queries some_of(const int32_t *all_positions, const queries &run, int32_t first, int32_t count) {
  const int32_t *positions = uniform_pointer(all_positions);
  queries some = run;
  some.first = run.first + first;
  some.count = smaller(count, run.count - first);
  some.least_position = 0x7fffffff;
  some.last_position = -1;
  int32_t last = (some.first + some.count - 1) / run.group;
  for (int32_t row = some.first / run.group; row <= last; row++) {
    int32_t position = positions[run.first_row + row];
    some.least_position = smaller(some.least_position, position);
    some.last_position = larger(some.last_position, position);
  }
  some.least_position = uniform(some.least_position);
  some.last_position = uniform(some.last_position);
  return some;
}

PODIUM_DEVICE int32_t part_of(int32_t position) { return larger(position, 0) / ATTENTION_PART; }

/* The first element of the key, or value, at a position. */
PODIUM_DEVICE uint64_t element_of_key(const attention &a, const int32_t *pages, int32_t position) {
  int32_t index = a.page_shift >= 0 ? position >> a.page_shift : position / a.page_size;
  int32_t offset = position - index * a.page_size;
  uint32_t place = (uint32_t)pages[index] * (uint32_t)a.kv_heads + (uint32_t)a.kv_head;
  return ((uint64_t)place * (uint64_t)a.page_size + (uint64_t)offset) * (uint64_t)a.head_dim;
}

/* ---- Sums taken further ---------------------------------------------------------------------------------------- */

/* Maximum and sum of some scores; no key yet. */
struct standing {
  float maximum, total;
};
PODIUM_DEVICE standing nothing() { return {-infinity(), 0.0f}; }

/* What the results of both sides of a fold are multiplied by. */
struct factors {
  float kept, added;
};

/* Takes `next` in.  A side without keys has a sum of zero; one whose scores are all NaN shows it. */
PODIUM_DEVICE factors fold(standing &all, const standing &next) {
  float largest = larger(next.maximum, all.maximum);
  factors f;
  f.kept = all.maximum > -infinity() ? exp2_fast((all.maximum - largest) * LOG2_E) : all.total * 0.0f;
  f.added = next.maximum > -infinity() ? exp2_fast((next.maximum - largest) * LOG2_E) : next.total * 0.0f;
  all.total = multiply_add(next.total, f.added, all.total * f.kept);
  all.maximum = largest;
  return f;
}
PODIUM_DEVICE float fold(float all, const factors &f, float next) { return multiply_add(next, f.added, all * f.kept); }

PODIUM_DEVICE float finished(float value, float total, float value_scale) {
  return total == 0 ? 0.0f : value / total * value_scale;
}

/* ---- Places ---------------------------------------------------------------------------------------------------- */

PODIUM_DEVICE uint64_t place_of_out(int32_t heads, int32_t row, int32_t head, int32_t head_dim) {
  return ((uint64_t)row * (uint64_t)heads + (uint64_t)head) * (uint64_t)head_dim;
}
PODIUM_DEVICE uint64_t index_of_part(int32_t heads, int32_t parts, int32_t row, int32_t part, int32_t head) {
  return ((uint64_t)row * (uint64_t)parts + (uint64_t)part) * (uint64_t)heads + (uint64_t)head;
}

/* Shared memory: results of the shares for some queries at a time, scores or operands; the shares' statistics, and
 * those of the parts so far, which change places from part to part. */
constexpr int AREA = WARP == 64 ? 4096 : 6144;
struct shared_area {
  float *floats;
  standing *shares, *so_far;
  const attention *launch;
  const struct destination *destination;
};

/* Folds the shares of a part for queries first .. first + count - 1 and elements from .. from + width - 1 of their heads,
 * which lie at (share * slots + query - first) * width of the area, and puts the result where it belongs. */
PODIUM_DEVICE void join_shares(const queries &some, const shared_area &area, int32_t part, int first,
                               int count, int slots, int32_t from, int32_t width) {
  int32_t head_dim = uniform(area.launch->head_dim), heads = uniform(area.destination->heads);
  int32_t parts = uniform(area.destination->parts);
  const int32_t *positions = uniform_pointer(area.launch->positions);
  float *all_out = uniform_pointer(area.destination->out), *results = uniform_pointer(area.destination->results);
  float *statistics = uniform_pointer(area.destination->statistics), value_scale = area.destination->value_scale;
  for (int32_t i = thread_index(); i < count * width; i += ATTENTION_THREADS) {
    int32_t slot = i / width, d = i % width, query = first + slot, row = row_of(some, query), head = head_of(some, query);
    int32_t last = part_of(positions[row]);
    if (part > last) continue;
    standing own = nothing();
    float value = 0;
    PODIUM_UNROLL
    for (int s = 0; s < SHARES; s++) {
      factors f = fold(own, area.shares[s * QUERIES + query]);
      value = fold(value, f, area.floats[(s * slots + slot) * width + d]);
    }
    float *out = all_out + place_of_out(heads, row, head, head_dim) + from + d;
    if (results && last > 0) {
      uint64_t index = index_of_part(heads, parts, row, part, head);
      results[index * (uint64_t)head_dim + (uint64_t)(from + d)] = value;
      if (from + d == 0) {
        statistics[2 * index] = own.maximum;
        statistics[2 * index + 1] = own.total;
      }
      continue;
    }
    if (part > 0) {
      standing all = area.so_far[(part & 1) * QUERIES + query];
      factors f = fold(all, own);
      value = fold(*out, f, value);
      own = all;
    }
    if (part < last && from + d == 0) area.so_far[((part & 1) ^ 1) * QUERIES + query] = own;
    *out = part < last ? value : finished(value, own.total, value_scale);
  }
}

} // namespace podium

#endif
