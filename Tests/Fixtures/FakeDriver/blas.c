/* hipBLASLt, cuBLASLt and rocBLAS on host memory: the numbers of their headers, column-major matrices, a naive product.
 *
 * Written from the vendors' documentation apart from Sources/CGPU, so that a number or a layout that is wrong there shows
 * as a refusal or as a wrong product. A product needs 4096 bytes of workspace; for k = 7 there is no algorithm. */
#include "driver.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum api { HIP, CUDA } api;
enum { WORKSPACE = 4096 };
/* What each answers to a bad argument and to what it cannot do. */
static const int invalid_value[2] = {3, 7}, not_supported[2] = {7, 15};

typedef struct layout {
  uint64_t rows, columns;
  int64_t leading;
  int type;
} layout;

typedef struct matmul {
  api api;
  int32_t is_transposed[2], scale_mode[2];
  const void *scales[2];
} matmul;

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

static double tiny_float(unsigned code, int exponent_bits, int mantissa_bits, int bias) {
  unsigned exponent = code >> mantissa_bits & ((1u << exponent_bits) - 1), mantissa = code & ((1u << mantissa_bits) - 1);
  double value = exponent ? ldexp(1 + ldexp(mantissa, -mantissa_bits), (int)exponent - bias)
                          : ldexp(mantissa, 1 - bias - mantissa_bits);
  return code >> (exponent_bits + mantissa_bits) & 1 ? -value : value;
}

static double element(const void *memory, uint64_t index, int type) {
  const uint8_t *bytes = memory;
  uint32_t word;
  uint16_t half;
  float value;
  switch (type) {
  case 0: return ((const float *)memory)[index];
  case 2: return memcpy(&half, bytes + 2 * index, 2), tiny_float(half, 5, 10, 15);
  case 14:
    memcpy(&half, bytes + 2 * index, 2);
    word = (uint32_t)half << 16;
    return memcpy(&value, &word, 4), value;
  case 28: return tiny_float(bytes[index], 4, 3, 7);
  case 1000: return bytes[index] == 0x80 ? NAN : tiny_float(bytes[index], 4, 3, 8);
  case 33: return tiny_float(bytes[index / 2] >> (index % 2 ? 4 : 0) & 15, 2, 1, 1);
  default: return NAN;
  }
}

static void put(void *memory, uint64_t index, int type, double value) {
  float narrow = (float)value;
  if (type == 0) ((float *)memory)[index] = narrow;
  if (type == 14) {
    uint32_t word;
    memcpy(&word, &narrow, 4);
    uint16_t half = (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
    memcpy((char *)memory + 2 * index, &half, 2);
  }
  if (type == 2) {
    _Float16 half = (_Float16)narrow;
    memcpy((char *)memory + 2 * index, &half, 2);
  }
}

/* ---- The product ------------------------------------------------------------------------------------------------- */

/* values: a, b, d, scales of a and b; rows, columns and leading dimension of a, b and d; types, operations and modes in
 * one word; alpha and beta in one. */
static void product(const uint64_t *v) {
  const void *a = (const void *)v[0], *b = (const void *)v[1];
  void *d = (void *)v[2];
  int a_type = v[14] & 0xfff, b_type = v[14] >> 12 & 0xfff, d_type = v[14] >> 24 & 0xfff;
  int turns_a = v[14] >> 36 & 1, turns_b = v[14] >> 37 & 1, has_blocks = v[14] >> 38 & 1;
  float factors[2];
  memcpy(factors, &v[15], sizeof factors);
  const uint8_t *a_blocks = (const void *)v[3], *b_blocks = (const void *)v[4];
  double whole = 1;
  if (!has_blocks && v[3]) whole *= *(const float *)v[3];
  if (!has_blocks && v[4]) whole *= *(const float *)v[4];
  uint64_t inner = turns_a ? v[5] : v[6];
  for (uint64_t column = 0; column < v[12]; column++) {
    for (uint64_t row = 0; row < v[11]; row++) {
      double sum = 0;
      for (uint64_t l = 0; l < inner; l++) {
        double x = element(a, turns_a ? l + row * v[7] : row + l * v[7], a_type);
        double y = element(b, turns_b ? column + l * v[10] : l + column * v[10], b_type);
        if (has_blocks) {
          x = ldexp(x, (int)a_blocks[row * (inner / 32) + l / 32] - 127);
          y = ldexp(y, (int)b_blocks[column * (inner / 32) + l / 32] - 127);
        }
        sum += x * y;
      }
      uint64_t at = row + column * v[13];
      double before = factors[1] != 0 ? factors[1] * element(d, at, d_type) : 0;
      put(d, at, d_type, factors[0] * whole * sum + before);
    }
  }
}

static int queue(const layout *a, const layout *b, const layout *d, const matmul *o, const void *alpha,
                 const void *beta, const void *a_data, const void *b_data, void *d_data, void *stream, int invalid) {
  uint64_t a_rows = o->is_transposed[0] ? a->columns : a->rows, a_inner = o->is_transposed[0] ? a->rows : a->columns;
  uint64_t b_inner = o->is_transposed[1] ? b->columns : b->rows, b_columns = o->is_transposed[1] ? b->rows : b->columns;
  if (a_rows != d->rows || b_columns != d->columns || a_inner != b_inner) return invalid;
  if (a->leading < (int64_t)a->rows || b->leading < (int64_t)b->rows || d->leading < (int64_t)d->rows) return invalid;
  if (!a_data || !b_data || !d_data || !stream) return invalid;
  uint64_t factors = 0;
  memcpy(&factors, alpha, 4);
  memcpy((char *)&factors + 4, beta, 4);
  uint64_t kinds = (uint64_t)a->type | (uint64_t)b->type << 12 | (uint64_t)d->type << 24 |
                   (uint64_t)(o->is_transposed[0] != 0) << 36 | (uint64_t)(o->is_transposed[1] != 0) << 37 |
                   (uint64_t)(o->scale_mode[0] == 2) << 38;
  operation work = {.kind = WORK, .work = product};
  const uint64_t values[16] = {(uint64_t)a_data, (uint64_t)b_data, (uint64_t)d_data, (uint64_t)o->scales[0],
                               (uint64_t)o->scales[1], a->rows, a->columns, (uint64_t)a->leading, b->rows, b->columns,
                               (uint64_t)b->leading, d->rows, d->columns, (uint64_t)d->leading, kinds, factors};
  memcpy(work.values, values, sizeof values);
  return stream_submit(stream, &work);
}

/* ---- hipBLASLt and cuBLASLt --------------------------------------------------------------------------------------- */

static int is_type(api api, int type) {
  return type == 0 || type == 2 || type == 14 || type == 28 || (api == HIP && (type == 1000 || type == 33));
}

static int operation_create(api api, void **out, int compute, int scale) {
  if (compute != (api == HIP ? 2 : 68) || scale != 0) return invalid_value[api];
  matmul *o = calloc(1, sizeof *o);
  o->api = api;
  return *out = o, 0;
}

static int operation_set(api api, void *to, int attribute, const void *value, size_t size) {
  matmul *o = to;
  static const int numbers[2][6] = {{0, 1, 5, 6, 31, 32}, {3, 4, 17, 18, 31, 32}};
  for (int i = 0; i < 6; i++) {
    if (numbers[api][i] != attribute) continue;
    if (size != (i == 2 || i == 3 ? sizeof(void *) : 4)) return invalid_value[api];
    if (i == 2 || i == 3) return memcpy(&o->scales[i - 2], value, size), 0;
    int32_t word;
    memcpy(&word, value, 4);
    if (i >= 4) return o->scale_mode[i - 4] = word, 0;
    int plain = api == HIP ? 111 : 0;
    if (word != plain && word != plain + 1) return invalid_value[api];
    return o->is_transposed[i] = word == plain + 1, 0;
  }
  return invalid_value[api];
}

static int layout_create(api api, void **out, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  if (!is_type(api, type) || !rows || !columns) return invalid_value[api];
  layout *made = malloc(sizeof *made);
  *made = (layout){rows, columns, leading, type};
  return *out = made, 0;
}

static int give_back(void *memory) { return free(memory), 0; }

static int preference_set(api api, void *preference, int attribute, const void *value, size_t size) {
  if (attribute != 1 || size != 8) return invalid_value[api];
  return memcpy(preference, value, size), 0;
}

typedef struct hip_result {
  uint8_t algorithm[16];
  size_t most, workspace;
  int state;
  float waves;
  int reserved[4];
} hip_result;

typedef struct cuda_result {
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
} cuda_result;

static const char chosen[8] = "chosen";

static int heuristic(api api, void *o, void *a, void *preference, int count, void *out, int *found) {
  int error = machine_fault("heuristic");
  if (error) return error;
  const layout *first = a;
  uint64_t limit;
  memcpy(&limit, preference, sizeof limit);
  *found = 0;
  if (count < 1 || limit < WORKSPACE || first->rows == 7) return 0;
  int has_four_bits = first->type == 33, has_blocks = ((matmul *)o)->scale_mode[0] == 2;
  if (has_four_bits != has_blocks || (has_blocks && !((matmul *)o)->scales[0])) return 0;
  *found = 1;
  if (api == HIP) {
    hip_result result = {.most = limit, .workspace = WORKSPACE};
    memcpy(result.algorithm, chosen, sizeof chosen);
    memcpy(out, &result, sizeof result);
  } else {
    cuda_result result = {.workspace = WORKSPACE};
    memcpy(result.algorithm, chosen, sizeof chosen);
    memcpy(out, &result, sizeof result);
  }
  return 0;
}

static int multiply(api api, void *o, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout,
                    const void *beta, const void *c, void *d, void *d_layout, const void *algorithm, void *workspace,
                    size_t size, void *stream) {
  int error = machine_fault("gemm");
  if (error) return error;
  if (c != d || memcmp(algorithm, chosen, sizeof chosen) != 0) return invalid_value[api];
  if (!workspace || size < WORKSPACE) return not_supported[api];
  return queue(a_layout, b_layout, d_layout, o, alpha, beta, a, b, d, stream, invalid_value[api]);
}

#define BLASLT(prefix_, api_)                                                                                    \
  EXPORT int prefix_##Create(void **out) { return *out = malloc(1), 0; }                                         \
  EXPORT int prefix_##Destroy(void *handle) { return give_back(handle); }                                        \
  EXPORT int prefix_##MatmulDescCreate(void **out, int compute, int scale) {                                     \
    return operation_create(api_, out, compute, scale);                                                          \
  }                                                                                                              \
  EXPORT int prefix_##MatmulDescDestroy(void *o) { return give_back(o); }                                        \
  EXPORT int prefix_##MatmulDescSetAttribute(void *o, int attribute, const void *value, size_t size) {           \
    return operation_set(api_, o, attribute, value, size);                                                       \
  }                                                                                                              \
  EXPORT int prefix_##MatrixLayoutCreate(void **out, int type, uint64_t rows, uint64_t columns, int64_t leading) { \
    return layout_create(api_, out, type, rows, columns, leading);                                               \
  }                                                                                                              \
  EXPORT int prefix_##MatrixLayoutDestroy(void *l) { return give_back(l); }                                      \
  EXPORT int prefix_##MatmulPreferenceCreate(void **out) { return *out = calloc(1, 8), 0; }                      \
  EXPORT int prefix_##MatmulPreferenceDestroy(void *p) { return give_back(p); }                                  \
  EXPORT int prefix_##MatmulPreferenceSetAttribute(void *p, int attribute, const void *value, size_t size) {     \
    return preference_set(api_, p, attribute, value, size);                                                      \
  }                                                                                                              \
  EXPORT int prefix_##MatmulAlgoGetHeuristic(void *handle, void *o, void *a, void *b, void *c, void *d, void *p, \
                                             int count, void *out, int *found) {                                 \
    (void)handle, (void)b, (void)c, (void)d;                                                                     \
    return heuristic(api_, o, a, p, count, out, found);                                                          \
  }                                                                                                              \
  EXPORT int prefix_##Matmul(void *handle, void *o, const void *alpha, const void *a, void *al, const void *b,   \
                             void *bl, const void *beta, const void *c, void *cl, void *d, void *dl,             \
                             const void *algorithm, void *workspace, size_t size, void *stream) {                \
    (void)handle, (void)cl;                                                                                      \
    return multiply(api_, o, alpha, a, al, b, bl, beta, c, d, dl, algorithm, workspace, size, stream);           \
  }
BLASLT(hipblasLt, HIP)
BLASLT(cublasLt, CUDA)

EXPORT int hipblasLtGetVersion(void *handle, int *version) { return (void)handle, *version = 100000, 0; }
EXPORT size_t cublasLtGetVersion(void) { return 130000; }

/* ---- rocBLAS ----------------------------------------------------------------------------------------------------- */

EXPORT int rocblas_create_handle(void **out) { return *out = calloc(1, sizeof(void *)), 0; }
EXPORT int rocblas_destroy_handle(void *handle) { return give_back(handle); }
EXPORT int rocblas_set_stream(void *handle, void *stream) { return *(void **)handle = stream, 0; }
EXPORT const char *rocblas_status_to_string(int status) {
  return status == 4 ? "rocblas_status_invalid_size" : "rocblas_status_other";
}
EXPORT int rocblas_gemm_ex(void *handle, int a_operation, int b_operation, int m, int n, int k, const void *alpha,
                           const void *a, int a_type, int a_leading, const void *b, int b_type, int b_leading,
                           const void *beta, const void *c, int c_type, int c_leading, void *d, int d_type,
                           int d_leading, int compute, int algorithm, int32_t solution, uint32_t flags) {
  enum { PLAIN = 111, TURNED = 112, INVALID_SIZE = 4, INVALID_VALUE = 11 };
  int error = machine_fault("gemm");
  if (error) return error;
  if (compute != 151 || algorithm || solution || flags || c != d || c_type != d_type || c_leading != d_leading) {
    return INVALID_VALUE;
  }
  int types[3] = {a_type, b_type, d_type};
  for (int i = 0; i < 3; i++) {
    if (types[i] != 150 && types[i] != 151 && types[i] != 168) return INVALID_VALUE;
    types[i] = types[i] == 150 ? 2 : types[i] == 151 ? 0 : 14;
  }
  if ((a_operation != PLAIN && a_operation != TURNED) || (b_operation != PLAIN && b_operation != TURNED)) {
    return INVALID_VALUE;
  }
  uint64_t rows = (uint64_t)m, columns = (uint64_t)n, inner = (uint64_t)k;
  matmul o = {.is_transposed = {a_operation == TURNED, b_operation == TURNED}};
  layout al = {a_operation == TURNED ? inner : rows, a_operation == TURNED ? rows : inner, a_leading, types[0]};
  layout bl = {b_operation == TURNED ? columns : inner, b_operation == TURNED ? inner : columns, b_leading, types[1]};
  layout dl = {rows, columns, d_leading, types[2]};
  return queue(&al, &bl, &dl, &o, alpha, beta, a, b, d, *(void **)handle, INVALID_SIZE);
}
