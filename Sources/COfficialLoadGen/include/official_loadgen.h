/* official_loadgen.h - MLCommons' LoadGen behind a plain C interface.
 *
 * LoadGen is C++: classes, strings, exceptions and structs whose layout is the compiler's.  This table is what the host
 * uses of it.  It is implemented by shim/official_loadgen.cc, which Scripts/official_loadgen.sh compiles together with
 * LoadGen's sources into one shared library; the host loads that library at run time and asks for its one symbol.
 *
 * LoadGen keeps its state in globals: one test at a time in a process, and none after one that was aborted. */
#ifndef OFFICIAL_LOADGEN_H
#define OFFICIAL_LOADGEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever anything below changes. */
#define OLG_ABI_VERSION 1

/* TestSettings of LoadGen, field by field; names, units and meanings are LoadGen's (test_settings.h). */
typedef struct olg_settings {
  uint32_t struct_size; /* sizeof(olg_settings) of the caller */
  int32_t scenario;     /* TestScenario: 0 SingleStream, 1 MultiStream, 2 Server, 3 Offline */
  int32_t mode;         /* TestMode: 0 SubmissionRun, 1 AccuracyOnly, 2 PerformanceOnly, 3 FindPeakPerformance */
  int32_t server_find_peak_qps_decimals_of_precision;
  double single_stream_expected_latency_ns;
  double single_stream_target_latency_percentile;
  double multi_stream_expected_latency_ns;
  double multi_stream_target_latency_percentile;
  uint64_t multi_stream_samples_per_query;
  double server_target_qps;
  uint64_t server_target_latency_ns;
  double server_target_latency_percentile;
  double server_find_peak_qps_boundary_step_size;
  uint64_t server_max_async_queries;
  uint64_t server_num_issue_query_threads;
  double offline_expected_qps;
  uint64_t min_duration_ms;
  uint64_t max_duration_ms;
  uint64_t min_query_count;
  uint64_t max_query_count;
  uint64_t qsl_rng_seed;
  uint64_t sample_index_rng_seed;
  uint64_t schedule_rng_seed;
  uint64_t accuracy_log_rng_seed;
  double accuracy_log_probability;
  uint64_t accuracy_log_sampling_target;
  uint64_t test05_qsl_rng_seed;
  uint64_t test05_sample_index_rng_seed;
  uint64_t test05_schedule_rng_seed;
  uint64_t performance_issue_same_index;
  uint64_t performance_sample_count_override;
  uint64_t accuracy_sample_count_override;
  uint64_t server_ttft_latency;
  uint64_t server_tpot_latency;
  uint64_t token_latency_scaling_factor;
  /* Truth values, 0 or 1. */
  uint8_t server_coalesce_queries;
  uint8_t sample_concatenate_permutation;
  uint8_t test05;
  uint8_t print_timestamps;
  uint8_t performance_issue_unique;
  uint8_t performance_issue_same;
  uint8_t use_token_latencies;
  uint8_t infer_token_latencies;
} olg_settings;

/* One sample of a query.  `id` is LoadGen's: the address of a record of its own.  It may be used once for
 * complete_samples, before that once for first_tokens, and never after the sample was completed. */
typedef struct olg_sample {
  uint64_t id;
  uint64_t index;
} olg_sample;

/* The answer to one sample; `data` is copied in the call if it is needed at all. */
typedef struct olg_response {
  uint64_t id;
  const void *data;
  uint64_t size;
  int64_t n_tokens;
} olg_response;

/* What start_test calls, all of it on the thread that called start_test.
 * A callback that returns anything but 0 aborts the test; see start_test. */
typedef struct olg_callbacks {
  void *context;
  const char *sut_name;
  const char *qsl_name;
  uint64_t total_sample_count;
  uint64_t performance_sample_count;
  int32_t (*load)(void *context, const uint64_t *indices, uint64_t count);
  int32_t (*unload)(void *context, const uint64_t *indices, uint64_t count);
  /* `samples` is valid during the call only. */
  int32_t (*issue)(void *context, const olg_sample *samples, uint64_t count);
  int32_t (*flush)(void *context);
} olg_callbacks;

/* How start_test ended. */
enum {
  OLG_OK = 0,
  /* A callback asked for the end.  The logs are closed and have no result, and LoadGen cannot be used again in this
   * process: records of the test that it had not yet written refer to memory that is gone. */
  OLG_ABORTED = 1,
  /* LoadGen threw an exception, whose text is in `message`.  It cannot be used again in this process. */
  OLG_FAILED = 2,
  /* The struct_size of the settings is not the one that the library was built with. */
  OLG_BAD_ARGUMENT = 3
};

/* Whose configuration file read_conf reads: LoadGen's conf_type. */
enum {
  OLG_CONF_MLPERF = 0, /* the rules that are compiled in; `path` is not used */
  OLG_CONF_USER = 1,
  OLG_CONF_AUDIT = 2
};

typedef struct olg_api {
  uint32_t abi_version; /* OLG_ABI_VERSION */
  uint32_t struct_size; /* sizeof(olg_api) */
  /* LoadGen's own version ("6.0.17") and the commit that it was made from. */
  const char *version;
  const char *revision;

  /* LoadGen's defaults.  `settings->struct_size` is set by the caller. */
  int32_t (*default_settings)(olg_settings *settings);
  /* TestSettings::FromConfig: 0, or -ENOENT or -EINVAL with nothing applied. */
  int32_t (*read_conf)(olg_settings *settings, const char *path, const char *model, const char *scenario,
                       int32_t conf_type);
  /* Runs a test to its end.  Logs go to `folder`, without trace and without copies to standard output; `audit` is the
   * path of an audit.config, "" for none.  `message` receives at most `size` bytes, ending in 0. */
  int32_t (*start_test)(const olg_callbacks *callbacks, const olg_settings *settings, const char *folder,
                        const char *audit, char *message, uint64_t size);
  /* Any thread, also within issue. */
  void (*first_tokens)(const olg_response *responses, uint64_t count);
  void (*complete_samples)(const olg_response *responses, uint64_t count);
} olg_api;

/* The library's one symbol. */
const olg_api *official_loadgen_v1(void);
typedef const olg_api *(*olg_entry)(void);

#ifdef __cplusplus
}
#endif

#endif /* OFFICIAL_LOADGEN_H */
