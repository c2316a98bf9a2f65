/// What `accuracy.txt` says, read line by line as the official checker reads it.
///
/// Source: `AccuracyCheck.accuracy_result_check` of the official checker.  Reading ends when all targets were met and the
/// hash was seen; before that, one score below its target fails the run.
struct AccuracyText {
    /// Scores as they are written, the last one of each metric that was read.
    private(set) var scores: [ScoredMetric: String] = [:]
    /// The digest of the accuracy log.
    private(set) var hash: String?
    /// Targets that were missed, with what was found.
    private(set) var missed: [(bound: ModelRules.AccuracyBound, found: String)] = []
    /// Limits that were passed, with what was found.
    private(set) var exceeded: [(bound: ModelRules.AccuracyBound, found: String)] = []
    /// Targets without a score.
    private(set) var absent: [ScoredMetric] = []
    /// A matched text that is no number.
    private(set) var malformed: String?

    init(_ text: String, rules: ModelRules) {
        var met = Set<ScoredMetric>()
        for line in Self.lines(text) {
            if let digest = Self.digest(line) { hash = digest }
            for bound in rules.targets {
                guard let found = number(bound.metric, in: line) else { continue }
                scores[bound.metric] = found.text
                if found.value >= bound.value {
                    met.insert(bound.metric)
                } else {
                    missed.append((bound, found.text))
                }
            }
            for bound in rules.limits {
                guard let found = number(bound.metric, in: line) else { continue }
                if scores[bound.metric] == nil { scores[bound.metric] = found.text }
                if found.value > bound.value { exceeded.append((bound, found.text)) }
            }
            if malformed != nil || met.count == rules.targets.count && hash != nil { break }
        }
        absent = rules.targets.map(\.metric).filter { metric in
            !met.contains(metric) && !missed.contains { $0.bound.metric == metric }
        }
    }

    private mutating func number(_ metric: ScoredMetric, in line: Substring) -> (value: Double, text: String)? {
        guard let match = metric.match(in: line) else { return nil }
        guard let value = Double(match) else {
            if malformed == nil { malformed = "'\(metric.rawValue)': \(match)" }
            return nil
        }
        return (value, String(match))
    }

    /// Lines as Python's text mode splits them.
    static func lines(_ text: String) -> [Substring] {
        text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }.map { Substring($0) }
    }

    /// The digest of a line `hash=...`.
    private static func digest(_ line: Substring) -> String? {
        guard line.hasPrefix("hash=") else { return nil }
        let digest = line.dropFirst(5)
        guard !digest.isEmpty, digest.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { return nil }
        return String(digest)
    }
}
