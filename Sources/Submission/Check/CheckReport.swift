public import JSON

/// What a check of a submission found.
public struct CheckReport: Sendable {
    /// One result that the submission holds.
    public struct Result: Sendable, Equatable {
        /// The scenario's folder in the tree.
        public var path: String
        /// The number that would be published.
        public var value: Double
        /// Its key in the detail log.
        public var key: String
    }

    /// The folder.
    public var tree: String
    /// The round.
    public var round: String
    /// Results, in the order of the tree.
    public var results: [Result] = []
    /// Findings, in the order of the tree.
    public var findings: [SubmissionFinding] = []

    /// Whether the official checker accepts the submission, as far as these rules can tell.
    public var isAccepted: Bool { !findings.contains { $0.severity == .rejected } }

    /// Findings of one severity.
    public func findings(_ severity: SubmissionFinding.Severity) -> [SubmissionFinding] {
        findings.filter { $0.severity == severity }
    }

    /// The report for scripts.
    public var json: JSON {
        [
            "tree": .string(tree), "round": .string(round), "accepted": .bool(isAccepted),
            "results": .array(
                results.map { ["path": .string($0.path), "key": .string($0.key), "value": .number($0.value)] }
            ),
            "findings": .array(findings.map(\.json)),
        ]
    }

    /// The report for people.
    public var text: String {
        var text = ""
        for severity in [SubmissionFinding.Severity.unjudged, .review, .rejected] {
            for finding in findings(severity) { text += finding.text + "\n" }
        }
        for result in results { text += "result  \(result.path)  \(result.key) \(result.value)\n" }
        let counts = SubmissionFinding.Severity.allCases.map { "\(findings($0).count) \($0.rawValue)" }.joined(
            separator: ", "
        )
        text += "\n\(tree), round \(round): \(results.count) results; findings: \(counts)\n"
        text +=
            isAccepted
            ? "The official checker would accept it"
                + (findings.isEmpty ? ".\n" : "; see what a review would say above.\n")
            : "The official checker would reject it.\n"
        return text
    }
}
