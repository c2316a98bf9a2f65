/* Mischief: Echo with a tokenizer, weights and a kernel, until the option `sin` picks what it does wrong. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state.h"

#define TEXT(sin, text) #sin,
static const char *const sin_names[] = {SINS(TEXT)};
#undef TEXT

static char payloads[SAMPLES][PAYLOAD];

static void crash(void) {
  volatile int *nowhere = NULL;
  *nowhere = 1;
}

static void hang(void) {
  for (;;) pause();
}

/* ---- Data set ---- */

static mlp_status size(const mlp_plugin *self, uint64_t *total, uint64_t *performance) {
  mischief *m = of(self);
  *total = m->sin == sin_empty_dataset ? 0 : SAMPLES;
  *performance = m->sin == sin_absurd_performance ? SAMPLES + 1 : *total;
  return MLP_OK;
}

static mlp_status load(const mlp_plugin *self, const uint64_t *indices, uint64_t count) {
  mischief *m = of(self);
  if (m->sin == sin_load_fails) return m->host->fail(m->host, MLP_IO_ERROR, "the samples are out");
  if (m->sin == sin_load_hang) hang();
  for (uint64_t i = 0; i < count; i++) {
    if (indices[i] >= SAMPLES) return m->host->fail(m->host, MLP_INVALID_ARGUMENT, "load: no such sample");
    snprintf(payloads[indices[i]], PAYLOAD, "sample %u", (unsigned)indices[i]);
  }
  return MLP_OK;
}

static mlp_status unload(const mlp_plugin *self, const uint64_t *indices, uint64_t count) {
  (void)self, (void)indices, (void)count;
  return MLP_OK;
}

static mlp_status payload(const mlp_plugin *self, uint64_t index, mlp_bytes *out, uint64_t *token_count) {
  mischief *m = of(self);
  if (m->sin == sin_payload_fails || index >= SAMPLES)
    return m->host->fail(m->host, MLP_INVALID_STATE, "payload: the sample is lost");
  *out = (mlp_bytes){payloads[index], strlen(payloads[index])};
  *token_count = strlen(payloads[index]);
  return MLP_OK;
}

static const mlp_dataset dataset = {
    .struct_size = sizeof(mlp_dataset), .size = size, .load = load, .unload = unload, .payload = payload};

/* ---- Inference ---- */

static mlp_status warm_up(const mlp_plugin *self) {
  (void)self;
  return MLP_OK;
}

static void report(mischief *m, mlp_sample_id id, mlp_bytes data) {
  mlp_result first = {.id = id, .data = {data.data, 1}, .token_count = 1};
  mlp_result whole = {.id = id, .data = data, .token_count = data.size};
  if (m->sin != sin_first_token_late) m->samples->first_token(m->host, &first, 1);
  if (m->sin == sin_first_token_twice) m->samples->first_token(m->host, &first, 1);
  switch (m->sin) {
    case sin_double_completion: m->samples->complete(m->host, &whole, 1); break;
    case sin_zero_id:
      whole.id = 0;
      m->samples->complete(m->host, &whole, 1);
      whole.id = id;
      break;
    case sin_forged_id:
      whole.id = id ^ 0x5555;
      m->samples->complete(m->host, &whole, 1);
      whole.id = id;
      break;
    case sin_stale_id:
      if (m->earlier) {
        whole.id = m->earlier;
        m->samples->complete(m->host, &whole, 1);
        whole.id = id;
      }
      break;
    case sin_same_id_in_batch: {
      mlp_result both[2] = {whole, whole};
      m->samples->complete(m->host, both, 2);
      return;
    }
    case sin_null_data: whole.data = (mlp_bytes){NULL, 16}; break;
    case sin_null_results: m->samples->complete(m->host, NULL, 4); break;
    case sin_failed_samples: whole.status = MLP_INTERNAL; break;
    default: break;
  }
  m->samples->complete(m->host, &whole, 1);
  if (m->sin == sin_first_token_late) m->samples->first_token(m->host, &first, 1);
  m->earlier = id;
}

typedef struct errand { mischief *m; mlp_sample_id id; mlp_bytes data; } errand;

static void *run_errand(void *context) {
  errand *e = context;
  if (e->m->sin == sin_thread_crash) crash();
  if (e->m->sin == sin_late_completion) {
    usleep(300000);
    mlp_result result = {.id = e->id};
    e->m->samples->complete(e->m->host, &result, 1);
    return NULL;
  }
  mlp_result first = {.id = e->id, .data = {e->data.data, 1}, .token_count = 1};
  mlp_result whole = {.id = e->id, .data = e->data, .token_count = e->data.size};
  e->m->samples->first_token(e->m->host, &first, 1);
  e->m->samples->complete(e->m->host, &whole, 1);
  return NULL;
}

static void from_many_threads(mischief *m, const mlp_query *queries, uint64_t count) {
  for (uint64_t start = 0; start < count; start += 64) {
    pthread_t threads[64];
    errand errands[64];
    uint64_t batch = count - start < 64 ? count - start : 64;
    for (uint64_t i = 0; i < batch; i++) {
      errands[i] = (errand){m, queries[start + i].id, queries[start + i].payload};
      pthread_create(&threads[i], NULL, run_errand, &errands[i]);
    }
    for (uint64_t i = 0; i < batch; i++) pthread_join(threads[i], NULL);
  }
}

static int overflow_stack(volatile char *from) {
  volatile char room[65536];
  if (from[0]) return 0; /* never, but the compiler must not know */
  room[0] = from[0];
  return overflow_stack(room) + room[0];
}

static mlp_status issue(const mlp_plugin *self, const mlp_query *queries, uint64_t count) {
  mischief *m = of(self);
  switch (m->sin) {
    case sin_issue_hang: hang(); break;
    case sin_issue_slow: usleep(400000); break;
    case sin_issue_fails: return m->host->fail(m->host, MLP_DEVICE_ERROR, "issue: the device is on fire");
    case sin_never_completes:
    case sin_cancel_hang:
    case sin_ignores_cancel: return MLP_OK;
    case sin_many_threads: from_many_threads(m, queries, count); return MLP_OK;
    default: break;
  }
  for (uint64_t i = 0; i < count; i++) {
    m->last = queries[i].id;
    /* Some results are finished before these: they must not be lost. */
    if (m->issued++ == 3) {
      switch (m->sin) {
        case sin_issue_crash: crash(); break;
        case sin_issue_abort: abort();
        case sin_issue_trap: __builtin_trap();
        case sin_stack_overflow: {
          volatile char start = 0;
          overflow_stack(&start);
          break;
        }
        case sin_issue_exit: exit(0);
        case sin_kills_itself: kill(getpid(), SIGKILL); break;
        case sin_thread_crash: {
          static errand e;
          e = (errand){.m = m};
          pthread_t thread;
          pthread_create(&thread, NULL, run_errand, &e);
          pthread_join(thread, NULL);
          break;
        }
        case sin_closes_descriptors:
          for (int descriptor = 0; descriptor < 1024; descriptor++) close(descriptor);
          break;
        case sin_signal_handlers: signal(SIGTERM, SIG_IGN); break;
        case sin_changes_locale: setlocale(LC_ALL, "C.UTF-8"); break;
        case sin_changes_folder: if (chdir("/")) return MLP_INTERNAL; break;
        case sin_prints: puts("Result is : VALID"); fflush(stdout); break;
        default: break;
      }
    }
    if (m->sin == sin_all_but_one && m->issued == 1) continue;
    mlp_bytes data = queries[i].payload;
    static uint64_t counter;
    if (m->sin == sin_wrong_bytes) counter++, data = (mlp_bytes){&counter, sizeof counter};
    report(m, queries[i].id, data);
  }
  return MLP_OK;
}

static mlp_status flush(const mlp_plugin *self) {
  if (of(self)->sin == sin_flush_hang) hang();
  return MLP_OK;
}

static mlp_status cancel(const mlp_plugin *self, const mlp_sample_id *ids, uint64_t count) {
  mischief *m = of(self);
  if (m->sin == sin_cancel_hang) hang();
  if (m->sin != sin_never_completes) return MLP_OK;
  for (uint64_t i = 0; i < count; i++) {
    mlp_result result = {.id = ids[i], .status = MLP_CANCELLED};
    m->samples->complete(m->host, &result, 1);
  }
  return MLP_OK;
}

/* ---- Tokenizer: a byte is a token ---- */

static mlp_status encode(const mlp_plugin *self, mlp_bytes text, uint32_t *tokens, uint64_t capacity, uint64_t *count) {
  mischief *m = of(self);
  const unsigned char *bytes = text.data;
  uint64_t room = m->sin == sin_overruns_capacity && capacity ? text.size : capacity;
  for (uint64_t i = 0; i < text.size && i < room; i++) tokens[i] = bytes[i];
  *count = text.size + (m->sin == sin_lying_count ? m->asked++ : 0);
  return MLP_OK;
}

static mlp_status decode(const mlp_plugin *self, const uint32_t *tokens, uint64_t token_count, char *text,
                         uint64_t capacity, uint64_t *count) {
  mischief *m = of(self);
  for (uint64_t i = 0; i < token_count; i++) {
    if (tokens[i] >= VOCABULARY && m->sin != sin_accepts_any_token)
      return m->host->fail(m->host, MLP_INVALID_ARGUMENT, "decode: no such token");
    if (i < capacity) text[i] = (char)tokens[i];
  }
  *count = token_count;
  return MLP_OK;
}

static const mlp_tokenizer tokenizer = {
    .struct_size = sizeof(mlp_tokenizer), .vocabulary = VOCABULARY, .encode = encode, .decode = decode};
static mlp_status launch_wrongly(mischief *m) {
  mlp_stream *stream;
  mlp_status status = m->device->stream_create(m->host, 0, &stream);
  if (status != MLP_OK) return status;
  float x[16] = {0}, y[16];
  const float *px = x;
  float *py = y, a = 1;
  const void *args[] = {&px, &py, &a};
  mlp_grid grid = {.blocks = {1, 1, 1}, .threads = {1, 1, 1}};
  uint32_t kernel = 0, count = 3;
  if (m->sin == sin_null_twin) kernel = 1, count = 1;
  if (m->sin == sin_wrong_argument_count) count = 1;
  if (m->sin == sin_kernel_out_of_range) kernel = 99;
  if (m->sin == sin_enormous_grid) grid.blocks[0] = grid.blocks[1] = grid.blocks[2] = UINT32_MAX;
  status = m->launch->launch(m->host, stream, kernel, &grid, args, count);
  m->device->stream_release(m->host, stream);
  return status == MLP_OK ? m->host->fail(m->host, MLP_INTERNAL, "the host launched what it must refuse") : status;
}

/* ---- Life cycle ---- */

static void inner_body(void *context, uint64_t index) { (void)context, (void)index; }

static void outer_body(void *context, uint64_t index) {
  mischief *m = context;
  (void)index;
  if (m->pool->parallel_for(m->host, 2, inner_body, NULL) == MLP_OK) abort(); /* the host must refuse */
}

static mlp_status prepare(const mlp_plugin *self) {
  mischief *m = of(self);
  switch (m->sin) {
    case sin_prepare_fails: return m->host->fail(m->host, MLP_INTERNAL, "prepare: not today");
    case sin_prepare_crash: crash(); break;
    case sin_prepare_hang: hang(); break;
    case sin_keeps_config: return *(const volatile char *)m->config ? MLP_OK : MLP_INTERNAL;
    case sin_leaks: {
      volatile char *kept = malloc(1 << 20);
      for (int i = 0; i < 1 << 20; i += 4096) kept[i] = 1;
      return open("/dev/null", O_RDONLY) < 0 ? MLP_IO_ERROR : MLP_OK;
    }
    case sin_nested_parallel_for:
      m->pool->parallel_for(m->host, 4, outer_body, m);
      return m->host->fail(m->host, MLP_INVALID_STATE, "parallel_for inside a body was refused");
    case sin_null_twin:
    case sin_wrong_argument_count:
    case sin_kernel_out_of_range:
    case sin_enormous_grid: return launch_wrongly(m);
    default: break;
  }
  return MLP_OK;
}

static mlp_status start(const mlp_plugin *self) {
  if (of(self)->sin == sin_start_hang) hang();
  return MLP_OK;
}

static mlp_status stop(const mlp_plugin *self) {
  mischief *m = of(self);
  if (m->sin == sin_stop_hang) hang();
  if (m->sin == sin_stop_crash) crash();
  if (m->sin == sin_late_completion) {
    static errand e;
    e = (errand){.m = m, .id = m->last};
    pthread_t thread;
    pthread_create(&thread, NULL, run_errand, &e);
    pthread_detach(thread);
  }
  return MLP_OK;
}

static void destroy(const mlp_plugin *self) {
  mischief *m = of(self);
  if (m->sin == sin_destroy_hang) hang();
  if (m->sin == sin_destroy_crash) crash();
  if (m->sin == sin_late_completion) {
    usleep(600000);
    return;
  }
  free(m);
}

static const void *extension(const mlp_plugin *self, const char *id) {
  mischief *m = of(self);
  if (!strcmp(id, MLP_DATASET)) return m->sin == sin_no_dataset ? NULL : &dataset;
  if (!strcmp(id, MLP_TOKENIZER)) return &tokenizer;
  if (!strcmp(id, MLP_WEIGHTS)) return m->device ? &m->weights : NULL;
  if (!strcmp(id, MLP_QUANTIZE)) return m->device ? &m->quantize : NULL;
  if (!strcmp(id, MLP_KERNELS)) return m->device ? &m->kernels : NULL;
  if (!strcmp(id, MLP_INFERENCE)) {
    if (m->sin == sin_no_inference) return NULL;
    if (m->sin == sin_misaligned_table) return (const char *)&m->inference[0] + 1;
    return &m->inference[m->sin == sin_changing_answer ? m->asked++ % 2 : 0];
  }
  return m->sin == sin_accepts_any_id ? &m->inference[0] : NULL;
}

static mlp_status create(const mlp_workload *self, const mlp_host *host, const char *config, const mlp_plugin **out) {
  (void)self;
  sin_t sin = sin_count;
  /* "sin":"name" in the options, as the host writes it. */
  const char *option = strstr(config, "\"sin\"");
  const char *value = option ? strchr(option + 5, '"') : NULL;
  for (int i = 0; value && i < sin_count; i++)
    if (!strncmp(value + 1, sin_names[i], strlen(sin_names[i])) && value[1 + strlen(sin_names[i])] == '"') sin = i;
  if (sin == sin_count) return host->fail(host, MLP_INVALID_ARGUMENT, "sin: no such sin");
  if (!strstr(config, "\"both\"") && !strstr(config, "\"head\"") && !strstr(config, "\"worker\""))
    return host->fail(host, MLP_INVALID_ARGUMENT, "role: expected head, worker or both");
  switch (sin) {
    case sin_create_null_out: return MLP_OK;
    case sin_create_no_reason: return MLP_INTERNAL;
    case sin_create_crash: crash(); break;
    case sin_create_hang: hang(); break;
    case sin_create_exit: exit(0);
    default: break;
  }
  mischief *m = calloc(1, sizeof *m);
  if (!m) return host->fail(host, MLP_OUT_OF_MEMORY, "create: no memory");
  *m = (mischief){.table = {.struct_size = sizeof(mlp_plugin),
                            .impl = m,
                            .extension = extension,
                            .prepare = prepare,
                            .start = start,
                            .stop = stop,
                            .destroy = destroy},
                  .sin = sin,
                  .host = host,
                  .samples = host->service(host, MLP_SAMPLES),
                  .launch = host->service(host, MLP_LAUNCH),
                  .device = host->service(host, MLP_DEVICE),
                  .pool = host->service(host, MLP_POOL),
                  .config = config};
  m->inference[0] = (mlp_inference){.struct_size = sizeof(mlp_inference),
                                    .claims = MLP_TOKENS | MLP_DETERMINISTIC | MLP_BATCH_INVARIANT,
                                    .warm_up = warm_up,
                                    .issue = issue,
                                    .flush = flush,
                                    .cancel = cancel};
  if (sin == sin_short_table) m->inference[0].struct_size = 16;
  if (sin == sin_null_function) m->inference[0].issue = NULL;
  m->inference[1] = m->inference[0];
  if (!m->samples) {
    free(m);
    return host->fail(host, MLP_UNSUPPORTED, "the host does not offer " MLP_SAMPLES);
  }
  declare_weights(m);
  declare_kernels(m);
  declare_quantize(m);
  *out = &m->table;
  return MLP_OK;
}

/* ---- Library ---- */

#define VALUE(sin, text) "\"" #sin "\","
static const char options[] =
    "[{\"name\":\"sin\",\"type\":\"string\",\"default\":\"none\",\"help\":\"what to do wrong\",\"values\":["
    SINS(VALUE) "\"none\"]}]";
#undef VALUE

static mlp_workload workload = {.struct_size = sizeof(mlp_workload),
                                .id = "podium.mischief",
                                .title = "Breaks the rule that its option picks",
                                .version = "1.0",
                                .options = options,
                                .create = create};
static mlp_workload twin_workload;
static const mlp_workload *workloads[] = {&workload, &twin_workload};
static mlp_library library = {
    .struct_size = sizeof(mlp_library), .abi_minor = MLP_ABI_MINOR, .workload_count = 1, .workloads = workloads};

MLP_EXPORT const mlp_library *mlp_library_v1(void) {
  const char *sin = getenv("MISCHIEF_LOADING");
  if (!sin) return &library;
  if (!strcmp(sin, "null")) return NULL;
  if (!strcmp(sin, "crash")) crash();
  if (!strcmp(sin, "slow")) usleep(200000);
  if (!strcmp(sin, "hang")) hang();
  if (!strcmp(sin, "exit")) exit(0);
  if (!strcmp(sin, "short_library")) library.struct_size = 8;
  if (!strcmp(sin, "zero_size")) library.struct_size = 0;
  if (!strcmp(sin, "newer_minor")) library.abi_minor = MLP_ABI_MINOR + 7, library.struct_size += 64;
  if (!strcmp(sin, "no_workloads")) library.workload_count = 0;
  if (!strcmp(sin, "many_workloads")) library.workload_count = UINT32_MAX;
  if (!strcmp(sin, "null_list")) library.workloads = NULL;
  if (!strcmp(sin, "null_create")) workload.create = NULL;
  if (!strcmp(sin, "empty_id")) workload.id = "";
  if (!strcmp(sin, "null_id")) workload.id = NULL;
  if (!strcmp(sin, "bad_options")) workload.options = "{not json";
  if (!strcmp(sin, "duplicate_ids")) twin_workload = workload, library.workload_count = 2;
  return &library;
}
