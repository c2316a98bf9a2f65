// MLCommons' LoadGen behind the C table of official_loadgen.h.
//
// Compiled by Scripts/official_loadgen.sh together with LoadGen's sources; no part of the Swift package's build.
#include "official_loadgen.h"

#include <atomic>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "loadgen.h"
#include "query_sample.h"
#include "query_sample_library.h"
#include "system_under_test.h"
#include "test_settings.h"
#include "version.h"

#if !defined(__GLIBCXX__) || _GLIBCXX_RELEASE < 11
#error "LoadGen's random numbers are those of libstdc++ of GCC 11 or later; with another library every plan differs"
#endif

namespace {

static_assert(sizeof(mlperf::QuerySample) == sizeof(olg_sample), "QuerySample is passed on as it is");
static_assert(sizeof(mlperf::QuerySampleIndex) == sizeof(uint64_t), "indices are passed on as they are");
static_assert(sizeof(mlperf::QuerySampleResponse) == sizeof(olg_response), "responses are passed on as they are");

/// Thrown through LoadGen when a callback asks for the end; not a std::exception, so that nothing takes it for one.
struct Aborted {};

/// Ends the test from within a callback: what was logged is written and the log thread ends before LoadGen's frames, on
/// which the log streams live, are unwound.
void EndIf(int32_t status) {
  if (status == 0) return;
  mlperf::AbortTest();
  throw Aborted();
}

class System : public mlperf::SystemUnderTest {
 public:
  explicit System(const olg_callbacks &callbacks) : callbacks_(callbacks), name_(callbacks.sut_name) {}
  const std::string &Name() override { return name_; }
  void IssueQuery(const std::vector<mlperf::QuerySample> &samples) override {
    EndIf(callbacks_.issue(callbacks_.context, reinterpret_cast<const olg_sample *>(samples.data()), samples.size()));
  }
  void FlushQueries() override { EndIf(callbacks_.flush(callbacks_.context)); }

 private:
  const olg_callbacks &callbacks_;
  std::string name_;
};

class Library : public mlperf::QuerySampleLibrary {
 public:
  explicit Library(const olg_callbacks &callbacks) : callbacks_(callbacks), name_(callbacks.qsl_name) {}
  const std::string &Name() override { return name_; }
  size_t TotalSampleCount() override { return callbacks_.total_sample_count; }
  size_t PerformanceSampleCount() override { return callbacks_.performance_sample_count; }
  void LoadSamplesToRam(const std::vector<mlperf::QuerySampleIndex> &samples) override {
    EndIf(callbacks_.load(callbacks_.context, Words(samples), samples.size()));
  }
  void UnloadSamplesFromRam(const std::vector<mlperf::QuerySampleIndex> &samples) override {
    EndIf(callbacks_.unload(callbacks_.context, Words(samples), samples.size()));
  }

 private:
  static const uint64_t *Words(const std::vector<mlperf::QuerySampleIndex> &samples) {
    return reinterpret_cast<const uint64_t *>(samples.data());
  }
  const olg_callbacks &callbacks_;
  std::string name_;
};

/// Calls `visit(of C, of LoadGen)` for every field; the one list serves both directions.
template <typename Plain, typename Theirs, typename Visit>
void EachField(Plain &plain, Theirs &theirs, Visit visit) {
#define FIELD(name) visit(plain.name, theirs.name)
  FIELD(scenario);
  FIELD(mode);
  FIELD(single_stream_expected_latency_ns);
  FIELD(single_stream_target_latency_percentile);
  FIELD(multi_stream_expected_latency_ns);
  FIELD(multi_stream_target_latency_percentile);
  FIELD(multi_stream_samples_per_query);
  FIELD(server_target_qps);
  FIELD(server_target_latency_ns);
  FIELD(server_target_latency_percentile);
  FIELD(server_coalesce_queries);
  FIELD(server_find_peak_qps_decimals_of_precision);
  FIELD(server_find_peak_qps_boundary_step_size);
  FIELD(server_max_async_queries);
  FIELD(server_num_issue_query_threads);
  FIELD(offline_expected_qps);
  FIELD(sample_concatenate_permutation);
  FIELD(min_duration_ms);
  FIELD(max_duration_ms);
  FIELD(min_query_count);
  FIELD(max_query_count);
  FIELD(qsl_rng_seed);
  FIELD(sample_index_rng_seed);
  FIELD(schedule_rng_seed);
  FIELD(accuracy_log_rng_seed);
  FIELD(accuracy_log_probability);
  FIELD(accuracy_log_sampling_target);
  FIELD(test05);
  FIELD(test05_qsl_rng_seed);
  FIELD(test05_sample_index_rng_seed);
  FIELD(test05_schedule_rng_seed);
  FIELD(print_timestamps);
  FIELD(performance_issue_unique);
  FIELD(performance_issue_same);
  FIELD(performance_issue_same_index);
  FIELD(performance_sample_count_override);
  FIELD(accuracy_sample_count_override);
  FIELD(use_token_latencies);
  FIELD(server_ttft_latency);
  FIELD(server_tpot_latency);
  FIELD(infer_token_latencies);
  FIELD(token_latency_scaling_factor);
#undef FIELD
}

struct FromPlain {
  template <typename Plain, typename Theirs>
  void operator()(const Plain &plain, Theirs &theirs) const {
    theirs = static_cast<Theirs>(plain);
  }
};

struct ToPlain {
  template <typename Plain, typename Theirs>
  void operator()(Plain &plain, const Theirs &theirs) const {
    plain = static_cast<Plain>(theirs);
  }
};

mlperf::TestSettings Theirs(const olg_settings &plain) {
  mlperf::TestSettings settings;
  EachField(plain, settings, FromPlain());
  return settings;
}

int32_t DefaultSettings(olg_settings *plain) {
  if (plain->struct_size != sizeof(olg_settings)) return OLG_BAD_ARGUMENT;
  mlperf::TestSettings settings;
  settings.token_latency_scaling_factor = 0;  // the one field that LoadGen leaves uninitialised
  EachField(*plain, settings, ToPlain());
  return OLG_OK;
}

int32_t ReadConf(olg_settings *plain, const char *path, const char *model, const char *scenario, int32_t conf_type) {
  mlperf::TestSettings settings = Theirs(*plain);
  int32_t status = settings.FromConfig(path, model, scenario, conf_type);
  EachField(*plain, settings, ToPlain());
  return status;
}

int32_t StartTest(const olg_callbacks *callbacks, const olg_settings *plain, const char *folder, const char *audit,
                  char *message, uint64_t size) {
  if (plain->struct_size != sizeof(olg_settings)) return OLG_BAD_ARGUMENT;
  System system(*callbacks);
  Library library(*callbacks);
  mlperf::LogSettings logs;
  logs.log_output.outdir = folder;
  logs.log_output.copy_detail_to_stdout = false;
  logs.log_output.copy_summary_to_stdout = false;
  logs.enable_trace = false;
  const char *found = "an exception of no known kind";
  try {
    mlperf::StartTest(&system, &library, Theirs(*plain), logs, audit);
    return OLG_OK;
  } catch (const Aborted &) {
    return OLG_ABORTED;
  } catch (const std::exception &error) {
    if (size > 0) {
      std::strncpy(message, error.what(), size - 1);
      message[size - 1] = 0;
    }
    return OLG_FAILED;
  } catch (...) {
    if (size > 0) {
      std::strncpy(message, found, size - 1);
      message[size - 1] = 0;
    }
    return OLG_FAILED;
  }
}

// LoadGen takes responses as pointers to mutable ones and does not change them without a response callback.
mlperf::QuerySampleResponse *Responses(const olg_response *responses) {
  return reinterpret_cast<mlperf::QuerySampleResponse *>(const_cast<olg_response *>(responses));
}

void FirstTokens(const olg_response *responses, uint64_t count) {
  mlperf::FirstTokenComplete(Responses(responses), count);
}

void CompleteSamples(const olg_response *responses, uint64_t count) {
  mlperf::QuerySamplesComplete(Responses(responses), count);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const olg_api *official_loadgen_v1(void) {
  static const olg_api api = {
      OLG_ABI_VERSION,
      sizeof(olg_api),
      mlperf::LoadgenVersion().c_str(),
      mlperf::LoadgenGitRevision().c_str(),
      DefaultSettings,
      ReadConf,
      StartTest,
      FirstTokens,
      CompleteSamples,
  };
  return &api;
}
