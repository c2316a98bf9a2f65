/// The score that TEST04 compares, read from `mlperf_log_summary.txt`.
struct SummaryScore {
    /// The scenario; empty if the summary names none.
    var scenario = ""
    /// The score as the official script prints it; `0` if the summary has none.
    var text = "0"
    /// The score; higher is better, in samples or queries per second.
    var value = 0.0
    /// Whether the result does not count.
    var isInvalid = false
    /// Whether the summary says at all how the run ended.
    var hasResult = false
    /// The numbers of errors that the summary tells of, as it writes them.
    var errors: [String] = []

    init(contentsOfFile path: String) throws(ComplianceError) {
        try self.init(try TextFile.read(path), source: path)
    }

    init(_ summary: String, source: String) throws(ComplianceError) {
        for line in summary.split(separator: "\n") {
            if line.hasPrefix("Scenario") {
                scenario = try Self.value(of: line, source)
            } else if isScore(line) {
                try take(try Self.value(of: line, source), source)
            } else if line.hasPrefix("Result is") {
                hasResult = true
                if try Self.value(of: line, source) == "INVALID" {
                    isInvalid = true
                    return
                }
            } else if let count = Self.errorCount(line) {
                errors.append(count)
            }
        }
        guard !scenario.isEmpty else {
            throw ComplianceError(source: source, reason: "names no scenario: it is no LoadGen summary, or was cut off")
        }
    }

    /// Why there is nothing to compare, though the official script would; nil if there is.
    var fault: String? {
        if !hasResult {
            return "does not say whether the result is valid: it was cut off, or the run is no performance run"
        }
        return value > 0 ? nil : "has no score for \(scenario)"
    }

    private func isScore(_ line: Substring) -> Bool {
        switch scenario {
        case "SingleStream":
            ["90th", "90.0th", "99.9th"].contains { line.contains("Early stopping \($0) percentile estimate") }
        case "MultiStream":
            ["99th", "99.0th"].contains { line.contains("Early stopping \($0) percentile estimate") }
        case "Server": line.hasPrefix("Completed samples per second")
        case "Offline": line.hasPrefix("Samples per second")
        default: false
        }
    }

    private mutating func take(_ found: String, _ source: String) throws(ComplianceError) {
        guard let number = Double(found), number.isFinite, number >= 0 else {
            throw ComplianceError(source: source, reason: "the score is \"\(found)\", which is no number")
        }
        guard scenario == "SingleStream" || scenario == "MultiStream" else {
            (text, value) = (found, number)
            return
        }
        // Streams are scored by latency in nanoseconds; the official script turns it into queries per second.
        guard number > 0 else {
            throw ComplianceError(source: source, reason: "the latency is 0, which no run can have")
        }
        value = 1e9 / number
        text = "\(value)"
    }

    private static func value(of line: Substring, _ source: String) throws(ComplianceError) -> String {
        var position = line.startIndex
        while let colon = line[position...].firstIndex(of: ":") {
            position = line.index(after: colon)
            if position < line.endIndex, line[position] == " " { return trimmed(line[position...]) }
        }
        throw ComplianceError(source: source, reason: "cannot read the line \"\(line.prefix(80))\"")
    }

    private static func errorCount(_ line: Substring) -> String? {
        let digits = line.prefix { $0.isASCII && $0.isNumber }
        return !digits.isEmpty && line.dropFirst(digits.count).hasPrefix(" ERROR") ? String(digits) : nil
    }
}
