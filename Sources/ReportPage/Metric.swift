internal import RunRecords

/// A number by which runs are judged and compared.
struct Metric: Sendable {
    /// The same in every run, for comparison and scripts.
    var id: String
    var name: String
    var value: Quantity
    /// What the number means beside others: `98.0 % of 300 samples/s scheduled`.
    var context = ""
    /// Whether more is better; nil where neither is.
    var isBetterHigh: Bool?
    /// MLPerf ranks runs of this scenario by it.
    var isPrimary = false
}

extension ReportedRun {
    /// The numbers at the head of a run.
    var metrics: [Metric] {
        guard hasResult else { return [] }
        var metrics: [Metric] = []
        switch logScenario {
        case "Offline": addOffline(to: &metrics)
        case "Server": addServer(to: &metrics)
        case "SingleStream": addStream(.sample, to: &metrics)
        case "MultiStream": addStream(.query, to: &metrics)
        default: break
        }
        addCounts(to: &metrics)
        return metrics
    }

    private func perDevice(_ value: Double, _ unit: Quantity.Unit) -> String {
        guard let count = record?.deviceCount, count > 1 else { return "" }
        return Quantity(value / Double(count), unit).text + " per device"
    }

    private func addOffline(to metrics: inout [Metric]) {
        let tokens = number("result_tokens_per_second") ?? number("result_inferred_tokens_per_second")
        if let tokens {
            metrics.append(
                Metric(
                    id: "tokens_per_second",
                    name: "Token throughput",
                    value: Quantity(tokens, .tokensPerSecond),
                    context: perDevice(tokens, .tokensPerSecond),
                    isBetterHigh: true,
                    isPrimary: true
                )
            )
        }
        if let samples = number("result_samples_per_second") {
            let expected =
                number("effective_target_qps").map { "expected \(Quantity($0, .samplesPerSecond).text)" } ?? ""
            metrics.append(
                Metric(
                    id: "samples_per_second",
                    name: "Sample throughput",
                    value: Quantity(samples, .samplesPerSecond),
                    context: expected,
                    isBetterHigh: true,
                    isPrimary: tokens == nil
                )
            )
        }
        if let series, let done = series.progress.last(where: { $0.share <= 0.99 }), series.duration > 0 {
            let tail = Double(series.duration - done.time)
            let part = Quantity.percent(tail / Double(series.duration))
            metrics.append(
                Metric(
                    id: "tail_ns",
                    name: "Last 1 % of samples",
                    value: Quantity(tail, .nanoseconds),
                    context: "\(part) of the run",
                    isBetterHigh: false
                )
            )
        }
    }

    private func addServer(to metrics: inout [Metric]) {
        let tokens =
            number("result_completed_tokens_per_second") ?? number("result_inferred_completed_tokens_per_second")
        if let tokens {
            metrics.append(
                Metric(
                    id: "tokens_per_second",
                    name: "Completed tokens",
                    value: Quantity(tokens, .tokensPerSecond),
                    context: perDevice(tokens, .tokensPerSecond),
                    isBetterHigh: true,
                    isPrimary: true
                )
            )
        }
        guard let completed = number("result_completed_samples_per_sec") else { return }
        var context = ""
        if let scheduled = number("result_scheduled_samples_per_sec"), scheduled > 0 {
            context =
                "\(Quantity.percent(completed / scheduled)) of \(Quantity(scheduled, .samplesPerSecond).text) scheduled"
        }
        metrics.append(
            Metric(
                id: "samples_per_second",
                name: "Completed samples",
                value: Quantity(completed, .samplesPerSecond),
                context: context,
                isBetterHigh: true,
                isPrimary: tokens == nil
            )
        )
        if let target = number("effective_target_qps") {
            metrics.append(
                Metric(
                    id: "target_qps",
                    name: "Target rate",
                    value: Quantity(target, .samplesPerSecond),
                    context: "asked for"
                )
            )
        }
    }

    private func addStream(_ kind: LatencyKind, to metrics: inout [Metric]) {
        let share = targetShare ?? (kind == .sample ? 0.9 : 0.99)
        let name = Self.percentileName(share)
        if let time = number(kind.key(forShare: share)) {
            let estimate = number(kind == .sample ? "early_stopping_latency_ss" : "early_stopping_latency_ms")
            let context = estimate.flatMap { $0 > 0 ? "early stopping estimate \(Quantity.duration($0))" : nil } ?? ""
            metrics.append(
                Metric(
                    id: "latency_at_target_ns",
                    name: "\(kind.name) \(name)",
                    value: Quantity(time, .nanoseconds),
                    context: context,
                    isBetterHigh: false,
                    isPrimary: true
                )
            )
        }
        if let rate = number("result_qps_with_loadgen_overhead") {
            let bare = number("result_qps_without_loadgen_overhead")
            metrics.append(
                Metric(
                    id: "queries_per_second",
                    name: "Rate",
                    value: Quantity(rate, .samplesPerSecond),
                    context: bare.map { "\(Quantity($0, .samplesPerSecond).text) by latency alone" } ?? "",
                    isBetterHigh: true
                )
            )
        }
    }

    private func addCounts(to metrics: inout [Metric]) {
        if let series {
            let lost = series.sampleCount - series.completedCount
            var context = lost > 0 ? "\(Quantity(Double(lost), .samples).text) never answered" : "all answered"
            if series.failedCount > 0 { context += ", \(series.failedCount) failed" }
            metrics.append(
                Metric(
                    id: "samples",
                    name: "Issued",
                    value: Quantity(Double(series.sampleCount), .samples),
                    context: context
                )
            )
            if series.tokenCount > 0, let tokens = series.tokensPerSample {
                metrics.append(
                    Metric(
                        id: "tokens",
                        name: "Generated",
                        value: Quantity(Double(series.tokenCount), .tokens),
                        context: "\(tokens.mean) per sample, at most \(tokens.most)"
                    )
                )
            }
        }
        if let duration = judgedDuration {
            metrics.append(
                Metric(
                    id: "duration_ns",
                    name: "Duration",
                    value: Quantity(duration.nanoseconds, .nanoseconds),
                    context: duration.remark
                )
            )
        }
        if let cost = record?.hostNanosecondsPerSample, cost > 0 {
            metrics.append(
                Metric(
                    id: "host_ns_per_sample",
                    name: "Host cost",
                    value: Quantity(cost, .nanoseconds),
                    context: "per sample, measured with a null workload",
                    isBetterHigh: false
                )
            )
        }
    }
}
