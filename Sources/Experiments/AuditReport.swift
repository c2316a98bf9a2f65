public import Compliance
internal import Core
public import JSON

/// What came of a compliance test, as a table and as JSON.
public struct AuditReport: Sendable {
    private let test: ComplianceTest
    private let outcome: AuditRun.Outcome

    /// A report of a test.
    public init(_ test: ComplianceTest, _ outcome: AuditRun.Outcome) {
        self.test = test
        self.outcome = outcome
    }

    /// The table, ending in a line feed.
    public var text: String {
        let checks = outcome.verdict?.checks ?? []
        let width = checks.map(\.name.count).max() ?? 0
        var lines = ["\(test.rawValue), \(test.title)"]
        for check in checks {
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            lines.append("  \(name)  \(check.passed ? "pass" : "FAIL")  \(check.found)")
        }
        lines += reasons.map { "  * \($0)" }
        lines.append(
            "\(test.rawValue) \(outcome.status == .valid ? "passed" : "failed"); its files are in \(outcome.folder)"
        )
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same for scripts.
    public var json: JSON {
        [
            "test": .string(test.rawValue), "passed": .bool(outcome.status == .valid),
            "folder": .string(outcome.folder),
            "checks": .array(
                (outcome.verdict?.checks ?? []).map { check in
                    ["name": .string(check.name), "found": .string(check.found), "passed": .bool(check.passed)]
                }
            ),
            "reasons": .array(reasons.map { .string($0) }),
        ]
    }

    private var reasons: [String] {
        if outcome.verdict == nil, outcome.reasons.isEmpty { return ["The run did not get as far as a verdict."] }
        return outcome.reasons + (outcome.verdict?.findings ?? [])
    }
}
