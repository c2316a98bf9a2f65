@testable import Core
import JSON
import Testing

/// Settings by the names that the golden files use.
enum GoldenSettings {
    static func read(_ field: JSONField) throws -> TestSettings {
        var settings = TestSettings()
        settings.scenario = try #require(Scenario(rawValue: try field["scenario"].string()))
        settings.mode = try #require(TestMode(rawValue: try field["mode"].string()))
        for (name, path) in doubles {
            settings[keyPath: path] = try field[name].double()
        }
        for (name, path) in integers {
            settings[keyPath: path] = try field[name].uint64()
        }
        for (name, path) in flags {
            settings[keyPath: path] = try field[name].bool()
        }
        return settings
    }

    /// Names of the fields in which two settings differ.
    static func differences(_ left: TestSettings, _ right: TestSettings) -> [String] {
        var names: [String] = []
        if left.scenario != right.scenario { names.append("scenario") }
        if left.mode != right.mode { names.append("mode") }
        for (name, path) in doubles where left[keyPath: path] != right[keyPath: path] {
            names.append("\(name): \(left[keyPath: path]) not \(right[keyPath: path])")
        }
        for (name, path) in integers where left[keyPath: path] != right[keyPath: path] {
            names.append("\(name): \(left[keyPath: path]) not \(right[keyPath: path])")
        }
        for (name, path) in flags where left[keyPath: path] != right[keyPath: path] {
            names.append("\(name): \(left[keyPath: path]) not \(right[keyPath: path])")
        }
        return names
    }

    private typealias Doubles = [(String, WritableKeyPath<TestSettings, Double>)]
    private typealias Integers = [(String, WritableKeyPath<TestSettings, UInt64>)]
    private typealias Flags = [(String, WritableKeyPath<TestSettings, Bool>)]

    private static var doubles: Doubles {
        [
            ("single_stream_expected_latency_ns", \.singleStreamExpectedLatencyNs),
            ("single_stream_target_latency_percentile", \.singleStreamTargetLatencyPercentile),
            ("multi_stream_expected_latency_ns", \.multiStreamExpectedLatencyNs),
            ("multi_stream_target_latency_percentile", \.multiStreamTargetLatencyPercentile),
            ("server_target_qps", \.serverTargetQps),
            ("server_target_latency_percentile", \.serverTargetLatencyPercentile),
            ("offline_expected_qps", \.offlineExpectedQps),
            ("accuracy_log_probability", \.accuracyLogProbability),
        ]
    }

    private static var integers: Integers {
        [
            ("multi_stream_samples_per_query", \.multiStreamSamplesPerQuery),
            ("server_target_latency_ns", \.serverTargetLatencyNs),
            ("server_max_async_queries", \.serverMaxAsyncQueries),
            ("server_num_issue_query_threads", \.serverNumIssueQueryThreads),
            ("min_duration_ms", \.minDurationMs),
            ("max_duration_ms", \.maxDurationMs),
            ("min_query_count", \.minQueryCount),
            ("max_query_count", \.maxQueryCount),
            ("qsl_rng_seed", \.qslRngSeed),
            ("sample_index_rng_seed", \.sampleIndexRngSeed),
            ("schedule_rng_seed", \.scheduleRngSeed),
            ("accuracy_log_rng_seed", \.accuracyLogRngSeed),
            ("accuracy_log_sampling_target", \.accuracyLogSamplingTarget),
            ("test05_qsl_rng_seed", \.test05QslRngSeed),
            ("test05_sample_index_rng_seed", \.test05SampleIndexRngSeed),
            ("test05_schedule_rng_seed", \.test05ScheduleRngSeed),
            ("performance_issue_same_index", \.performanceIssueSameIndex),
            ("performance_sample_count_override", \.performanceSampleCountOverride),
            ("accuracy_sample_count_override", \.accuracySampleCountOverride),
            ("server_ttft_latency", \.serverTtftLatency),
            ("server_tpot_latency", \.serverTpotLatency),
            ("token_latency_scaling_factor", \.tokenLatencyScalingFactor),
        ]
    }

    private static var flags: Flags {
        [
            ("server_coalesce_queries", \.serverCoalesceQueries),
            ("sample_concatenate_permutation", \.sampleConcatenatePermutation),
            ("test05", \.test05),
            ("print_timestamps", \.printTimestamps),
            ("performance_issue_unique", \.performanceIssueUnique),
            ("performance_issue_same", \.performanceIssueSame),
            ("use_token_latencies", \.useTokenLatencies),
            ("infer_token_latencies", \.inferTokenLatencies),
        ]
    }
}
