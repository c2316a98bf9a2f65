extension PerformanceSummary {
    /// The `result_…` entries of the detail log, without `num_errors`.
    func detailEntries() -> [(key: String, value: LogValue)] {
        var entries: [(key: String, value: LogValue)] = []
        addVerdict(to: &entries)
        addScenario(to: &entries)
        entries.append(("result_min_latency_ns", .integer(samples.min)))
        entries.append(("result_max_latency_ns", .integer(samples.max)))
        entries.append(("result_mean_latency_ns", .integer(samples.mean)))
        add(samples, "result_", "_percentile_latency_ns", to: &entries)
        if settings.requested.useTokenLatencies {
            addTokens(to: &entries)
        }
        if settings.requested.inferTokenLatencies {
            addInferred(to: &entries)
        }
        return entries
    }

    private typealias Entries = [(key: String, value: LogValue)]

    private func add(_ latencies: LatencyDistribution, _ prefix: String, _ suffix: String, to entries: inout Entries) {
        for share in LatencyDistribution.reportedPercentiles {
            let key = prefix + DefaultNumberFormat.fixed(share * 100) + suffix
            entries.append((key, .integer(latencies.at(share))))
        }
    }

    private func addVerdict(to entries: inout Entries) {
        entries.append(("result_validity", .text(validity.isValid ? "VALID" : "INVALID")))
        if settings.scenario == .server {
            entries.append(("result_perf_constraints_met", .flag(validity.performanceConstraintsMet)))
        }
        entries.append(("result_min_duration_met", .flag(validity.minDurationMet)))
        entries.append(("result_min_queries_met", .flag(validity.minQueriesMet)))
        entries.append(("early_stopping_met", .flag(validity.earlyStoppingMet)))
        if !validity.isValid {
            var reason = ""
            if !validity.performanceConstraintsMet {
                reason += validity.performanceAdvice + " "
            }
            if !validity.minDurationMet {
                reason += validity.minDurationAdvice + " "
            }
            if !validity.minQueriesMet {
                reason += Validity.queriesAdvice
            }
            for hostReason in validity.hostReasons {
                reason += (reason.isEmpty || reason.hasSuffix(" ") ? "" : " ") + hostReason
            }
            entries.append(("result_invalid_reason", .text(reason)))
        }
        if settings.requested.useTokenLatencies {
            entries.append(("early_stopping_ttft_result", .text(validity.earlyStoppingTtftText)))
            entries.append(("early_stopping_tpot_result", .text(validity.earlyStoppingTpotText)))
        } else {
            entries.append(("early_stopping_result", .text(validity.earlyStoppingText)))
        }
        entries.append(("result_query_count", .count(measurements.queriesIssued)))
        if settings.scenario == .server {
            entries.append(("result_overlatency_query_count", .integer(Int64(overlatencyCount))))
        }
    }

    private func addScenario(to entries: inout Entries) {
        switch settings.scenario {
        case .singleStream:
            entries.append(("result_qps_with_loadgen_overhead", .real(qpsWithOverhead)))
            entries.append(("result_qps_without_loadgen_overhead", .real(qpsWithoutOverhead)))
            entries.append(("early_stopping_latency_ss", .integer(validity.earlyStoppingSingleStreamLatency)))
            entries.append(("early_stopping_latency_ms", .integer(validity.earlyStoppingMultiStreamLatency)))
        case .multiStream:
            entries.append(("result_min_query_latency_ns", .integer(queries.min)))
            entries.append(("result_max_query_latency_ns", .integer(queries.max)))
            entries.append(("result_mean_query_latency_ns", .integer(queries.mean)))
            add(queries, "result_", "_percentile_per_query_latency_ns", to: &entries)
            entries.append(("early_stopping_latency_ms", .integer(validity.earlyStoppingMultiStreamLatency)))
        case .server:
            entries.append(("result_scheduled_samples_per_sec", .real(scheduledSamplesPerSecond)))
            entries.append(("result_completed_samples_per_sec", .real(completedSamplesPerSecond)))
        case .offline:
            entries.append(("result_samples_per_second", .real(offlineSamplesPerSecond)))
        }
    }

    private func addTokens(to entries: inout Entries) {
        guard settings.scenario != .offline else {
            entries.append(("result_tokens_per_second", .real(offlineTokensPerSecond)))
            return
        }
        entries.append(("result_first_token_min_latency_ns", .integer(firstTokens.min)))
        entries.append(("result_first_token_max_latency_ns", .integer(firstTokens.max)))
        entries.append(("result_first_token_mean_latency_ns", .integer(firstTokens.mean)))
        add(firstTokens, "result_first_token_", "_percentile_latency_ns", to: &entries)
        entries.append(("result_token_throughput_with_loadgen_overhead", .real(tokensPerSecondWithOverhead)))
        // The official value divides by nanoseconds where seconds are meant; readers expect it so.
        let latencySum = samples.mean.multipliedReportingOverflow(by: Int64(sampleCount)).partialValue
        entries.append(("result_token_throughput", .real(Double(tokenCount) / Double(latencySum))))
        add(outputTokens, "result_time_per_output_token_", "_percentile_ns", to: &entries)
        entries.append(("result_time_to_output_token_min", .integer(outputTokens.min)))
        entries.append(("result_time_to_output_token_max", .integer(outputTokens.max)))
        entries.append(("result_time_to_output_token_mean", .integer(outputTokens.mean)))
        entries.append(("result_completed_tokens_per_second", .real(completedTokensPerSecond)))
    }

    private func addInferred(to entries: inout Entries) {
        switch settings.scenario {
        case .server:
            let rate = inferredCompletedTokensPerSecond
            entries.append(("result_inferred_completed_tokens_per_second", .real(rate)))
        case .offline:
            entries.append(("result_inferred_tokens_per_second", .real(inferredOfflineTokensPerSecond)))
        case .singleStream, .multiStream:
            break
        }
    }
}
