extension PerformanceSummary {
    /// The text of `mlperf_log_summary.txt` up to the counts of warnings and errors.
    func summaryText() -> String {
        var page = Page()
        page.heading("MLPerf Results Summary")
        page.line("SUT name : \(sutName)")
        page.line("Scenario : \(settings.scenario.rawValue)")
        page.line("Mode     : \(settings.mode.rawValue)")
        addHeadlines(to: &page)
        addVerdict(to: &page)
        page.line("")
        page.heading("Additional Stats")
        addLatencies(to: &page)
        if settings.requested.useTokenLatencies {
            addTokens(to: &page)
        }
        page.line("")
        page.heading("Test Parameters Used")
        addParameters(to: &page)
        return page.text
    }

    private struct Page {
        var text = ""

        mutating func line(_ line: String) {
            text += line
            text += "\n"
        }

        mutating func heading(_ title: String) {
            let rule = String(repeating: "=", count: 48)
            line(rule)
            line(title)
            line(rule)
        }

        mutating func percentiles(_ latencies: LatencyDistribution, _ label: String) {
            for share in LatencyDistribution.reportedPercentiles {
                line("\(DefaultNumberFormat.fixed(share * 100)) \(label)\(latencies.at(share))")
            }
        }
    }

    private func addHeadlines(to page: inout Page) {
        let share = settings.targetLatencyPercentile
        let percentile = DefaultNumberFormat.fixed(share * 100, digits: 1)
        let tokens = settings.requested.useTokenLatencies
        let inferred = settings.requested.inferTokenLatencies
        switch settings.scenario {
        case .singleStream, .multiStream:
            let latencies = settings.scenario == .singleStream ? samples : queries
            page.line("\(percentile)th percentile latency (ns) : \(latencies.at(share))")
            if tokens {
                page.line("\(percentile)th first token percentile latency (ns) : \(firstTokens.at(share))")
            }
        case .server:
            page.line("Completed samples per second    : \(DefaultNumberFormat.fixed(completedSamplesPerSecond))")
            if tokens {
                page.line("Completed tokens per second: \(DefaultNumberFormat.fixed(completedTokensPerSecond))")
            }
            if inferred {
                let rate = DefaultNumberFormat.fixed(inferredCompletedTokensPerSecond)
                page.line("Completed tokens per second (inferred): \(rate)")
            }
        case .offline:
            page.line("Samples per second: \(DefaultNumberFormat.text(offlineSamplesPerSecond))")
            if tokens {
                page.line("Tokens per second: \(DefaultNumberFormat.text(offlineTokensPerSecond))")
            }
            if inferred {
                page.line("Tokens per second (inferred): \(DefaultNumberFormat.text(inferredOfflineTokensPerSecond))")
            }
        }
    }

    private func addVerdict(to page: inout Page) {
        func yes(_ met: Bool) -> String { met ? "Yes" : "NO" }
        page.line("Result is : \(validity.isValid ? "VALID" : "INVALID")")
        if settings.scenario == .server {
            page.line("  Performance constraints satisfied : \(yes(validity.performanceConstraintsMet))")
        }
        page.line("  Min duration satisfied : \(yes(validity.minDurationMet))")
        page.line("  Min queries satisfied : \(yes(validity.minQueriesMet))")
        page.line("  Early stopping satisfied: \(yes(validity.earlyStoppingMet))")
        if !validity.isValid {
            page.line("Recommendations:")
            if !validity.performanceConstraintsMet {
                page.line(" * \(validity.performanceAdvice)")
            }
            if !validity.minDurationMet {
                page.line(" * \(validity.minDurationAdvice)")
            }
            if !validity.minQueriesMet {
                page.line(" * \(Validity.queriesAdvice)")
                page.line("   See the detailed log for why this may have occurred.")
            }
            for reason in validity.hostReasons {
                page.line(" * \(reason)")
            }
        }
        guard settings.scenario != .offline else { return }
        if settings.requested.useTokenLatencies {
            page.line("TTFT Early Stopping Result:")
            page.line(validity.earlyStoppingTtftText)
            page.line("TPOT Early Stopping Result:")
            page.line(validity.earlyStoppingTpotText)
        } else {
            page.line("Early Stopping Result:")
            page.line(validity.earlyStoppingText)
        }
    }

    private func addLatencies(to page: inout Page) {
        var latencies = samples
        switch settings.scenario {
        case .singleStream:
            page.line("QPS w/ loadgen overhead         : \(DefaultNumberFormat.fixed(qpsWithOverhead))")
            page.line("QPS w/o loadgen overhead        : \(DefaultNumberFormat.fixed(qpsWithoutOverhead))")
            page.line("")
        case .server:
            page.line("Scheduled samples per second : \(DefaultNumberFormat.fixed(scheduledSamplesPerSecond))")
        case .multiStream:
            page.line("Per-query latency:  ")
            latencies = queries
        case .offline:
            break
        }
        page.line("Min latency (ns)                : \(latencies.min)")
        page.line("Max latency (ns)                : \(latencies.max)")
        page.line("Mean latency (ns)               : \(latencies.mean)")
        page.percentiles(latencies, "percentile latency (ns)   : ")
    }

    private func addTokens(to page: inout Page) {
        page.line("")
        switch settings.scenario {
        case .singleStream:
            page.line("TPS w/ loadgen overhead         : \(DefaultNumberFormat.fixed(tokensPerSecondWithOverhead))")
            page.line("TPS w/o loadgen overhead        : \(DefaultNumberFormat.fixed(tokensPerSecondWithoutOverhead))")
        case .server:
            let rate = DefaultNumberFormat.fixed(completedTokensPerSecond)
            page.line("Completed tokens per second                 : \(rate)")
        case .offline:
            return
        case .multiStream:
            break
        }
        page.line("Min First Token latency (ns)                : \(firstTokens.min)")
        page.line("Max First Token latency (ns)                : \(firstTokens.max)")
        page.line("Mean First Token latency (ns)               : \(firstTokens.mean)")
        page.percentiles(firstTokens, "percentile first token latency (ns)   : ")
        page.line("")
        page.line("Min Time per Output Token (ns)                : \(outputTokens.min)")
        page.line("Max Time per Output Token (ns)                : \(outputTokens.max)")
        page.line("Mean Time per Output Token (ns)               : \(outputTokens.mean)")
        page.percentiles(outputTokens, "percentile time to output token (ns)   : ")
    }

    private func addParameters(to page: inout Page) {
        let requested = settings.requested
        func digit(_ flag: Bool) -> String { flag ? "1" : "0" }
        page.line("samples_per_query : \(settings.samplesPerQuery)")
        page.line("target_qps : \(DefaultNumberFormat.text(settings.targetQps))")
        if requested.useTokenLatencies {
            page.line("ttft_latency (ns): \(requested.serverTtftLatency)")
            page.line("tpot_latency (ns): \(requested.serverTpotLatency)")
        } else {
            page.line("target_latency (ns): \(settings.targetLatencyNs)")
        }
        page.line("max_async_queries : \(settings.maxAsyncQueries)")
        page.line("min_duration (ms): \(requested.minDurationMs)")
        page.line("max_duration (ms): \(requested.maxDurationMs)")
        page.line("min_query_count : \(settings.minQueryCount)")
        page.line("max_query_count : \(requested.maxQueryCount)")
        page.line("qsl_rng_seed : \(requested.qslRngSeed)")
        page.line("sample_index_rng_seed : \(requested.sampleIndexRngSeed)")
        page.line("schedule_rng_seed : \(requested.scheduleRngSeed)")
        page.line("accuracy_log_rng_seed : \(requested.accuracyLogRngSeed)")
        page.line("accuracy_log_probability : \(DefaultNumberFormat.text(requested.accuracyLogProbability))")
        page.line("accuracy_log_sampling_target : \(requested.accuracyLogSamplingTarget)")
        page.line("print_timestamps : \(digit(requested.printTimestamps))")
        page.line("performance_issue_unique : \(digit(requested.performanceIssueUnique))")
        page.line("performance_issue_same : \(digit(requested.performanceIssueSame))")
        page.line("performance_issue_same_index : \(requested.performanceIssueSameIndex)")
        page.line("performance_sample_count : \(settings.performanceSampleCount)")
        page.line("accuracy_sample_count : \(settings.accuracySampleCount)")
        if requested.sampleConcatenatePermutation {
            // The blank at the end of the first line is in the official text.
            page.line("WARNING: sample_concatenate_permutation was set to true. ")
            page.line("Generated samples per query might be different as the one in the setting.")
            page.line("Check the generated_samples_per_query line in the detailed log for the real")
            page.line("samples_per_query value")
        }
    }
}
