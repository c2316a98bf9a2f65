/// The settings by the names that the official LoadGen's sources, logs and recordings give them.
extension TestSettings {
    /// Where the value of a name lies.
    enum Field {
        case real(WritableKeyPath<TestSettings, Double>)
        case count(WritableKeyPath<TestSettings, UInt64>)
        case flag(WritableKeyPath<TestSettings, Bool>)
    }

    /// All settings but scenario and mode, in the order of the official structure.
    static var namedFields: [(name: String, field: Field)] {
        [
            ("single_stream_expected_latency_ns", .real(\.singleStreamExpectedLatencyNs)),
            ("single_stream_target_latency_percentile", .real(\.singleStreamTargetLatencyPercentile)),
            ("multi_stream_expected_latency_ns", .real(\.multiStreamExpectedLatencyNs)),
            ("multi_stream_target_latency_percentile", .real(\.multiStreamTargetLatencyPercentile)),
            ("multi_stream_samples_per_query", .count(\.multiStreamSamplesPerQuery)),
            ("server_target_qps", .real(\.serverTargetQps)),
            ("server_target_latency_ns", .count(\.serverTargetLatencyNs)),
            ("server_target_latency_percentile", .real(\.serverTargetLatencyPercentile)),
            ("server_coalesce_queries", .flag(\.serverCoalesceQueries)),
            ("server_find_peak_qps_decimals_of_precision", .count(\.serverFindPeakQpsDecimalsOfPrecision)),
            ("server_find_peak_qps_boundary_step_size", .real(\.serverFindPeakQpsBoundaryStepSize)),
            ("server_max_async_queries", .count(\.serverMaxAsyncQueries)),
            ("server_num_issue_query_threads", .count(\.serverNumIssueQueryThreads)),
            ("offline_expected_qps", .real(\.offlineExpectedQps)),
            ("sample_concatenate_permutation", .flag(\.sampleConcatenatePermutation)),
            ("min_duration_ms", .count(\.minDurationMs)),
            ("max_duration_ms", .count(\.maxDurationMs)),
            ("min_query_count", .count(\.minQueryCount)),
            ("max_query_count", .count(\.maxQueryCount)),
            ("qsl_rng_seed", .count(\.qslRngSeed)),
            ("sample_index_rng_seed", .count(\.sampleIndexRngSeed)),
            ("schedule_rng_seed", .count(\.scheduleRngSeed)),
            ("accuracy_log_rng_seed", .count(\.accuracyLogRngSeed)),
            ("accuracy_log_probability", .real(\.accuracyLogProbability)),
            ("accuracy_log_sampling_target", .count(\.accuracyLogSamplingTarget)),
            ("test05", .flag(\.test05)),
            ("test05_qsl_rng_seed", .count(\.test05QslRngSeed)),
            ("test05_sample_index_rng_seed", .count(\.test05SampleIndexRngSeed)),
            ("test05_schedule_rng_seed", .count(\.test05ScheduleRngSeed)),
            ("print_timestamps", .flag(\.printTimestamps)),
            ("performance_issue_unique", .flag(\.performanceIssueUnique)),
            ("performance_issue_same", .flag(\.performanceIssueSame)),
            ("performance_issue_same_index", .count(\.performanceIssueSameIndex)),
            ("performance_sample_count_override", .count(\.performanceSampleCountOverride)),
            ("accuracy_sample_count_override", .count(\.accuracySampleCountOverride)),
            ("use_token_latencies", .flag(\.useTokenLatencies)),
            ("server_ttft_latency", .count(\.serverTtftLatency)),
            ("server_tpot_latency", .count(\.serverTpotLatency)),
            ("infer_token_latencies", .flag(\.inferTokenLatencies)),
            ("token_latency_scaling_factor", .count(\.tokenLatencyScalingFactor)),
        ]
    }
}
