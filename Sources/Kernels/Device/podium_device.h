/* podium_device.h - what a kernel source may use of the device that it runs on.
 *
 * A kernel is written once, in C++17, against this header alone.  The same text compiles with
 *   - clang for an AMD GPU (gfx942, gfx950), with or without the headers of ROCm, and hiprtc,
 *   - NVRTC for an NVIDIA GPU,
 *   - a C++ compiler for the CPU, with PODIUM_SHIM defined and the shim's header read first (Tests/HipShim).
 * So nothing here needs a vendor's header, and narrow numbers are integers everywhere (podium_formats.h).
 *
 * A source begins with
 *     #ifndef PODIUM_DEVICE_H
 *     #include "../Device/podium_device.h"
 *     #endif
 * because a compiler at run time gets this header and the source as one text (families.c).
 *
 * Rules for a kernel: a block has a multiple of 64 threads; every thread of a warp takes part in a collective, and
 * every thread of a block in a barrier (a whole block may return early).  The shim reports a breach. */
#ifndef PODIUM_DEVICE_H
#define PODIUM_DEVICE_H

/* No fused multiply-add but where it is written: the same bits from every version of a compiler.  NVRTC needs
 * --fmad=false for it. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#if defined(PODIUM_SHIM)
#define PODIUM_DEVICE static inline
#define PODIUM_MEMBER inline
#define PODIUM_KERNEL(threads) static void
#define PODIUM_KERNEL_OF_WAVES(threads, waves) PODIUM_KERNEL(threads)
#define PODIUM_SHARED(type, name, count)                                  \
  static __thread shim::shared_slot name##_slot;                         \
  type *const name = (type *)shim::shared(&name##_slot, sizeof(type) * (count))
#define PODIUM_AMD(name) shim_##name
#define PODIUM_UNROLL
#elif defined(__CUDACC__)
#define PODIUM_DEVICE static __device__ __forceinline__
#define PODIUM_MEMBER __device__ __forceinline__
#define PODIUM_KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define PODIUM_KERNEL_OF_WAVES(threads, waves) PODIUM_KERNEL(threads)
#define PODIUM_SHARED(type, name, count) static __shared__ __align__(16) type name[count]
#define PODIUM_UNROLL _Pragma("unroll")
#else
#define PODIUM_DEVICE static __attribute__((device, always_inline)) inline
#define PODIUM_MEMBER __attribute__((device, always_inline)) inline
#define PODIUM_KERNEL(threads) \
  extern "C" __attribute__((global, amdgpu_flat_work_group_size(threads, threads))) void
/* With registers for so many waves on a SIMD, and use of all that these leave: the compiler's own aim is fewer. */
#define PODIUM_KERNEL_OF_WAVES(threads, waves)                                                  \
  extern "C" __attribute__((global, amdgpu_flat_work_group_size(threads, threads),              \
                            amdgpu_waves_per_eu(waves, waves))) void
#define PODIUM_SHARED(type, name, count) static __attribute__((shared, aligned(16))) type name[count]
#define PODIUM_AMD(name) __builtin_amdgcn_##name
#define PODIUM_UNROLL _Pragma("unroll")
#endif

namespace podium {

#if defined(__INT64_TYPE__)
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;
#else
typedef long int64_t;
typedef unsigned long uint64_t;
#endif
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned uint32_t;

/* As podium_kernels.h has them. */
enum { F32 = 0, BF16 = 1, F16 = 2, F8E4M3 = 3 };

/* ---- Threads --------------------------------------------------------------------------------------------------- */

/* Threads that execute together and can exchange registers. */
#if defined(PODIUM_SHIM)
constexpr int WARP = SHIM_WARP;
#elif defined(__CUDACC__)
constexpr int WARP = 32;
#else
constexpr int WARP = 64;
#endif

/* Threads are counted in one dimension. */
#if defined(PODIUM_SHIM)
PODIUM_DEVICE int thread_index() { return shim::now.thread; }
PODIUM_DEVICE uint32_t block_index() { return shim::now.block[0]; }
PODIUM_DEVICE uint32_t block_index_y() { return shim::now.block[1]; }
PODIUM_DEVICE uint32_t block_index_z() { return shim::now.block[2]; }
#elif defined(__CUDACC__)
PODIUM_DEVICE int thread_index() { return (int)threadIdx.x; }
PODIUM_DEVICE uint32_t block_index() { return blockIdx.x; }
PODIUM_DEVICE uint32_t block_index_y() { return blockIdx.y; }
PODIUM_DEVICE uint32_t block_index_z() { return blockIdx.z; }
#else
PODIUM_DEVICE int thread_index() { return (int)__builtin_amdgcn_workitem_id_x(); }
PODIUM_DEVICE uint32_t block_index() { return __builtin_amdgcn_workgroup_id_x(); }
PODIUM_DEVICE uint32_t block_index_y() { return __builtin_amdgcn_workgroup_id_y(); }
PODIUM_DEVICE uint32_t block_index_z() { return __builtin_amdgcn_workgroup_id_z(); }
#endif
PODIUM_DEVICE int lane_index() { return thread_index() % WARP; }

/* A value that is the same in every lane of a warp, for the compiler to keep in a scalar register. */
PODIUM_DEVICE int uniform(int value) {
#if defined(PODIUM_SHIM) || defined(__CUDACC__)
  return value;
#else
  return __builtin_amdgcn_readfirstlane(value);
#endif
}
PODIUM_DEVICE int warp_index() { return uniform(thread_index() / WARP); }

/* Waits for all threads of the block; what they wrote before is visible after it. */
#if defined(PODIUM_SHIM)
PODIUM_DEVICE void barrier(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  shim::barrier(file, line);
}
#elif defined(__CUDACC__)
PODIUM_DEVICE void barrier() { __syncthreads(); }
#else
PODIUM_DEVICE void barrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
#endif

/* As keep_order(), for memory; and what `value` is made of is done before it: matrix instructions touch no memory, so that keep_order()
 * alone does not hold them. */
template <typename T>
PODIUM_DEVICE void finish_first(T &value) {
#if !defined(PODIUM_SHIM) && !defined(__CUDACC__)
  __asm__ volatile("" : "+v"(value)::"memory");
#else
  (void)value;
#endif
}

/* The value that another lane of the warp gives. */
#if defined(PODIUM_SHIM)
PODIUM_DEVICE int shuffle(int value, int lane, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  int got;
  __builtin_memcpy(&got, shim::exchange(&value, sizeof value, file, line) + (lane % WARP) * shim::DEPOSIT, sizeof got);
  return got;
}
#elif defined(__CUDACC__)
PODIUM_DEVICE int shuffle(int value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }
#else
PODIUM_DEVICE int shuffle(int value, int lane) { return __builtin_amdgcn_ds_bpermute(lane << 2, value); }
#endif

/* Whether any lane of the warp says so; the same in every lane. */
#if defined(PODIUM_SHIM)
PODIUM_DEVICE bool warp_any(bool own, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  const unsigned char *all = shim::exchange(&own, sizeof own, file, line);
  for (int i = 0; i < WARP; i++) {
    if (all[i * shim::DEPOSIT]) return true;
  }
  return false;
}
#elif defined(__CUDACC__)
PODIUM_DEVICE bool warp_any(bool own) { return __any_sync(0xffffffffu, own); }
#else
PODIUM_DEVICE bool warp_any(bool own) { return __builtin_amdgcn_ballot_w64(own) != 0; }
#endif

/* The bits of a number and back. */
PODIUM_DEVICE uint32_t bits_of(float value) {
#if defined(__CUDACC__)
  return __float_as_uint(value);
#else
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}
PODIUM_DEVICE float float_of(uint32_t bits) {
#if defined(__CUDACC__)
  return __uint_as_float(bits);
#else
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

PODIUM_DEVICE float shuffle(float value, int lane) { return float_of((uint32_t)shuffle((int)bits_of(value), lane)); }
PODIUM_DEVICE int shuffle_xor(int value, int mask) { return shuffle(value, lane_index() ^ mask); }
PODIUM_DEVICE float shuffle_xor(float value, int mask) { return shuffle(value, lane_index() ^ mask); }

/* The sum of the lanes, the same bits in every lane: partners WARP/2 apart, then half as far, down to 1. */
PODIUM_DEVICE float warp_sum(float value) {
  PODIUM_UNROLL
  for (int mask = WARP / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}

/* Instructions before it stay before it, those after it after it: where the order of loads is what a loop is about. */
PODIUM_DEVICE void keep_order() {
#if !defined(PODIUM_SHIM) && !defined(__CUDACC__)
  __builtin_amdgcn_sched_barrier(0);
#endif
}

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

/* Sixteen bytes, the widest load and store that a lane has. */
struct alignas(16) words4 {
  uint32_t word[4];
};

PODIUM_DEVICE bool aligned16(const void *at) { return ((uint64_t)at & 15) == 0; }

/* Sixteen bytes at an address that is a multiple of sixteen. */
PODIUM_DEVICE words4 load16(const void *from) {
#if defined(PODIUM_SHIM)
  if (!aligned16(from)) shim::fault("a load of 16 bytes from an address that is no multiple of 16");
  return *(const words4 *)from;
#elif defined(__CUDACC__)
  uint4 v = *(const uint4 *)from;
  return words4{{v.x, v.y, v.z, v.w}};
#else
  typedef uint32_t vector __attribute__((ext_vector_type(4)));
  vector v = *(const vector *)from;
  return words4{{v.x, v.y, v.z, v.w}};
#endif
}

/* Bytes at any address: one instruction on an AMD GPU, which needs no alignment. */
template <typename T>
PODIUM_DEVICE T load_anywhere(const void *from) {
  T result;
  __builtin_memcpy(&result, from, sizeof result);
  return result;
}
template <typename T>
PODIUM_DEVICE void store_anywhere(void *to, const T &value) {
  __builtin_memcpy(to, &value, sizeof value);
}

PODIUM_DEVICE void store16(void *to, words4 value) {
#if defined(PODIUM_SHIM)
  if (!aligned16(to)) shim::fault("a store of 16 bytes to an address that is no multiple of 16");
  *(words4 *)to = value;
#elif defined(__CUDACC__)
  *(uint4 *)to = make_uint4(value.word[0], value.word[1], value.word[2], value.word[3]);
#else
  typedef uint32_t vector __attribute__((ext_vector_type(4)));
  *(vector *)to = vector{value.word[0], value.word[1], value.word[2], value.word[3]};
#endif
}

PODIUM_DEVICE void store16(void *to, const float *values) {
  store16(to, words4{{bits_of(values[0]), bits_of(values[1]), bits_of(values[2]), bits_of(values[3])}});
}

/* ---- Arithmetic ------------------------------------------------------------------------------------------------ */

PODIUM_DEVICE float multiply_add(float a, float b, float c) {
#if defined(__CUDACC__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
PODIUM_DEVICE double multiply_add(double a, double b, double c) {
#if defined(__CUDACC__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}
PODIUM_DEVICE double round_to_integer(double x) {
#if defined(__CUDACC__)
  return rint(x);
#else
  return __builtin_rint(x);
#endif
}
PODIUM_DEVICE float round_to_integer(float x) {
#if defined(__CUDACC__)
  return rintf(x);
#else
  return __builtin_rintf(x);
#endif
}
/* Correctly rounded. */
PODIUM_DEVICE float square_root(float x) {
#if defined(__CUDACC__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}
PODIUM_DEVICE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
PODIUM_DEVICE bool is_nan(float x) { return x != x; }
PODIUM_DEVICE float infinity() { return float_of(0x7f800000u); }
PODIUM_DEVICE float quiet_nan() { return float_of(0x7fc00000u); }
template <typename T>
PODIUM_DEVICE T larger(T a, T b) {
  return a > b ? a : b;
}
template <typename T>
PODIUM_DEVICE T smaller(T a, T b) {
  return a < b ? a : b;
}

/* 2^x by the device's own instruction, about one unit in the last place: for softmax, where weights are relative. */
PODIUM_DEVICE float exp2_fast(float x) {
#if defined(__CUDACC__)
  return exp2f(x);
#elif defined(PODIUM_SHIM) || __clang_major__ < 17
  return __builtin_exp2f(x);
#else
  return __builtin_amdgcn_exp2f(x);
#endif
}

/* e^x to about one unit in the last place, operation for operation that of the CPU twins (Lanes/lanes.h). */
PODIUM_DEVICE float exponential(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  const float shift = 0x1.8p23f;
  float shifted = multiply_add(x, 0x1.715476p+0f, shift);
  float n = shifted - shift;
  float r = multiply_add(n, -0x1.62e4p-1f, x);
  r = multiply_add(n, -0x1.7f7d1cp-20f, r);
  float p = 0x1.a01a02p-13f;
  p = multiply_add(p, r, 0x1.6c16c2p-10f);
  p = multiply_add(p, r, 0x1.111112p-7f);
  p = multiply_add(p, r, 0x1.555556p-5f);
  p = multiply_add(p, r, 0x1.555556p-3f);
  p = multiply_add(p, r, 0.5f);
  p = multiply_add(p, r, 1.0f);
  p = multiply_add(p, r, 1.0f);
  int32_t exponent = (int32_t)bits_of(shifted) - (int32_t)bits_of(shift);
  int32_t half = exponent >> 1;
  return p * float_of((uint32_t)(half + 127) << 23) * float_of((uint32_t)(exponent - half + 127) << 23);
}

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

/* The rows that count in this step. */
PODIUM_DEVICE int32_t live_rows(const int32_t *live, int32_t max_rows) {
  int32_t rows = *live;
  if (rows > max_rows) rows = max_rows;
  return rows < 0 ? 0 : rows;
}

} // namespace podium

#endif
