extension ConfigKey {
    private static let notYet = "has no effect yet"
    private static let counts = 0...Int(Int32.max)
    private static let seconds = 0...31_536_000.0

    // What to run.
    static let configPath = ConfigKey("config_path", .path, "Folder of the configuration files.")
    static let configName = ConfigKey("config_name", .text, "Name of the configuration file, without .yaml.")
    static let plugin = ConfigKey(
        "plugin",
        .path,
        "The plugin: path of its library, or its bare name beside the executable."
    )
    static let workload = ConfigKey("workload", .text, "Id of the workload, where the plugin has several.")
    static let benchmark = ConfigKey(
        "benchmark_name",
        .text,
        aliases: ["benchmark"],
        "MLPerf's name of the benchmark, by which the conf files are searched; default: what the workload says."
    )
    static let scenario = ConfigKey(
        "scenario",
        .choice(RequestedScenario.allCases.map(\.rawValue)),
        "How queries arrive. Interactive is Server with the limits of BENCHMARK-interactive."
    )
    static let mode = ConfigKey(
        "test_mode",
        .choice(["performance", "accuracy", "submission"]),
        aliases: ["mode"],
        "What is measured; submission is accuracy followed by performance. Default: performance."
    )
    static let round = ConfigKey(
        "round",
        .choice(MLPerfRound.allCases.map(\.rawValue)),
        "The MLPerf round whose seeds are used. Default: v6.0; with loadgen=official the one that is compiled into it."
    )
    static let loadgen = ConfigKey(
        "loadgen",
        .choice(LoadGenEngine.allCases.map(\.rawValue)),
        "Who schedules and judges. podium: the host; official: MLCommons' own library, which `make official-loadgen` builds. "
            + "Default: podium."
    )
    static let overrideSeeds = ConfigKey(
        "override_seeds",
        .boolean,
        "With loadgen=official: puts the seeds of `round` over those that are compiled into it. Default: false."
    )
    static let role = ConfigKey(
        "role",
        .choice(RunRole.allCases.map(\.rawValue)),
        "head: dataset and schedule; worker: weights and devices; both: one process does all. Default: both."
    )

    // Where it runs.
    static let isolate = ConfigKey("isolate", .boolean, "Runs the plugin in a child process. Default: false.")
    static let device = ConfigKey(
        "device",
        .text,
        "cpu, hip or cuda, or some of its devices: hip:0, cuda:2,3. `host devices` lists them. Default: cpu."
    )
    static let threads = ConfigKey(
        "threads",
        .integer(0...4096),
        "Threads of the pool of a CPU device; 0: one per core that may be used. Default: 0."
    )
    static let backend = ConfigKey(
        "backend",
        .choice(["local", "vllm", "zmq"]),
        "local: workers in this process. vllm means the same here, for existing commands. zmq: workers on several nodes."
    )
    static let engineVersion = ConfigKey(
        "engine_version",
        .choice(["sync", "async"]),
        withoutEffect: "has no effect: there is one engine",
        "AMD's choice of engine."
    )
    static let port = ConfigKey(
        "port",
        .integer(1...65534),
        withoutEffect: notYet,
        "Port of the head for workers; the next one is used as well."
    )
    static let nodeId = ConfigKey("node_id", .text, withoutEffect: notYet, "Name of this worker's node.")
    static let headnodeAddress = ConfigKey(
        "headnode_address",
        .text,
        withoutEffect: notYet,
        "Address of the head, as host:port."
    )

    // The harness.
    static let modelPath = ConfigKey(
        "harness_config.model_path",
        .path,
        aliases: ["model", "vllm_engine_config.model"],
        "Folder of the checkpoint."
    )
    static let datasetPath = ConfigKey(
        "harness_config.dataset_path",
        .path,
        aliases: ["dataset"],
        "File or folder of the data set."
    )
    static let accuracyDatasetPath = ConfigKey(
        "harness_config.accuracy_dataset_path",
        .path,
        "Data set of accuracy runs, where it is another one."
    )
    static let outputLogDir = ConfigKey(
        "harness_config.output_log_dir",
        .path,
        aliases: ["output"],
        "Folder for the log files; made if absent."
    )
    static let resultsDir = ConfigKey(
        "harness_config.results_dir",
        .path,
        "Where runs go that name no output folder: RESULTS/SYSTEM/BENCHMARK/SCENARIO/performance/run_1 (the next free number) "
            + "or .../accuracy (an earlier one is moved to accuracy.1). Default: results."
    )
    static let systemName = ConfigKey(
        "harness_config.system_name",
        .text,
        aliases: ["system_name"],
        "Name of the system, under which results are filed. Default: the machine's name."
    )
    static let auditConf = ConfigKey(
        "harness_config.audit_conf_path",
        .path,
        aliases: ["audit_conf"],
        "A compliance test's audit.config. Default: audit.config in the working directory, where there is one, as the official "
            + "LoadGen does."
    )
    static let auditTest = ConfigKey(
        "harness_config.audit_test",
        .text,
        "The compliance test that the run belongs to, for its record. Default: the folder of the audit.config, as in "
            + "TEST06/audit.config."
    )
    static let userConf = ConfigKey(
        "harness_config.user_conf_path",
        .path,
        aliases: ["user_conf"],
        "MLPerf's user.conf."
    )
    static let mlperfConf = ConfigKey(
        "harness_config.mlperf_conf_path",
        .path,
        aliases: ["mlperf_conf"],
        "An mlperf.conf in place of the built-in rules of the round."
    )
    static let targetQps = ConfigKey(
        "harness_config.target_qps",
        .number(0...1e9),
        minusOneUnsets: true,
        "Expected samples per second (Offline) or queries per second (Server), over that of the user.conf; 0 or -1: not set."
    )
    static let durationSec = ConfigKey(
        "harness_config.duration_sec",
        .number(seconds),
        minusOneUnsets: true,
        "Least and greatest duration in seconds, over those of the conf files; -1: not set."
    )
    static let totalSampleCount = ConfigKey(
        "harness_config.total_sample_count",
        .integer(counts),
        minusOneUnsets: true,
        "Takes the first so many samples of the data set, and issues so many; -1 or the size of the data set: all."
    )
    static let accuracySampleCount = ConfigKey(
        "harness_config.accuracy_sample_count",
        .integer(counts),
        minusOneUnsets: true,
        "The same for accuracy runs; 0 or -1: not set."
    )
    static let minQueryCount = ConfigKey(
        "harness_config.min_query_count",
        .integer(counts),
        minusOneUnsets: true,
        "Least number of queries (Offline: samples), over that of the conf files; -1: not set."
    )
    static let maxQueryCount = ConfigKey(
        "harness_config.max_query_count",
        .integer(counts),
        minusOneUnsets: true,
        "Greatest number of queries, over that of the conf files; 0: no limit; -1: not set."
    )
    static let enableWarmup = ConfigKey(
        "harness_config.enable_warmup",
        .boolean,
        "Warms up with synthetic data before the clock starts. Default: true."
    )
    static let deviceCount = ConfigKey(
        "harness_config.device_count",
        .integer(1...65536),
        "Number of devices. Default: as many as the setting device names, or 1."
    )
    static let devicesPerInstance = ConfigKey(
        "harness_config.devices_per_instance",
        .integer(1...1024),
        aliases: ["harness_config.tensor_parallelism", "vllm_engine_config.tensor_parallel_size"],
        "Devices in the group that one instance of the plugin drives. Default: 1."
    )
    static let dataParallelSize = ConfigKey(
        "harness_config.data_parallel_size",
        .integer(1...65536),
        aliases: ["harness_config.data_parallelism"],
        "Number of instances: device_count divided by devices_per_instance. Give this or device_count."
    )
    static let watchdogSec = ConfigKey(
        "harness_config.watchdog_sec",
        .number(seconds),
        aliases: ["watchdog"],
        "Seconds without any progress after which a run is ended as INVALID; 0: never. Default: 600."
    )
    static let callTimeoutSec = ConfigKey(
        "harness_config.call_timeout_sec",
        .number(0.1...1e6),
        "Seconds after which a call of the plugin that should be short (create, start, stop, destroy) counts as hung. "
            + "Default: 60; for `host conform` 10."
    )
    static let prepareTimeoutSec = ConfigKey(
        "harness_config.prepare_timeout_sec",
        .number(0.1...1e6),
        "Seconds after which a call that loads, warms up or scores counts as hung. Default: 3600; for `host conform` 120."
    )
    static let seedless = ConfigKey(
        "harness_config.seedless",
        .boolean,
        "Leaves all seeds at 0 instead of the round's, as LoadGen without mlperf.conf; never for a submission. Default: false."
    )

    static let lenient = ConfigKey(
        "harness_config.lenient",
        .boolean,
        aliases: ["lenient"],
        "Reads conf files by what they seem to say and takes the end by an upper limit for no error; see docs/loadgen.md. "
            + "Never for a submission. Default: false."
    )
    static let replay = ConfigKey(
        "replay",
        .path,
        "Folder of an earlier run, whose queries are issued again: same samples, same times. Its run.json gives the settings "
            + "that are not given here."
    )

    // Habits of AMD's harness; those marked so have no effect so far.
    static let enableLogTrace = ConfigKey(
        "harness_config.enable_log_trace",
        .boolean,
        "Writes mlperf_log_trace.json, with the times of each sample for Chrome's trace viewer. Default: false."
    )
    static let scheduleAlgo = ConfigKey(
        "harness_config.schedule_algo",
        .choice(["round_robin", "shortest_queue", "shortest_queue_with_tokens"]),
        "How samples are shared among instances: in turn, to the one with the fewest samples under way, or with the tokens of "
            + "their prompts counted as well. Default: shortest_queue."
    )
    static let loadBalanceTokenWeight = ConfigKey(
        "harness_config.load_balance_token_weight",
        .number(0...1e9),
        "What one token counts in shortest_queue_with_tokens, where a sample under way counts 1. Default: 0.02."
    )
    static let loadBalanceWindowSize = ConfigKey(
        "harness_config.load_balance_window_size",
        .integer(0...1_000_000),
        "Whose tokens count there: those of the last so many samples that an instance was given, as in AMD's harness, whose "
            + "window is 10; 0: those of its samples under way. Default: 0."
    )
    static let sortingStrategy = ConfigKey(
        "harness_config.sorting.strategy",
        .text,
        withoutEffect: notYet,
        "Order in which Offline hands out samples."
    )
    static let sortingBuckets = ConfigKey(
        "harness_config.sorting.buckets",
        .numbers,
        withoutEffect: notYet,
        "Share of each device in per cent."
    )
    static let resourceManifest = ConfigKey(
        "harness_config.resource_manifest",
        .path,
        aliases: ["resource_manifest"],
        "Manifest of sizes and hashes (`host manifest` writes one) with which model and data set are compared before the run; a "
            + "run that differs is not for a submission."
    )
    static let resourceCheckerAborts = ConfigKey(
        "harness_config.resource_checker_abort_on_failure",
        .boolean,
        "Whether a model or data set that differs from the manifest ends the run. Default: false."
    )
    static let resourceCache = ConfigKey(
        "harness_config.resource_cache",
        .path,
        "File that keeps the hashes of files that have not changed since. Default: ~/.cache/podium/hashes.json."
    )
    static let debugDumpModelOutput = ConfigKey(
        "harness_config.debug_dump_model_output",
        .boolean,
        "Writes every result to a file, as text where the workload has a tokenizer; such a run is not for a submission. "
            + "Default: false."
    )
    static let debugModelOutputPath = ConfigKey(
        "harness_config.debug_model_output_path",
        .path,
        "That file, one JSON object a line. Default: model_output.jsonl in the run's folder."
    )
    static let debugRecordSampleLatencies = ConfigKey(
        "harness_config.debug_record_sample_latencies",
        .boolean,
        "Writes the latency of every sample of a performance run to a file. Default: false."
    )
    static let debugLatencyOutputPath = ConfigKey(
        "harness_config.debug_latency_output_path",
        .path,
        "That file, comma-separated values. Default: samples_latency_data.csv in the run's folder."
    )
    static let debugPrintFinished = ConfigKey(
        "harness_config.debug_print_finished",
        .boolean,
        "Prints how many samples have finished, up to ten times a second. Default: false."
    )
    static let debugDatasetSamplingSize = ConfigKey(
        "harness_config.debug_dataset_sampling_size",
        .integer(counts),
        "Draws a data set of so many samples with the same distribution of prompt lengths, for performance runs that are not for "
            + "a submission; 0: all. Default: 0."
    )
    static let debugDatasetSamplingNumBins = ConfigKey(
        "harness_config.debug_dataset_sampling_num_bins",
        .integer(1...100_000),
        "Bins of lengths of that draw. Default: 10."
    )
    static let debugDatasetSamplingRandomSeed = ConfigKey(
        "harness_config.debug_dataset_sampling_random_seed",
        .integer(counts),
        "Seed of that draw. Default: 42."
    )

    /// Every key of the host.
    ///
    /// Keys of the workload, `model_config.*`, are declared by the plugin.
    public static let all: [ConfigKey] = [
        configPath, configName, plugin, workload, benchmark, scenario, mode, round, loadgen, overrideSeeds, role,
        isolate,
        device, threads, backend,
        engineVersion, port, nodeId, headnodeAddress, modelPath, datasetPath, accuracyDatasetPath, outputLogDir,
        resultsDir, systemName, auditConf, auditTest,
        userConf,
        mlperfConf, targetQps, durationSec, totalSampleCount, accuracySampleCount, minQueryCount, maxQueryCount,
        enableWarmup, deviceCount, devicesPerInstance, dataParallelSize, watchdogSec, callTimeoutSec, prepareTimeoutSec,
        seedless, lenient, replay, enableLogTrace,
        scheduleAlgo, loadBalanceTokenWeight, loadBalanceWindowSize, sortingStrategy, sortingBuckets,
        resourceManifest, resourceCheckerAborts, resourceCache, debugDumpModelOutput, debugModelOutputPath,
        debugRecordSampleLatencies,
        debugLatencyOutputPath, debugPrintFinished, debugDatasetSamplingSize, debugDatasetSamplingNumBins,
        debugDatasetSamplingRandomSeed,
    ]

    /// The group whose keys belong to the workload.
    public static let workloadGroup = "model_config"

    /// Keys of vLLM in AMD's commands that mean an option of the workload.
    static let workloadAliases: [String: String] = [
        "vllm_sampling_config.max_tokens": "model_config.max_new_tokens",
        "vllm_sampling_config.min_tokens": "model_config.min_new_tokens",
        "vllm_engine_config.max_num_seqs": "model_config.max_batch",
        "vllm_engine_config.max_num_batched_tokens": "model_config.prefill_chunk",
        "vllm_engine_config.block_size": "model_config.page_size",
    ]

    /// Groups of AMD's files that configure vLLM or SGLang, engines that are not used here.
    static let foreignGroups: Set<String> = [
        "vllm_engine_config", "vllm_sampling_config", "vllm_env_config", "sglang_engine_config",
        "sglang_sampling_config",
        "sglang_env_config", "env_config", "llm_config", "sampling_params",
    ]

    /// Keys by name and alias.
    static let byName: [String: ConfigKey] = Dictionary(
        all.flatMap { key in ([key.name] + key.aliases).map { ($0, key) } },
        uniquingKeysWith: { first, _ in first }
    )
}
