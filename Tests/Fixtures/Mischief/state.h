/* state.h - what one Mischief is. */
#ifndef STATE_H
#define STATE_H

#include "mlp_plugin.h"
#include "sins.h"

#define NAME(sin, text) sin_##sin,
typedef enum sin { SINS(NAME) sin_count } sin_t;
#undef NAME

enum { SAMPLES = 32, PAYLOAD = 16, VOCABULARY = 256, ELEMENTS = 64 };

typedef struct mischief {
  mlp_plugin table;
  sin_t sin;
  const mlp_host *host;
  const mlp_samples *samples;
  const mlp_launch *launch;
  const mlp_device *device;
  const mlp_pool *pool;
  const char *config;
  mlp_sample_id earlier;
  mlp_sample_id last;
  uint64_t issued;
  uint64_t asked;
  float *weight;
  mlp_inference inference[2];
  mlp_weights weights;
  mlp_quantize quantize;
  int states; /* begun so far */
  float now[32], before[32]; /* the state of the last call, and the one before it that was another */
  mlp_kernels kernels;
} mischief;

static inline mischief *of(const mlp_plugin *self) { return (mischief *)self->impl; }

/* What a worker declares besides mlp_inference (worker.c); each fills its table in. */
void declare_weights(mischief *m);
void declare_kernels(mischief *m);
void declare_quantize(mischief *m);

#endif
