internal import Compliance
public import Core
public import JSON

/// What came of an experiment, as a table and as JSON.
public struct ExperimentReport: Sendable {
    /// The experiment's folder.
    public let folder: String
    /// The legs, in order.
    public let results: [LegResult]

    /// Whether every leg is done and counts.
    public var isOK: Bool { results.allSatisfy { $0.verdict == .ok } }

    /// The exit status: 0 only if everything is OK.
    public var status: RunStatus {
        if isOK { return .valid }
        let ended = results.filter { $0.verdict != .ok }.compactMap { $0.exitStatus.flatMap(RunStatus.init) }
        if results.contains(where: { $0.verdict == .interrupted }) { return .failed }
        for status in [RunStatus.pluginFault, .usage, .failed] where ended.contains(status) { return status }
        return .invalid
    }

    /// The table, ending in a line feed.
    public var text: String {
        var rows = [["scenario", "leg", "verdict", "result", ""]]
        for result in results {
            rows.append([
                result.leg.scenario.rawValue, result.leg.kind.name, result.verdict.rawValue, Self.metrics(result),
                InOneLine.text(result.reason, limit: 160),
            ])
        }
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            var line = ""
            for (column, cell) in row.enumerated() where column < 4 {
                line += cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            line += row[4]
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        let done = results.count { $0.verdict == .ok }
        return text + "\n\(done) of \(results.count) OK, in \(folder)\n"
    }

    /// The same for scripts.
    public var json: JSON { json(keeping: []) }

    /// The same with legs of earlier invocations, as far as the report does not have them.
    func json(keeping earlier: [(folder: String, content: JSON)]) -> JSON {
        let folders = Set(results.map(\.leg.folder))
        return [
            "experiment": .string(folder), "ok": .bool(isOK),
            "legs": .array(earlier.filter { !folders.contains($0.folder) }.map(\.content) + results.map(Self.json)),
        ]
    }

    private static func json(_ result: LegResult) -> JSON {
        .object(
            JSONObject([
                ("scenario", .string(result.leg.scenario.rawValue)), ("leg", .string(result.leg.kind.name)),
                ("folder", .string(result.leg.folder)), ("verdict", .string(result.verdict.rawValue)),
                ("metrics", .object(JSONObject(result.metrics.map { ($0.name, .number($0.value)) }))),
                ("reason", .string(result.reason)), ("was_there", .bool(result.wasThere)),
                ("exit_status", result.exitStatus.map { JSON(Int($0)) } ?? .null),
            ])
        )
    }

    private static func metrics(_ result: LegResult) -> String {
        result.metrics.prefix(4).map { "\($0.name) \(number($0.value))" }.joined(separator: ", ")
    }

    /// A number with some five digits.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "none" }
        let scale: Double = abs(value) >= 1000 ? 10 : abs(value) >= 1 ? 1000 : 1e6
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}

/// Texts of several lines, for a table.
enum InOneLine {
    static func text(_ text: String, limit: Int = .max) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > limit ? line.prefix(limit - 3) + "..." : line
    }
}
