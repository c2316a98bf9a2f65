public import JSON

/// One thing that is wrong with a submission.
public struct SubmissionFinding: Sendable, Equatable {
    /// Who objects.
    public enum Severity: String, Sendable, CaseIterable {
        /// The official checker rejects the submission.
        case rejected
        /// The official checker lets it pass; the rules or the organisers' review do not.
        case review
        /// These rules cannot say; the official checker can.
        case unjudged
    }

    /// Who objects.
    public var severity: Severity
    /// The rule's name: `seed`, `min-duration`.
    public var rule: String
    /// The file or folder, relative to the tree.
    public var path: String
    /// What was found.
    public var found: String
    /// What is expected.
    public var expected: String
    /// What to do.
    public var advice: String

    /// A finding from its parts.
    public init(
        _ severity: Severity,
        _ rule: String,
        _ path: String,
        found: String,
        expected: String,
        advice: String
    ) {
        self.severity = severity
        self.rule = rule
        self.path = path
        self.found = found
        self.expected = expected
        self.advice = advice
    }

    /// The finding for scripts.
    public var json: JSON {
        [
            "severity": .string(severity.rawValue), "rule": .string(rule), "path": .string(path),
            "found": .string(found), "expected": .string(expected), "advice": .string(advice),
        ]
    }

    /// The finding for people, several lines.
    public var text: String {
        """
        \(severity.rawValue)  \(rule)  \(path)
            found     \(found)
            expected  \(expected)
            to do     \(advice)

        """
    }
}
