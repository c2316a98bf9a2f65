extension EffectiveSettings {
    typealias Entries = [(key: String, value: LogValue)]

    /// The `requested_…` entries of the detail log.
    func requestedEntries() -> Entries {
        let asked = requested
        var entries: Entries = [
            ("scenario", .text(asked.scenario.rawValue)),
            ("test_mode", .text(asked.mode.rawValue)),
        ]
        switch asked.scenario {
        case .singleStream:
            entries.append(("single_stream_expected_latency_ns", .real(asked.singleStreamExpectedLatencyNs)))
            entries.append(
                ("single_stream_target_latency_percentile", .real(asked.singleStreamTargetLatencyPercentile))
            )
        case .multiStream:
            entries.append(("multi_stream_expected_latency_ns", .real(asked.multiStreamExpectedLatencyNs)))
            entries.append(("multi_stream_target_latency_percentile", .real(asked.multiStreamTargetLatencyPercentile)))
            entries.append(("multi_stream_samples_per_query", .count(asked.multiStreamSamplesPerQuery)))
        case .server:
            entries.append(("server_target_qps", .real(asked.serverTargetQps)))
            entries.append(("server_target_latency_ns", .count(asked.serverTargetLatencyNs)))
            entries.append(("server_target_latency_percentile", .real(asked.serverTargetLatencyPercentile)))
            entries.append(("server_coalesce_queries", .flag(asked.serverCoalesceQueries)))
            entries.append(
                (
                    "server_find_peak_qps_decimals_of_precision",
                    .count(asked.serverFindPeakQpsDecimalsOfPrecision)
                )
            )
            entries.append(
                ("server_find_peak_qps_boundary_step_size", .real(asked.serverFindPeakQpsBoundaryStepSize))
            )
            entries.append(("server_max_async_queries", .count(asked.serverMaxAsyncQueries)))
            entries.append(("server_num_issue_query_threads", .count(asked.serverNumIssueQueryThreads)))
        case .offline:
            entries.append(("offline_expected_qps", .real(asked.offlineExpectedQps)))
        }
        entries.append(("min_duration_ms", .count(asked.minDurationMs)))
        entries.append(("max_duration_ms", .count(asked.maxDurationMs)))
        entries.append(("min_query_count", .count(asked.minQueryCount)))
        entries.append(("max_query_count", .count(asked.maxQueryCount)))
        entries += commonEntries()
        entries.append(("performance_sample_count_override", .count(asked.performanceSampleCountOverride)))
        entries.append(("accuracy_sample_count_override", .count(asked.accuracySampleCountOverride)))
        entries.append(("sample_concatenate_permutation", .flag(asked.sampleConcatenatePermutation)))
        if asked.useTokenLatencies {
            entries.append(("use_token_latencies", .flag(true)))
            if asked.scenario != .offline {
                entries.append(("server_ttft_latency", .count(asked.serverTtftLatency)))
                entries.append(("server_tpot_latency", .count(asked.serverTpotLatency)))
            }
        }
        return entries.map { (key: "requested_" + $0.key, value: $0.value) }
    }

    /// The `effective_…` entries of the detail log.
    func effectiveEntries() -> Entries {
        var entries: Entries = [
            ("scenario", .text(scenario.rawValue)),
            ("test_mode", .text(mode.rawValue)),
            ("samples_per_query", .count(samplesPerQuery)),
            ("target_qps", .real(targetQps)),
            ("target_latency_ns", .count(targetLatencyNs)),
            ("target_latency_percentile", .real(targetLatencyPercentile)),
            ("max_async_queries", .count(maxAsyncQueries)),
            ("target_duration_ms", .integer(targetDurationNs / 1_000_000)),
            ("min_duration_ms", .integer(minDurationNs / 1_000_000)),
            ("max_duration_ms", .integer(maxDurationNs / 1_000_000)),
            ("min_query_count", .count(minQueryCount)),
            ("max_query_count", .count(requested.maxQueryCount)),
            ("min_sample_count", .count(minSampleCount)),
        ]
        entries += commonEntries()
        entries.append(("performance_sample_count", .count(performanceSampleCount)))
        entries.append(("accuracy_sample_count", .count(accuracySampleCount)))
        entries.append(("sample_concatenate_permutation", .flag(requested.sampleConcatenatePermutation)))
        return entries.map { (key: "effective_" + $0.key, value: $0.value) }
    }

    private func commonEntries() -> Entries {
        [
            ("qsl_rng_seed", .count(requested.qslRngSeed)),
            ("sample_index_rng_seed", .count(requested.sampleIndexRngSeed)),
            ("schedule_rng_seed", .count(requested.scheduleRngSeed)),
            ("accuracy_log_rng_seed", .count(requested.accuracyLogRngSeed)),
            ("accuracy_log_probability", .real(requested.accuracyLogProbability)),
            ("accuracy_log_sampling_target", .count(requested.accuracyLogSamplingTarget)),
            ("print_timestamps", .flag(requested.printTimestamps)),
            ("performance_issue_unique", .flag(requested.performanceIssueUnique)),
            ("performance_issue_same", .flag(requested.performanceIssueSame)),
            ("performance_issue_same_index", .count(requested.performanceIssueSameIndex)),
        ]
    }
}
