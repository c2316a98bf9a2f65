import JSON

/// The findings of a conformance run, for people and for scripts.
public struct ConformanceReport: Sendable {
    private let plugin: String
    private let findings: [ConformanceRunner.Finding]

    /// A report of what was found.
    public init(plugin: String, findings: [ConformanceRunner.Finding]) {
        self.plugin = plugin
        self.findings = findings
    }

    /// Whether no rule is broken.
    public var isConformant: Bool { !findings.contains { $0.verdict.isBreach } }

    /// One finding as a line.
    public static func line(_ finding: ConformanceRunner.Finding) -> String {
        let word = finding.verdict.word.padded(to: 5)
        let reason = finding.verdict.reason.isEmpty ? "" : "\n        \(finding.verdict.reason)"
        return "\(word) \(finding.rule.id) \(finding.role.padded(to: 6)) \(finding.rule.sentence)\(reason)"
    }

    /// The closing line.
    public var summary: String {
        let words = ["pass", "warn", "fail", "crash", "hang", "skip"]
        let counts = words.map { word in "\(findings.filter { $0.verdict.word == word }.count) \(word)" }
        return "\(plugin): \(isConformant ? "CONFORMANT" : "NOT CONFORMANT"): " + counts.joined(separator: ", ")
    }

    /// Everything, as JSON.
    public var json: String {
        let list = findings.map { finding in
            JSON.object(
                JSONObject([
                    ("rule", .string(finding.rule.id)), ("group", .string(finding.rule.group)),
                    ("role", .string(finding.role)), ("sentence", .string(finding.rule.sentence)),
                    ("verdict", .string(finding.verdict.word)), ("reason", .string(finding.verdict.reason)),
                    ("seconds", .number(finding.seconds)),
                ])
            )
        }
        return JSON.object(
            JSONObject([
                ("plugin", .string(plugin)), ("conformant", .bool(isConformant)), ("findings", .array(list)),
            ])
        ).text(pretty: true)
    }
}

extension String {
    /// The text with spaces behind it, at least `width` characters.
    func padded(to width: Int) -> String {
        count >= width ? self : self + String(repeating: " ", count: width - count)
    }
}
