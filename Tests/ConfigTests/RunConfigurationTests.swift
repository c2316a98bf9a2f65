import Core
import Testing

@Suite("Configuration of a run")
struct RunConfigurationTests {
    @Test("A file and the words over it")
    func fileAndWords() throws {
        let yaml = """
            benchmark_name: llama2-70b
            scenario: offline   # a comment
            test-mode: accuracy
            harness_config:
              dataset-path: "data/x y.jsonl"
              target_qps: -1
              total_sample_count: 24576
              enable_warmup: False
              sorting:
                strategy: buckets
                buckets: [12.5, 12.25,
                  1e1]
            model_config:
              max_new_tokens: 64
              stop-at-eos: true
            """
        let run = try configuration(
            ["test_mode=performance", "harness_config.target_qps=300.5", "--output", "results/run_1"],
            yaml: yaml
        )
        #expect(run.plugin == "libX.so")
        #expect(run.benchmark == "llama2-70b")
        #expect(run.scenario == .offline)
        #expect(run.mode == .performanceOnly)
        #expect(run.datasetPath == "data/x y.jsonl")
        #expect(run.targetQps == 300.5)
        #expect(run.totalSampleCount == 24576)
        #expect(run.outputLogDir == "results/run_1")
        #expect(!run.enableWarmup)
        #expect(run.configFile == "c/f.yaml")
        #expect(run.options.map(\.key) == ["model_config.max_new_tokens", "model_config.stop_at_eos"])
        #expect(run.options.map(\.origin) == [.file(path: "c/f.yaml", line: 14), .file(path: "c/f.yaml", line: 15)])
        #expect(run.notices.count == 2, "the two keys of sorting have no effect")
        #expect(run.notices.first == "c/f.yaml:10: harness_config.sorting.strategy has no effect yet")
    }

    @Test("k=v, --k v and --k=v are the same, and dashes are underscores")
    func spellings() throws {
        let expected = try configuration(["harness_config.device_count=2", "scenario=server", "isolate=true"])
            .comparable
        let spellings = [
            ["--harness_config.device_count", "2", "--scenario", "Server", "--isolate"],
            ["--harness-config.device-count=2", "--scenario=SERVER", "--isolate=True"],
            ["+harness_config.device_count=2", "++scenario=server", "--isolate", "true"],
            ["--isolate", "harness_config={device_count: 2}", "scenario='server'"],
            [
                "isolate=false", "--isolate", "harness_config.device_count=9", "harness_config.device_count=2",
                "scenario=Server",
            ],
        ]
        for words in spellings {
            #expect(try configuration(words).comparable == expected, "\(words)")
        }
    }

    @Test("Null and -1 give the default back")
    func unset() throws {
        let yaml = "harness_config:\n  target_qps: 20\n  duration_sec: 5\n  model_path: m\n  watchdog_sec: 0\n"
        let run = try configuration(
            ["harness_config.target_qps=-1", "harness_config.duration_sec=null", "model=~"],
            yaml: yaml
        )
        #expect(run.targetQps == nil && run.durationSec == nil && run.modelPath == nil && run.watchdogSec == nil)
        let untouched = try configuration([])
        #expect(
            untouched.watchdogSec == 600 && untouched.enableWarmup && untouched.deviceCount == 1
                && untouched.round == .v60
        )
        #expect(untouched.options.isEmpty && untouched.notices.isEmpty && untouched.scenario == nil)
        #expect(throws: ConfigError.self) { try untouched.requiredScenario }
    }

    @Test("Groups of devices")
    func devices() throws {
        #expect(try configuration(["harness_config.data_parallel_size=8"]).deviceCount == 8)
        let pairs = try configuration(["harness_config.data_parallel_size=4", "harness_config.tensor_parallelism=2"])
        #expect(pairs.deviceCount == 8 && pairs.instanceCount == 4)
        #expect(
            message(["harness_config.device_count=3", "harness_config.devices_per_instance=2"]).contains("groups of 2")
        )
        #expect(
            message(["harness_config.device_count=3", "harness_config.data_parallel_size=2"]).contains("contradict")
        )
    }

    @Test("Accuracy runs take their own data set and count")
    func accuracy() throws {
        let words = [
            "harness_config.dataset_path=p", "harness_config.accuracy_dataset_path=a",
            "harness_config.accuracy_sample_count=7",
            "harness_config.total_sample_count=9",
        ]
        let performance = try configuration(words)
        #expect(performance.datasetPath == "p" && performance.totalSampleCount == 9)
        let accuracy = try configuration(words + ["mode=accuracy"])
        #expect(accuracy.datasetPath == "a" && accuracy.totalSampleCount == 7)
    }

    @Test("Interactive is Server under another name")
    func interactive() throws {
        let scenario = try configuration(["scenario=interactive"]).requiredScenario
        #expect(scenario.loadGenScenario == .server)
        #expect(scenario.confName(of: "llama2-70b") == "llama2-70b-interactive")
        #expect(scenario.confName(of: "llama2-70b-interactive") == "llama2-70b-interactive")
        #expect(RequestedScenario.server.confName(of: "llama2-70b") == "llama2-70b")
    }

    @Test("What the user set goes over the conf files")
    func testSettings() throws {
        var settings = TestSettings()
        settings.minQueryCount = 24576
        settings.qslRngSeed = 5
        let whole = try configuration(["scenario=offline", "harness_config.total_sample_count=24576"])
        whole.apply(to: &settings, librarySampleCount: 24576)
        #expect(settings.minQueryCount == 24576 && settings.maxQueryCount == 0 && settings.qslRngSeed == 5)
        let trial = try configuration([
            "scenario=server", "harness_config.total_sample_count=10", "harness_config.duration_sec=1.5",
            "harness_config.target_qps=3", "harness_config.seedless=true",
        ])
        trial.apply(to: &settings, librarySampleCount: 24576)
        #expect(settings.scenario == .server && settings.mode == .performanceOnly)
        #expect(settings.minQueryCount == 10 && settings.maxQueryCount == 10)
        #expect(settings.minDurationMs == 1500 && settings.maxDurationMs == 1500)
        #expect(settings.serverTargetQps == 3 && settings.offlineExpectedQps == 3 && settings.qslRngSeed == 0)
    }

    @Test("Every key is listed once, and its help is in the reference")
    func reference() {
        let names = ConfigKey.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        for key in ConfigKey.all {
            #expect(key.help.hasSuffix("."), "\(key.name)")
            #expect(ConfigReference.listing.contains(key.help) && ConfigReference.markdown.contains("`\(key.name)`"))
        }
    }
}

extension RunConfiguration {
    /// The configuration without what tells how it was written.
    var comparable: RunConfiguration {
        var copy = self
        copy.notices = []
        copy.options = []
        return copy
    }
}
