// llamacpp-driver - llama.cpp's side of the comparison: one process that holds a GGUF model and measures on demand, so
// that run.py can alternate between the engines without loading anything again.  It uses the public interface alone, as
// llama-bench and llama-batched-bench do, and measures what they measure.
//
// Usage: llamacpp-driver MODEL [THREADS]        commands on stdin, one JSON object on stdout for each
//
//   prefill THREADS TOKENS TIMES
//                               one batch of TOKENS from an empty context, logits of the last: {"seconds": [...]}
//   decode THREADS SEQUENCES PROMPT TOKENS TIMES
//                               SEQUENCES prompts of PROMPT tokens, not timed; then TOKENS steps of one token for each:
//                               {"seconds": [...]} for all the steps.  Tokens are random, nothing is sampled.
//   greedy THREADS NEW TOKEN... greedy tokens after the prompt TOKEN..., and by how much each one's logit exceeded the
//                               second best: {"tokens": [...], "margins": [...]}
//   memory                      {"resident": peak, "proportional": now} in bytes
//
// The first object, before any command: {"loaded": seconds to load the model and make a context}.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "llamacpp-driver: %s\n", what.c_str());
  std::exit(1);
}

llama_model *model = nullptr;
int vocabulary = 0;

llama_token random_token() { return 3 + std::rand() % (vocabulary - 3); }

/// A context for so many sequences of so many tokens, with llama-batched-bench's settings: 2048 tokens in a batch, 512 in
/// a micro-batch, a cache of float16 with a part for each sequence.
class Context {
 public:
  Context(int threads, int sequences, int tokens) {
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<uint32_t>(sequences * tokens);
    parameters.n_batch = 2048;
    parameters.n_ubatch = 512;
    parameters.n_seq_max = static_cast<uint32_t>(sequences);
    parameters.n_threads = parameters.n_threads_batch = threads;
    context_ = llama_init_from_model(model, parameters);
    if (context_ == nullptr) fail("no context");
    batch_ = llama_batch_init(2048, 0, 1);
  }
  ~Context() {
    llama_batch_free(batch_);
    llama_free(context_);
  }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  void forget() { llama_memory_clear(llama_get_memory(context_), false); }

  void add(llama_token token, int position, int sequence, bool logits) {
    const int i = batch_.n_tokens++;
    batch_.token[i] = token;
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = logits;
    if (batch_.n_tokens == 2048) run();
  }

  void run() {
    if (batch_.n_tokens == 0) return;
    if (llama_decode(context_, batch_) != 0) fail("llama_decode failed");
    llama_synchronize(context_);
    batch_.n_tokens = 0;
  }

  const float *logits() { return llama_get_logits_ith(context_, -1); }

 private:
  llama_context *context_;
  llama_batch batch_;
};

void print_seconds(const std::vector<double> &seconds) {
  std::printf("{\"seconds\": [");
  for (size_t i = 0; i < seconds.size(); i++) std::printf("%s%.6f", i ? ", " : "", seconds[i]);
  std::printf("]}\n");
}

void prefill(int threads, int tokens, int times) {
  Context context(threads, 1, tokens);
  context.add(1, 0, 0, true);
  context.run();
  std::vector<double> seconds;
  for (int time = 0; time < times; time++) {
    context.forget();
    const double start = now();
    for (int i = 0; i < tokens; i++) context.add(random_token(), i, 0, i == tokens - 1);
    context.run();
    seconds.push_back(now() - start);
  }
  print_seconds(seconds);
}

void decode(int threads, int sequences, int prompt, int tokens, int times) {
  Context context(threads, sequences, prompt + tokens);
  std::vector<double> seconds;
  for (int time = 0; time < times; time++) {
    context.forget();
    for (int s = 0; s < sequences; s++) {
      for (int i = 0; i < prompt; i++) context.add(random_token(), i, s, i == prompt - 1);
    }
    context.run();
    const double start = now();
    for (int i = 0; i < tokens; i++) {
      for (int s = 0; s < sequences; s++) context.add(random_token(), prompt + i, s, true);
      context.run();
    }
    seconds.push_back(now() - start);
  }
  print_seconds(seconds);
}

void greedy(int threads, int wanted, const std::vector<llama_token> &prompt) {
  Context context(threads, 1, static_cast<int>(prompt.size()) + wanted);
  std::vector<llama_token> tokens;
  std::vector<float> margins;
  for (size_t i = 0; i < prompt.size(); i++) context.add(prompt[i], static_cast<int>(i), 0, i == prompt.size() - 1);
  while (true) {
    context.run();
    const float *logits = context.logits();
    int best = 0;
    float second = -1e30f;
    for (int i = 1; i < vocabulary; i++) {
      if (logits[i] > logits[best]) {
        second = logits[best];
        best = i;
      } else if (logits[i] > second) {
        second = logits[i];
      }
    }
    tokens.push_back(best);
    margins.push_back(logits[best] - second);
    if (static_cast<int>(tokens.size()) == wanted) break;
    context.add(best, static_cast<int>(prompt.size() + tokens.size()) - 1, 0, true);
  }
  std::printf("{\"tokens\": [");
  for (size_t i = 0; i < tokens.size(); i++) std::printf("%s%d", i ? ", " : "", tokens[i]);
  std::printf("], \"margins\": [");
  for (size_t i = 0; i < margins.size(); i++) std::printf("%s%.6g", i ? ", " : "", static_cast<double>(margins[i]));
  std::printf("]}\n");
}

void memory() {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  long long proportional = 0;
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    if (word == "Pss:") file >> proportional;
  }
  std::printf("{\"resident\": %lld, \"proportional\": %lld}\n", static_cast<long long>(usage.ru_maxrss) * 1024,
              proportional * 1024);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: llamacpp-driver MODEL [THREADS]\n");
    return 64;
  }
  llama_log_set(
      [](ggml_log_level level, const char *text, void *) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  const double start = now();
  llama_backend_init();
  model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) fail(std::string("cannot load ") + argv[1]);
  vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
  if (vocabulary < 4) fail("the model has no vocabulary size");
  { Context first(argc > 2 ? std::atoi(argv[2]) : 1, 1, 512); }
  std::printf("{\"loaded\": %.4f}\n", now() - start);
  std::fflush(stdout);

  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    std::vector<int> numbers;
    for (int number; words >> number;) numbers.push_back(number);
    if (command == "prefill" && numbers.size() == 3) {
      prefill(numbers[0], numbers[1], numbers[2]);
    } else if (command == "decode" && numbers.size() == 5) {
      decode(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    } else if (command == "greedy" && numbers.size() > 2) {
      greedy(numbers[0], numbers[1], std::vector<llama_token>(numbers.begin() + 2, numbers.end()));
    } else if (command == "memory") {
      memory();
    } else {
      fail("unknown command: " + line);
    }
    std::fflush(stdout);
  }
  llama_model_free(model);
  return 0;
}
