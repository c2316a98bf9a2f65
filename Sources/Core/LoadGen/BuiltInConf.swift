/// MLPerf's own rules per benchmark, which the official LoadGen carries as a compiled-in `mlperf.conf`.
///
/// Facts from `loadgen/mlperf.conf` of mlcommons/inference as of LoadGen 6.0.17; rounds v6.0 and v6.1 differ in the seeds alone.
struct BuiltInConf {
    /// What MLPerf fixes for one benchmark; latencies in milliseconds.
    private struct Benchmark {
        var model: String
        var loaded: UInt64?
        var accuracy: UInt64?
        var offline: UInt64?
        var equalIssue = false
        var tokens: Bool?
        var server: UInt64?
        var ttft: UInt64?
        var tpot: UInt64?
        var others: [(scenario: String, key: String, value: String)] = []
    }

    private static let benchmarks: [Benchmark] = [
        Benchmark(model: "resnet50", loaded: 1024, offline: 24576, server: 15),
        Benchmark(model: "ssd-mobilenet", loaded: 256),
        Benchmark(
            model: "retinanet",
            loaded: 64,
            offline: 24576,
            server: 100,
            others: [("MultiStream", "target_latency", "528")]
        ),
        Benchmark(model: "bert", loaded: 10833, offline: 10833, server: 130),
        Benchmark(model: "dlrm", loaded: 204_800, server: 60),
        Benchmark(model: "dlrm-v2", loaded: 204_800, offline: 24576, server: 60),
        Benchmark(model: "dlrm-v3", server: 80),
        Benchmark(model: "rnnt", loaded: 2513, offline: 2513, server: 1000),
        Benchmark(
            model: "gptj",
            loaded: 13368,
            offline: 13368,
            equalIssue: true,
            server: 20000,
            others: [("*", "infer_token_latencies", "1"), ("*", "token_latency_scaling_factor", "69")]
        ),
        Benchmark(
            model: "mixtral-8x7b",
            loaded: 15000,
            offline: 15000,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 2000,
            tpot: 200
        ),
        Benchmark(
            model: "llama2-70b",
            loaded: 24576,
            offline: 24576,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 2000,
            tpot: 200
        ),
        Benchmark(
            model: "llama2-70b-interactive",
            loaded: 24576,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 450,
            tpot: 40
        ),
        Benchmark(
            model: "llama3_1-405b",
            loaded: 8313,
            offline: 8313,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 6000,
            tpot: 175
        ),
        Benchmark(
            model: "llama3_1-405b-interactive",
            loaded: 8313,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 4500,
            tpot: 80
        ),
        Benchmark(
            model: "llama3_1-8b",
            loaded: 13368,
            offline: 13368,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 2000,
            tpot: 100
        ),
        Benchmark(model: "llama3_1-8b-edge", loaded: 5000, offline: 5000, equalIssue: true, tokens: true),
        Benchmark(
            model: "llama3_1-8b-interactive",
            loaded: 13368,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 500,
            tpot: 30
        ),
        Benchmark(model: "stable-diffusion-xl", loaded: 5000, offline: 5000, server: 20000),
        Benchmark(model: "wan-2.2-t2v-a14b", loaded: 248, offline: 248),
        Benchmark(model: "rgat", loaded: 788_379, offline: 788_379, equalIssue: true),
        Benchmark(
            model: "pointpainting",
            loaded: 1024,
            others: [("SingleStream", "target_latency_percentile", "99.9")]
        ),
        Benchmark(
            model: "deepseek-r1",
            loaded: 4388,
            offline: 4388,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 2000,
            tpot: 80
        ),
        Benchmark(
            model: "deepseek-r1-interactive",
            loaded: 4388,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 1500,
            tpot: 15
        ),
        Benchmark(model: "whisper", loaded: 1633, offline: 1633, equalIssue: true, tokens: true),
        Benchmark(
            model: "qwen3-vl-235b-a22b",
            loaded: 48289,
            offline: 48289,
            equalIssue: true,
            tokens: false,
            server: 12000
        ),
        Benchmark(model: "yolo", loaded: 64),
        Benchmark(model: "3d-unet", loaded: 0, offline: 43, equalIssue: true),
        Benchmark(
            model: "gpt-oss-120b",
            loaded: 6396,
            accuracy: 4395,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 3000,
            tpot: 80
        ),
        Benchmark(
            model: "gpt-oss-120b-interactive",
            loaded: 6396,
            accuracy: 4395,
            equalIssue: true,
            tokens: true,
            server: 0,
            ttft: 2000,
            tpot: 15
        ),
    ]

    /// What holds for every benchmark, as scenario, key and value.
    private static let general: [(scenario: String, key: String, value: String)] = [
        ("*", "test05_qsl_rng_seed", "7975553102935885558"),
        ("*", "test05_sample_index_rng_seed", "11403566307062068064"),
        ("*", "test05_schedule_rng_seed", "15816800565822761601"),
        ("SingleStream", "target_latency", "10"),
        ("SingleStream", "target_latency_percentile", "90"),
        ("SingleStream", "min_duration", "600000"),
        ("MultiStream", "target_latency", "80"),
        ("MultiStream", "target_latency_percentile", "99"),
        ("MultiStream", "samples_per_query", "8"),
        ("MultiStream", "min_duration", "600000"),
        ("MultiStream", "min_query_count", "662"),
        ("Server", "target_qps", "1.0"),
        ("Server", "target_latency", "10"),
        ("Server", "target_latency_percentile", "99"),
        ("Server", "min_duration", "600000"),
        ("Offline", "target_qps", "1.0"),
        ("Offline", "target_latency_percentile", "90"),
        ("Offline", "min_duration", "600000"),
    ]

    /// The rules of a round as configuration values.
    static func values(round: MLPerfRound) -> ConfValues {
        var conf = ConfValues()
        for rule in general {
            conf.set("*.\(rule.scenario).\(rule.key)", rule.value)
        }
        conf.set("*.*.qsl_rng_seed", "\(round.qslRngSeed)")
        conf.set("*.*.sample_index_rng_seed", "\(round.sampleIndexRngSeed)")
        conf.set("*.*.schedule_rng_seed", "\(round.scheduleRngSeed)")
        for benchmark in benchmarks {
            func set(_ scenario: String, _ key: String, _ value: UInt64?) {
                guard let value else { return }
                conf.set("\(benchmark.model).\(scenario).\(key)", "\(value)")
            }
            set("*", "performance_sample_count_override", benchmark.loaded)
            set("*", "accuracy_sample_count_override", benchmark.accuracy)
            set("*", "sample_concatenate_permutation", benchmark.equalIssue ? 1 : nil)
            set("*", "use_token_latencies", benchmark.tokens.map { $0 ? 1 : 0 })
            set("Server", "target_latency", benchmark.server)
            set("Server", "ttft_latency", benchmark.ttft)
            set("Server", "tpot_latency", benchmark.tpot)
            set("Offline", "min_query_count", benchmark.offline)
            for other in benchmark.others {
                conf.set("\(benchmark.model).\(other.scenario).\(other.key)", other.value)
            }
        }
        return conf
    }

    /// The benchmarks that have rules, sorted.
    static var models: [String] {
        benchmarks.map(\.model).sorted()
    }
}
