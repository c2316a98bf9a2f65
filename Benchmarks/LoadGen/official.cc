// The official LoadGen with a system under test that completes every sample inside IssueQuery: the peer of `host`
// with libNull.so.  Settings come from the same user.conf, under the same benchmark name, and responses go back in the
// same batches as those of the Null plugin.
//
// Usage: official SCENARIO USER_CONF OUTPUT_FOLDER SAMPLES TOKENS
//   SCENARIO  SingleStream, MultiStream, Server or Offline
//   SAMPLES   samples in the library
//   TOKENS    tokens reported for each sample; 0: no tokens, no first token
//
// Builds against the sources of PyPI's mlcommons-loadgen; build_official.sh does that.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "loadgen.h"
#include "query_sample_library.h"
#include "system_under_test.h"
#include "test_settings.h"

namespace {

constexpr size_t kBatch = 64;
constexpr const char *kBenchmark = "issue";

class NullSystem : public mlperf::SystemUnderTest {
 public:
  explicit NullSystem(int64_t tokens) : tokens_(tokens) {}
  const std::string &Name() override { return name_; }

  void IssueQuery(const std::vector<mlperf::QuerySample> &samples) override {
    mlperf::QuerySampleResponse responses[kBatch];
    for (size_t start = 0; start < samples.size(); start += kBatch) {
      size_t count = samples.size() - start < kBatch ? samples.size() - start : kBatch;
      for (size_t i = 0; i < count; i++) responses[i] = {samples[start + i].id, 0, 0, tokens_};
      if (tokens_ > 0) mlperf::FirstTokenComplete(responses, count);
      mlperf::QuerySamplesComplete(responses, count);
    }
  }

  void FlushQueries() override {}

 private:
  std::string name_ = "null";
  int64_t tokens_;
};

class NullLibrary : public mlperf::QuerySampleLibrary {
 public:
  explicit NullLibrary(size_t count) : count_(count) {}
  const std::string &Name() override { return name_; }
  size_t TotalSampleCount() override { return count_; }
  size_t PerformanceSampleCount() override { return count_; }
  void LoadSamplesToRam(const std::vector<mlperf::QuerySampleIndex> &) override {}
  void UnloadSamplesFromRam(const std::vector<mlperf::QuerySampleIndex> &) override {}

 private:
  std::string name_ = "null";
  size_t count_;
};

}  // namespace

int main(int argc, char **argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s SCENARIO USER_CONF OUTPUT_FOLDER SAMPLES TOKENS\n", argv[0]);
    return 64;
  }
  std::string scenario = argv[1];
  mlperf::TestSettings settings;
  if (scenario == "SingleStream") {
    settings.scenario = mlperf::TestScenario::SingleStream;
  } else if (scenario == "MultiStream") {
    settings.scenario = mlperf::TestScenario::MultiStream;
  } else if (scenario == "Server") {
    settings.scenario = mlperf::TestScenario::Server;
  } else if (scenario == "Offline") {
    settings.scenario = mlperf::TestScenario::Offline;
  } else {
    std::fprintf(stderr, "%s: there is no scenario %s\n", argv[0], argv[1]);
    return 64;
  }
  if (settings.FromConfig(argv[2], kBenchmark, scenario) != 0) {
    std::fprintf(stderr, "%s: cannot read %s\n", argv[0], argv[2]);
    return 64;
  }
  settings.mode = mlperf::TestMode::PerformanceOnly;
  mlperf::LogSettings logs;
  logs.log_output.outdir = argv[3];
  logs.enable_trace = false;
  NullSystem system(std::strtoll(argv[5], nullptr, 10));
  NullLibrary library(std::strtoull(argv[4], nullptr, 10));
  mlperf::StartTest(&system, &library, settings, logs);
  return 0;
}
