import RunRecords

extension PerformanceSummary {
    static func judge(
        settings: EffectiveSettings,
        measurements: RunMeasurements,
        samples: LatencyDistribution,
        queries: LatencyDistribution,
        firstTokens: LatencyDistribution,
        outputTokens: LatencyDistribution
    ) -> Validity {
        var verdict = Validity()
        judgeDuration(settings, measurements, &verdict)
        verdict.minQueriesMet =
            measurements.queriesIssued >= settings.minQueryCount
            && UInt64(samples.sorted.count) >= settings.minSampleCount
        judgeLatencies(settings, samples, firstTokens, outputTokens, &verdict)
        let issued = Int(clamping: measurements.queriesIssued)
        guard settings.requested.useTokenLatencies else {
            verdict.earlyStoppingMet = judgeEarlyStopping(
                settings,
                issued: issued,
                samples: samples,
                queries: queries,
                limit: Int64(clamping: settings.targetLatencyNs),
                text: \.earlyStoppingText,
                &verdict
            )
            return verdict
        }
        // The time to first token is only looked at when the output tokens pass.
        verdict.earlyStoppingMet =
            judgeEarlyStopping(
                settings,
                issued: issued,
                samples: outputTokens,
                queries: queries,
                limit: Int64(clamping: settings.requested.serverTpotLatency),
                text: \.earlyStoppingTpotText,
                &verdict
            )
            && judgeEarlyStopping(
                settings,
                issued: issued,
                samples: firstTokens,
                queries: queries,
                limit: Int64(clamping: settings.requested.serverTtftLatency),
                text: \.earlyStoppingTtftText,
                &verdict
            )
        return verdict
    }

    private static func judgeDuration(
        _ settings: EffectiveSettings,
        _ measurements: RunMeasurements,
        _ verdict: inout Validity
    ) {
        let least = Double(settings.minDurationNs) / 1e9
        switch settings.scenario {
        case .offline:
            verdict.minDurationMet = measurements.maxLatency >= least
            verdict.minDurationAdvice =
                "Increase expected QPS so the loadgen pre-generates a larger (coalesced) query."
        case .server:
            verdict.minDurationMet = measurements.finalQueryScheduledTime >= least
            verdict.minDurationAdvice = "Increase the target QPS so the loadgen pre-generates more queries."
        case .singleStream, .multiStream:
            verdict.minDurationMet = measurements.finalQueryIssuedTime >= least
            verdict.minDurationAdvice =
                "Decrease the expected latency so the loadgen pre-generates more queries."
        }
        if verdict.minDurationMet {
            verdict.minDurationAdvice = ""
        }
    }

    private static func judgeLatencies(
        _ settings: EffectiveSettings,
        _ samples: LatencyDistribution,
        _ firstTokens: LatencyDistribution,
        _ outputTokens: LatencyDistribution,
        _ verdict: inout Validity
    ) {
        guard settings.scenario == .server else { return }
        let share = settings.targetLatencyPercentile
        var advice: [String] = []
        if settings.requested.useTokenLatencies {
            if firstTokens.at(share) > Int64(clamping: settings.requested.serverTtftLatency) {
                advice.append("TTFT constrain not met: Reduce target QPS to improve latency.")
            }
            if outputTokens.at(share) > Int64(clamping: settings.requested.serverTpotLatency) {
                advice.append("TPOT constrain not met: Reduce target QPS to improve latency.")
            }
        } else if samples.at(share) > Int64(clamping: settings.targetLatencyNs) {
            advice.append("Reduce target QPS to improve latency.")
        }
        verdict.performanceConstraintsMet = advice.isEmpty
        verdict.performanceAdvice = advice.joined(separator: "\n * ")
    }

    private static func judgeEarlyStopping(
        _ settings: EffectiveSettings,
        issued: Int,
        samples: LatencyDistribution,
        queries: LatencyDistribution,
        limit: Int64,
        text: WritableKeyPath<Validity, String>,
        _ verdict: inout Validity
    ) -> Bool {
        let share = settings.targetLatencyPercentile
        switch settings.scenario {
        case .offline:
            return true
        case .server:
            let over = samples.count(above: limit)
            let needed = EarlyStopping(percentile: share).leastUnder(over: over) + over
            guard issued < needed else {
                verdict[keyPath: text] = " * Run successful."
                return true
            }
            verdict[keyPath: text] =
                " * Run unsuccessful.\n * Processed \(issued) queries.\n * Would need to run at least \(needed - issued) more "
                + "queries,\n with the run being successful if every additional\n query were under latency."
            return false
        case .singleStream:
            guard let own = estimate(share, issued: issued, of: samples, text: text, &verdict) else { return false }
            verdict.earlyStoppingSingleStreamLatency = own
            appendTailEstimate(issued: issued, of: samples, text: text, &verdict)
            return true
        case .multiStream:
            guard let own = estimate(share, issued: issued, of: queries, text: text, &verdict) else { return false }
            verdict.earlyStoppingMultiStreamLatency = own
            return true
        }
    }

    /// The estimate of a percentile, or nil when there are too few queries; both put into words.
    private static func estimate(
        _ share: Double,
        issued: Int,
        of latencies: LatencyDistribution,
        text: WritableKeyPath<Validity, String>,
        _ verdict: inout Validity
    ) -> Int64? {
        let rule = EarlyStopping(percentile: share)
        let least = rule.leastUnder(over: 1) + 1
        guard issued >= least else {
            verdict[keyPath: text] =
                " * Only processed \(issued) queries.\n * Need to process at least \(least) queries for early stopping."
            return nil
        }
        let t = rule.discarded(of: issued)
        let value = element(issued - t, of: latencies)
        verdict[keyPath: text] =
            " * Processed at least \(least) queries (\(issued)).\n * Would discard \(t - 1) highest latency queries.\n"
            + " * Early stopping \(DefaultNumberFormat.fixed(share * 100, digits: 1))th percentile estimate: \(value)"
        return value
    }

    /// SingleStream also estimates the 99th percentile, from which MultiStream may be inferred.
    private static func appendTailEstimate(
        issued: Int,
        of latencies: LatencyDistribution,
        text: WritableKeyPath<Validity, String>,
        _ verdict: inout Validity
    ) {
        let rule = EarlyStopping(percentile: 0.99)
        let least = rule.leastUnder(over: 1) + 1
        guard issued >= least else {
            verdict[keyPath: text] +=
                "\n * Not enough queries processed for 99.0th percentile\n early stopping estimate (would need to process "
                + "at\n least \(least) total queries)."
            return
        }
        let value = element(issued - rule.discarded(of: issued), of: latencies)
        verdict[keyPath: text] += "\n * Early stopping 99.0th percentile estimate: \(value)"
        verdict.earlyStoppingMultiStreamLatency = value
    }

    /// An aborted run has fewer latencies than queries issued.
    private static func element(_ index: Int, of latencies: LatencyDistribution) -> Int64 {
        guard let last = latencies.sorted.last else { return 0 }
        return latencies.sorted.indices.contains(index) ? latencies.sorted[index] : last
    }
}
