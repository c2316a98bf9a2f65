/* kernels.h - the kernels that have a HIP form; included by device.h. */
HIP_KERNEL(argmax)
HIP_KERNEL(embedding)
HIP_KERNEL(rms_norm)
HIP_KERNEL(rope_append)
HIP_KERNEL(rope_tables)
HIP_KERNEL(round_to_fp8)
