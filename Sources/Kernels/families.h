/* families.h - indices into podium_families(). */
#ifndef PODIUM_FAMILIES_H
#define PODIUM_FAMILIES_H

enum { EMBEDDING, NORM, GEMM, ROPE, ATTENTION, ARGMAX, ROUND, MXFP4, ELEMENTWISE, FP8, FAMILY_COUNT };

#endif
