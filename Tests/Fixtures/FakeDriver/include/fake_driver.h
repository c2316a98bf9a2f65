/* fake_driver.h - a driver for GPUs that are not there: the functions of HIP and of the CUDA driver API that the host
 * uses, and the compilers' hiprtc and NVRTC, on host memory.
 *
 * Built as a library of its own and opened by its path, as the vendors' are. Work is done at once, or kept while a
 * stream captures. Device memory cannot be read or written except by what a stream does (with `protect`), so that a
 * host that follows a device pointer faults. FAKE_GPU in the environment says what the machine is:
 *
 *     devices=2,memory=1073741824,protect=1,fail=launch:3:700
 *
 * fail=CALL:N:ERROR lets the N-th call of allocate, copy, launch or synchronize give that error, and every later call
 * as well, as after a fault. A module's image is a text, "fake " and the names of its kernels; the kernels are
 *     fake_saxpy(p y, p x, f a, i n)   y += a x, by blocks of threads
 *     fake_iota(p y, i n)              y[i] = i */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

/* Sets all of FAKE_GPU anew, when no device memory is out. */
void fake_driver_configure(const char *text);

enum { FAKE_DRIVER_VERSION = 60400000 };

#endif
