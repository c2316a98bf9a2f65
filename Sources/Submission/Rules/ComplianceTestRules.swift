/// What a submission has to hold of a compliance test.
///
/// Source: `ComplianceCheck` of mlcommons/inference, tools/submission/submission_checker/checks/compliance_check.py.
public struct ComplianceTestRules: Sendable {
    /// How a verdict file says that the test was passed.
    public enum Verdict: Sendable {
        /// The text holds these words somewhere.
        case contains(String)
        /// For each group, one line is one of these texts, blanks at its ends aside.
        case lines([[String]])
    }

    /// The test's name, which is that of its folder: `TEST06`.
    public var name: String
    /// The file that holds the verdict, in the test's folder.
    public var verdictFile: String
    /// What the file has to say.
    public var verdict: Verdict
    /// Whether `performance/run_1` has to be there; its detail log is then judged as that of the performance run.
    public var needsPerformanceRun: Bool

    /// Rules from their parts.
    public init(name: String, verdictFile: String, verdict: Verdict, needsPerformanceRun: Bool) {
        self.name = name
        self.verdictFile = verdictFile
        self.verdict = verdict
        self.needsPerformanceRun = needsPerformanceRun
    }
}

extension ComplianceTestRules {
    /// The output does not come from a cache: the same sample again and again is not faster.
    public static let test04 = ComplianceTestRules(
        name: "TEST04",
        verdictFile: "verify_performance.txt",
        verdict: .contains("TEST PASS"),
        needsPerformanceRun: true
    )
    /// First token, end of sequence and length of what was generated agree.
    public static let test06 = ComplianceTestRules(
        name: "TEST06",
        verdictFile: "verify_accuracy.txt",
        verdict: .lines([
            ["First token check pass: True", "First token check pass: Skipped"], ["EOS check pass: True"],
            ["Sample length check pass: True"],
        ]),
        needsPerformanceRun: false
    )
    /// Accuracy in performance mode.
    public static let test07 = ComplianceTestRules(
        name: "TEST07",
        verdictFile: "verify_accuracy.txt",
        verdict: .contains("TEST PASS"),
        needsPerformanceRun: false
    )
    /// Length of the answers in performance mode.
    public static let test09 = ComplianceTestRules(
        name: "TEST09",
        verdictFile: "verify_output_len.txt",
        verdict: .contains("TEST PASS"),
        needsPerformanceRun: false
    )
}
