/// A plan as one screen of text.
public struct PlanReport: Sendable {
    private let plan: TestPlan

    /// A report of a plan.
    public init(_ plan: TestPlan) { self.plan = plan }

    /// The text, ending in a line feed.
    public var text: String {
        var lines: [String] = []
        func row(_ name: String, _ value: String) { lines.append(name.padded(to: 28) + value) }
        let settings = plan.settings
        let asked = plan.requested
        row("scenario", "\(settings.scenario.rawValue), \(settings.mode.rawValue)")
        row("library", "\(plan.totalCount) samples, \(plan.performanceCount) at once")
        row("target rate (1/s)", DefaultNumberFormat.text(settings.targetQps))
        row("samples per query", "\(settings.samplesPerQuery)")
        row("min, max duration (ms)", "\(asked.minDurationMs), \(limit(asked.maxDurationMs))")
        row("min, max query count", "\(settings.minQueryCount), \(limit(asked.maxQueryCount))")
        row("min sample count", "\(settings.minSampleCount)")
        row("judged at percentile", DefaultNumberFormat.text(settings.targetLatencyPercentile * 100))
        if asked.useTokenLatencies {
            row(
                "TTFT, TPOT limit (ms)",
                "\(milliseconds(asked.serverTtftLatency)), \(milliseconds(asked.serverTpotLatency))"
            )
        } else if settings.scenario == .server {
            row("latency limit (ms)", milliseconds(settings.targetLatencyNs))
        }
        row("seeds", "qsl \(asked.qslRngSeed), sample \(asked.sampleIndexRngSeed), schedule \(asked.scheduleRngSeed)")
        let round = MLPerfRound.allCases.first { $0.qslRngSeed == asked.qslRngSeed }
        row("round of the seeds", round?.rawValue ?? "none")
        for message in plan.messages { row("log", "\(message.key): \(message.text)") }
        for (number, phase) in plan.phases.enumerated() {
            lines.append("")
            row("phase \(number + 1)", phase.mode.rawValue)
            row("  loaded", "\(phase.loaded.indices.count) samples: \(beginning(phase.loaded.indices))")
            row(
                "  queries",
                "\(phase.queryCount) of \(phase.samplesPerQuery) samples, from query \(phase.firstQueryID)"
            )
            row("  samples", "\(phase.indices.count): \(beginning(phase.indices))")
            let offsets = phase.scheduledOffsets.prefix(6).map { milliseconds(UInt64($0)) }
            row("  due (ms)", offsets.joined(separator: " ") + (phase.queryCount > 6 ? " ..." : ""))
            row("  last due (s)", RunReport.number(Double(phase.scheduledOffsets.last ?? 0) / 1e9))
            if phase.mode == .performanceOnly {
                row("  responses logged", "\(phase.loggedSamples.count)")
            }
        }
        if settings.mode == .findPeakPerformance {
            lines.append("")
            lines.append("The search goes on from here by what it measures; only its first step is planned.")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func limit(_ value: UInt64) -> String { value == 0 ? "none" : "\(value)" }

    private func milliseconds(_ nanoseconds: UInt64) -> String { RunReport.number(Double(nanoseconds) / 1e6) }

    private func beginning(_ numbers: [UInt64]) -> String {
        numbers.prefix(12).map { "\($0)" }.joined(separator: " ") + (numbers.count > 12 ? " ..." : "")
    }
}
