/* Echo in plain C, from the header alone:
 *   cc -std=c11 -shared -fPIC -fvisibility=hidden -I Sources/PluginAPI/C/include echo.c -o libEchoC.so */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlp_plugin.h"

enum { PAYLOAD_SIZE = 32 };

typedef struct echo {
  mlp_plugin table; /* first, so that the two pointers are the same */
  const mlp_host *host;
  const mlp_samples *samples;
  uint64_t count;
  char (*payloads)[PAYLOAD_SIZE]; /* one for each sample; empty while it is not loaded */
} echo;

static echo *of(const mlp_plugin *self) { return (echo *)self->impl; }

static mlp_status fail_sample(echo *e, mlp_status status, const char *call, uint64_t index) {
  char message[96];
  snprintf(message, sizeof message, "%s: sample %llu of %llu", call, (unsigned long long)index,
           (unsigned long long)e->count);
  return e->host->fail(e->host, status, message);
}

static mlp_status size(const mlp_plugin *self, uint64_t *total, uint64_t *performance) {
  *total = *performance = of(self)->count;
  return MLP_OK;
}

static mlp_status load(const mlp_plugin *self, const uint64_t *indices, uint64_t count) {
  echo *e = of(self);
  for (uint64_t i = 0; i < count; i++) {
    if (indices[i] >= e->count) return fail_sample(e, MLP_INVALID_ARGUMENT, "load", indices[i]);
    snprintf(e->payloads[indices[i]], PAYLOAD_SIZE, "echo %llu", (unsigned long long)indices[i]);
  }
  return MLP_OK;
}

static mlp_status unload(const mlp_plugin *self, const uint64_t *indices, uint64_t count) {
  echo *e = of(self);
  for (uint64_t i = 0; i < count; i++)
    if (indices[i] < e->count) e->payloads[indices[i]][0] = 0;
  return MLP_OK;
}

static mlp_status payload(const mlp_plugin *self, uint64_t index, mlp_bytes *out, uint64_t *token_count) {
  echo *e = of(self);
  if (index >= e->count || !e->payloads[index][0]) return fail_sample(e, MLP_INVALID_STATE, "payload", index);
  *out = (mlp_bytes){e->payloads[index], strlen(e->payloads[index])};
  *token_count = 0;
  return MLP_OK;
}

static const mlp_dataset dataset = {
    .struct_size = sizeof(mlp_dataset), .size = size, .load = load, .unload = unload, .payload = payload};

static mlp_status done(const mlp_plugin *self) {
  (void)self;
  return MLP_OK;
}

static mlp_status issue(const mlp_plugin *self, const mlp_query *queries, uint64_t count) {
  echo *e = of(self);
  for (uint64_t i = 0; i < count; i++) {
    mlp_result result = {.id = queries[i].id, .status = MLP_OK, .data = queries[i].payload};
    e->samples->complete(e->host, &result, 1);
  }
  return MLP_OK;
}

static mlp_status cancel(const mlp_plugin *self, const mlp_sample_id *ids, uint64_t count) {
  (void)self, (void)ids, (void)count; /* nothing is outstanding after issue has returned */
  return MLP_OK;
}

static const mlp_inference inference = {.struct_size = sizeof(mlp_inference),
                                        .claims = MLP_DETERMINISTIC | MLP_BATCH_INVARIANT,
                                        .warm_up = done,
                                        .issue = issue,
                                        .flush = done,
                                        .cancel = cancel};

static const void *extension(const mlp_plugin *self, const char *id) {
  (void)self;
  if (!strcmp(id, MLP_DATASET)) return &dataset;
  if (!strcmp(id, MLP_INFERENCE)) return &inference;
  return NULL;
}

static void destroy(const mlp_plugin *self) {
  echo *e = of(self);
  free(e->payloads);
  free(e);
}

static mlp_status create(const mlp_workload *self, const mlp_host *host, const char *config, const mlp_plugin **out) {
  (void)self;
  const mlp_samples *samples = host->service(host, MLP_SAMPLES);
  if (!samples) return host->fail(host, MLP_UNSUPPORTED, "the host does not offer " MLP_SAMPLES);
  /* The host has checked the option and written it without spaces around the colon or with: both are JSON. */
  const char *option = strstr(config, "\"samples\"");
  const char *colon = option ? strchr(option, ':') : NULL;
  unsigned long long count = colon ? strtoull(colon + 1, NULL, 10) : 0;
  if (count == 0 || count > 1000000) return host->fail(host, MLP_INVALID_ARGUMENT, "samples: from 1 to 1000000");
  echo *e = calloc(1, sizeof *e);
  char(*payloads)[PAYLOAD_SIZE] = calloc(count, PAYLOAD_SIZE);
  if (!e || !payloads) {
    free(e);
    free(payloads);
    return host->fail(host, MLP_OUT_OF_MEMORY, "no memory for the samples");
  }
  *e = (echo){.table = {.struct_size = sizeof(mlp_plugin),
                        .impl = e,
                        .extension = extension,
                        .prepare = done,
                        .start = done,
                        .stop = done,
                        .destroy = destroy},
              .host = host,
              .samples = samples,
              .count = count,
              .payloads = payloads};
  *out = &e->table;
  return MLP_OK;
}

static const mlp_workload workload = {
    .struct_size = sizeof(mlp_workload),
    .id = "podium.echo-c",
    .title = "Gives every sample back as its result, in C",
    .version = "1.0",
    .options = "[{\"name\":\"samples\",\"type\":\"integer\",\"default\":64,\"minimum\":1,\"maximum\":1000000,"
               "\"help\":\"samples in the data set\"}]",
    .create = create};
static const mlp_workload *const workloads[] = {&workload};
static const mlp_library library = {
    .struct_size = sizeof(mlp_library), .abi_minor = MLP_ABI_MINOR, .workload_count = 1, .workloads = workloads};

const mlp_library *mlp_library_v1(void) { return &library; }
