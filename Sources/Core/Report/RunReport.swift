/// The result of a run as one screen of text.
public struct RunReport: Sendable {
    private let outcome: RunOutcome

    /// A report of an outcome.
    public init(_ outcome: RunOutcome) { self.outcome = outcome }

    /// The text, ending in a line feed.
    public var text: String {
        var lines: [String] = []
        func row(_ name: String, _ value: String) { lines.append(name.padded(to: 28) + value) }
        if let result = outcome.result {
            let settings = result.settings
            row("scenario", "\(settings.scenario.rawValue), \(settings.mode.rawValue)")
            if let official = result.official {
                report(official, row)
                row("samples", "\(result.completedSamples) of \(result.issuedSamples) completed")
            } else if let summary = result.summary {
                metrics(summary, row)
            } else {
                row("samples", "\(result.completedSamples) of \(result.issuedSamples) completed")
            }
            if let cost = outcome.hostNanosecondsPerSample {
                row("host's own cost", "\(RunReport.number(cost.rounded())) ns per sample")
            }
            for share in outcome.shares {
                let left = share.unfinished == 0 ? "" : ", \(share.unfinished) of them unfinished"
                row(share.name, "\(share.samples) samples\(left)")
            }
            row("errors, warnings", "\(result.errors), \(result.warnings)")
            if result.outstanding.count > 0 { outstanding(result.outstanding, row) }
            for problem in result.problems.prefix(5) { row("log", "\(problem.key): \(problem.text)") }
            for file in result.logFiles { row("log file", file) }
            lines.append("")
            row("Result is", result.isValid && outcome.faults.isEmpty ? "VALID" : "INVALID")
            for reason in result.reasons { lines.append("  * " + RunReport.indented(reason)) }
        }
        for fault in outcome.faults { lines.append("  * \(fault)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func report(_ official: OfficialVerdict, _ row: (String, String) -> Void) {
        row("loadgen", "official \(official.version)")
        if official.overridesSeeds {
            let settings = outcome.result?.settings.requested
            let round = MLPerfRound.allCases.first { $0.qslRngSeed == settings?.qslRngSeed }
            row("seeds", "of \(round?.rawValue ?? "no known round"), in place of those compiled into the library")
        }
        for metric in official.metrics { row(metric.name + " ", metric.value) }
        for values in official.latencies {
            row(
                "\(values.name) (ms)",
                "mean \(RunReport.number(values.mean / 1e6)), p50 \(RunReport.number(values.median / 1e6)), "
                    + "p99 \(RunReport.number(values.p99 / 1e6))"
            )
        }
        if let validity = official.validity { row("verdict of the library", validity) }
    }

    private func metrics(_ summary: PerformanceSummary, _ row: (String, String) -> Void) {
        let metric = summary.scenarioMetric
        row(metric.name, RunReport.number(metric.value))
        row("samples", "\(summary.sampleCount)")
        if summary.settings.requested.useTokenLatencies || summary.tokenCount > 0 {
            row("tokens", "\(summary.tokenCount)")
        }
        latencies("latency", summary.samples, row)
        if summary.settings.requested.useTokenLatencies, summary.settings.scenario != .offline {
            latencies("time to first token", summary.firstTokens, row)
            latencies("time per output token", summary.outputTokens, row)
        }
    }

    private func latencies(_ name: String, _ values: LatencyDistribution, _ row: (String, String) -> Void) {
        func milliseconds(_ nanoseconds: Int64) -> String { RunReport.number(Double(nanoseconds) / 1e6) }
        row(
            "\(name) (ms)",
            "mean \(milliseconds(values.mean)), p50 \(milliseconds(values.at(0.5))), p99 \(milliseconds(values.at(0.99)))"
        )
    }

    private func outstanding(_ samples: OutstandingSamples, _ row: (String, String) -> Void) {
        row("outstanding samples", "\(samples.count)")
        for sample in samples.first.prefix(8) {
            let token = sample.sawFirstToken ? ", first token seen" : ""
            row(
                "",
                "index \(sample.index), id \(sample.id), issued \(RunReport.number(Double(sample.age) / 1e9)) s ago\(token)"
            )
        }
    }

    /// A reason of several lines, its later lines under the first.
    private static func indented(_ reason: String) -> String {
        reason.split(separator: "\n").joined(separator: "\n    ")
    }

    /// A number with at most four significant digits behind the point.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "none" }
        let scale: Double = abs(value) >= 1000 ? 10 : abs(value) >= 1 ? 1000 : 1e6
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}
