import COfficialLoadGen

extension Scenario {
    private static let officialOrder: [Scenario] = [.singleStream, .multiStream, .server, .offline]

    /// `TestScenario` of the official library.
    var official: Int32 { Int32(Self.officialOrder.firstIndex(of: self) ?? 0) }

    init(official: Int32) {
        self = Self.officialOrder.indices.contains(Int(official)) ? Self.officialOrder[Int(official)] : .singleStream
    }
}

extension TestMode {
    private static let officialOrder: [TestMode] = [
        .submissionRun, .accuracyOnly, .performanceOnly, .findPeakPerformance,
    ]

    /// `TestMode` of the official library.
    var official: Int32 { Int32(Self.officialOrder.firstIndex(of: self) ?? 0) }

    init(official: Int32) {
        self = Self.officialOrder.indices.contains(Int(official)) ? Self.officialOrder[Int(official)] : .performanceOnly
    }
}

extension TestSettings {
    private struct Fields: @unchecked Sendable {
        // Unchecked because key paths of literals hold nothing that could change.
        let integers: [(WritableKeyPath<TestSettings, UInt64>, WritableKeyPath<olg_settings, UInt64>)] = [
            (\.multiStreamSamplesPerQuery, \.multi_stream_samples_per_query),
            (\.serverTargetLatencyNs, \.server_target_latency_ns),
            (\.serverMaxAsyncQueries, \.server_max_async_queries),
            (\.serverNumIssueQueryThreads, \.server_num_issue_query_threads),
            (\.minDurationMs, \.min_duration_ms),
            (\.maxDurationMs, \.max_duration_ms),
            (\.minQueryCount, \.min_query_count),
            (\.maxQueryCount, \.max_query_count),
            (\.qslRngSeed, \.qsl_rng_seed),
            (\.sampleIndexRngSeed, \.sample_index_rng_seed),
            (\.scheduleRngSeed, \.schedule_rng_seed),
            (\.accuracyLogRngSeed, \.accuracy_log_rng_seed),
            (\.accuracyLogSamplingTarget, \.accuracy_log_sampling_target),
            (\.test05QslRngSeed, \.test05_qsl_rng_seed),
            (\.test05SampleIndexRngSeed, \.test05_sample_index_rng_seed),
            (\.test05ScheduleRngSeed, \.test05_schedule_rng_seed),
            (\.performanceIssueSameIndex, \.performance_issue_same_index),
            (\.performanceSampleCountOverride, \.performance_sample_count_override),
            (\.accuracySampleCountOverride, \.accuracy_sample_count_override),
            (\.serverTtftLatency, \.server_ttft_latency),
            (\.serverTpotLatency, \.server_tpot_latency),
            (\.tokenLatencyScalingFactor, \.token_latency_scaling_factor),
        ]
        let numbers: [(WritableKeyPath<TestSettings, Double>, WritableKeyPath<olg_settings, Double>)] = [
            (\.singleStreamExpectedLatencyNs, \.single_stream_expected_latency_ns),
            (\.singleStreamTargetLatencyPercentile, \.single_stream_target_latency_percentile),
            (\.multiStreamExpectedLatencyNs, \.multi_stream_expected_latency_ns),
            (\.multiStreamTargetLatencyPercentile, \.multi_stream_target_latency_percentile),
            (\.serverTargetQps, \.server_target_qps),
            (\.serverTargetLatencyPercentile, \.server_target_latency_percentile),
            (\.serverFindPeakQpsBoundaryStepSize, \.server_find_peak_qps_boundary_step_size),
            (\.offlineExpectedQps, \.offline_expected_qps),
            (\.accuracyLogProbability, \.accuracy_log_probability),
        ]
        let flags: [(WritableKeyPath<TestSettings, Bool>, WritableKeyPath<olg_settings, UInt8>)] = [
            (\.serverCoalesceQueries, \.server_coalesce_queries),
            (\.sampleConcatenatePermutation, \.sample_concatenate_permutation),
            (\.test05, \.test05),
            (\.printTimestamps, \.print_timestamps),
            (\.performanceIssueUnique, \.performance_issue_unique),
            (\.performanceIssueSame, \.performance_issue_same),
            (\.useTokenLatencies, \.use_token_latencies),
            (\.inferTokenLatencies, \.infer_token_latencies),
        ]
    }

    private static let fields = Fields()

    /// What the official library holds.
    init(_ plain: olg_settings) {
        self.init()
        scenario = Scenario(official: plain.scenario)
        mode = TestMode(official: plain.mode)
        serverFindPeakQpsDecimalsOfPrecision = UInt64(clamping: plain.server_find_peak_qps_decimals_of_precision)
        for (ours, theirs) in Self.fields.integers { self[keyPath: ours] = plain[keyPath: theirs] }
        for (ours, theirs) in Self.fields.numbers { self[keyPath: ours] = plain[keyPath: theirs] }
        for (ours, theirs) in Self.fields.flags { self[keyPath: ours] = plain[keyPath: theirs] != 0 }
    }

    /// Writes every field into the official library's settings.
    func fill(_ plain: inout olg_settings) {
        plain.scenario = scenario.official
        plain.mode = mode.official
        plain.server_find_peak_qps_decimals_of_precision = Int32(clamping: serverFindPeakQpsDecimalsOfPrecision)
        for (ours, theirs) in Self.fields.integers { plain[keyPath: theirs] = self[keyPath: ours] }
        for (ours, theirs) in Self.fields.numbers { plain[keyPath: theirs] = self[keyPath: ours] }
        for (ours, theirs) in Self.fields.flags { plain[keyPath: theirs] = self[keyPath: ours] ? 1 : 0 }
    }
}
