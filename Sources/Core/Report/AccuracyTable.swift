import JSON

/// What `host accuracy` shows: the figures with their bounds and the verdict.
public struct AccuracyTable {
    private let outcome: AccuracyScoring.Outcome

    /// The table of a scored log.
    public init(_ outcome: AccuracyScoring.Outcome) { self.outcome = outcome }

    /// For people.
    public var text: String {
        var rows = [["metric", "value", "minimum", "maximum", ""]]
        for metric in outcome.metrics {
            rows.append([
                metric.name, Self.figure(metric.value), metric.minimum.map(Self.figure) ?? "-",
                metric.maximum.map(Self.figure) ?? "-", Self.verdict(metric),
            ])
        }
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let table = rows.map { row in
            var line = "  " + row[0] + String(repeating: " ", count: widths[0] - row[0].count)
            for column in 1..<4 {
                line += "  " + String(repeating: " ", count: widths[column] - row[column].count) + row[column]
            }
            return row[4].isEmpty ? line : line + "  " + row[4]
        }
        let notes = outcome.text.split(separator: "\n").dropFirst().map { "  \($0)" }
        var lines = ["accuracy of \(outcome.workload), \(outcome.entries) entries of \(outcome.log)", ""]
        lines += table + notes + [""]
        lines.append(outcome.passed ? "passed: every target is met" : "NOT passed: a target is missed")
        lines.append("report: \(outcome.report)")
        if let backup = outcome.backup { lines.append("log truncated; the full one is \(backup): keep it") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// For scripts.
    public var json: String {
        JSON.object(
            JSONObject([
                ("workload", .string(outcome.workload)), ("log", .string(outcome.log)),
                ("entries", .integer(Int64(outcome.entries))), ("passed", .bool(outcome.passed)),
                ("metrics", .array(outcome.metrics.map(\.json))), ("text", .string(outcome.text)),
                ("hash", .string(outcome.hash)), ("report", .string(outcome.report)),
                ("backup", outcome.backup.map(JSON.string) ?? .null),
            ])
        )
        .text(pretty: true)
    }

    private static func verdict(_ metric: AccuracyMetric) -> String {
        guard let isMet = metric.isMet else { return "" }
        if isMet { return "ok" }
        return metric.value < metric.minimum ?? -.infinity ? "below" : "above"
    }

    /// Up to four decimals, none for whole numbers.
    private static func figure(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return abs(value) < 1e11 ? "\((value * 1e4).rounded() / 1e4)" : "\(value)"
    }
}
