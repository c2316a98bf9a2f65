// unit_rows: y = x / |x| for each row, 0 for a row of zeros.  One block of 256 threads for a row.
//
// One text for clang, hiprtc and hipcc (AMD) and NVRTC (NVIDIA); what differs stands here.
#if defined(__CUDACC__)
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define SHARED static __shared__
#define THREAD (int)threadIdx.x
#define BLOCK blockIdx.x
#define BARRIER() __syncthreads()
#define SQUARE_ROOT(x) sqrtf(x)
#else
#define KERNEL(threads) extern "C" __attribute__((global, amdgpu_flat_work_group_size(threads, threads))) void
#define SHARED static __attribute__((shared))
#define THREAD (int)__builtin_amdgcn_workitem_id_x()
#define BLOCK __builtin_amdgcn_workgroup_id_x()
#define BARRIER()                                         \
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"); \
  __builtin_amdgcn_s_barrier();                          \
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup")
#define SQUARE_ROOT(x) __builtin_sqrtf(x)
#endif

KERNEL(256) unit_rows(float *y, const float *x, int columns) {
  SHARED float partial[256];
  const float *from = x + (unsigned long long)BLOCK * columns;
  float *to = y + (unsigned long long)BLOCK * columns;
  float sum = 0;
  for (int i = THREAD; i < columns; i += 256) sum += from[i] * from[i];
  partial[THREAD] = sum;
  BARRIER();
  for (int half = 128; half > 0; half /= 2) {
    if (THREAD < half) partial[THREAD] += partial[THREAD + half];
    BARRIER();
  }
  float length = SQUARE_ROOT(partial[0]);
  for (int i = THREAD; i < columns; i += 256) to[i] = length > 0 ? from[i] / length : 0;
}
