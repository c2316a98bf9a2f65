/* Calls of kernel twins, whose signatures are known only at run time.
 *
 * libffi's type objects are global variables, which Swift 6 refuses to touch, and ffi_call takes a function pointer of a
 * type of its own; both are dealt with here. */
#ifndef PODIUM_CFFI_SHIM_H
#define PODIUM_CFFI_SHIM_H

#include <ffi.h>
#include <stdint.h>
#include <stdlib.h>

/* Most arguments that a kernel may declare; a range call keeps one pointer for each on the stack. */
enum { CFFI_MAX_ARGUMENTS = 64, CFFI_PREFIX = 3 };

/* void twin(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, args...), ready for ffi_call.  Immutable
 * once prepared: any number of threads may call through it. */
typedef struct cffi_signature {
  ffi_cif cif;
  uint32_t count;
  ffi_type *types[CFFI_PREFIX + CFFI_MAX_ARGUMENTS];
} cffi_signature;

/* The C type of a signature's letter: p pointer, i int32, l int64, f float, d double; NULL for any other. */
static inline ffi_type *cffi_type(char letter) {
  switch (letter) {
    case 'p': return &ffi_type_pointer;
    case 'i': return &ffi_type_sint32;
    case 'l': return &ffi_type_sint64;
    case 'f': return &ffi_type_float;
    case 'd': return &ffi_type_double;
    default: return NULL;
  }
}

/* Bytes of the argument that a letter stands for, 0 if it stands for none. */
static inline uint32_t cffi_size(char letter) {
  const ffi_type *type = cffi_type(letter);
  return type ? (uint32_t)type->size : 0;
}

/* A signature of `count` letters, or NULL if a letter is unknown, there are too many or libffi refuses.  Freed with
 * cffi_signature_free. */
static inline cffi_signature *cffi_signature_create(const char *letters, uint32_t count) {
  if (count > CFFI_MAX_ARGUMENTS) return NULL;
  cffi_signature *made = (cffi_signature *)calloc(1, sizeof *made);
  if (!made) return NULL;
  made->count = count;
  made->types[0] = &ffi_type_pointer;
  made->types[1] = &ffi_type_uint64;
  made->types[2] = &ffi_type_uint64;
  for (uint32_t i = 0; i < count; i++) {
    ffi_type *type = cffi_type(letters[i]);
    if (!type) { free(made); return NULL; }
    made->types[CFFI_PREFIX + i] = type;
  }
  if (ffi_prep_cif(&made->cif, FFI_DEFAULT_ABI, CFFI_PREFIX + count, &ffi_type_void, made->types) != FFI_OK) {
    free(made);
    return NULL;
  }
  return made;
}

static inline void cffi_signature_free(cffi_signature *signature) { free(signature); }

/* Calls `twin` for the blocks first..<last.  arguments[i] points at the value of the i-th declared argument. */
static inline void cffi_call_range(const cffi_signature *signature, void (*twin)(void), const void *grid,
                                   uint64_t first, uint64_t last, const void *const *arguments) {
  void *values[CFFI_PREFIX + CFFI_MAX_ARGUMENTS];
  values[0] = &grid;
  values[1] = &first;
  values[2] = &last;
  for (uint32_t i = 0; i < signature->count; i++) values[CFFI_PREFIX + i] = (void *)arguments[i];
  ffi_call((ffi_cif *)&signature->cif, twin, NULL, values);
}

#endif /* PODIUM_CFFI_SHIM_H */
