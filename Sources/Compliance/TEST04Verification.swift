/// TEST04: a run that issues one sample again and again must not be noticeably faster than the normal run.
public enum TEST04Verification {
    /// How much faster the test may be: a tenth, or a fifth for streams whose latencies are short.
    private static func threshold(_ reference: SummaryScore) -> Double {
        switch reference.scenario {
        case "SingleStream" where reference.value <= 200_000: 0.20
        case "MultiStream" where reference.value <= 1_600_000: 0.20
        default: 0.10
        }
    }

    /// Compares the summaries of two runs.
    ///
    /// - Parameters:
    ///   - run: Folder of the test's run.
    ///   - reference: Folder of the normal performance run.
    /// - Returns: The verdict, with `verify_performance.txt` as the official script writes it.
    /// - Throws: `ComplianceError` for a summary that is missing or is none.
    public static func verify(run: String, reference: String) throws(ComplianceError) -> ComplianceVerdict {
        let name = "mlperf_log_summary.txt"
        return judge(
            test: try SummaryScore(contentsOfFile: "\(run)/\(name)"),
            reference: try SummaryScore(contentsOfFile: "\(reference)/\(name)")
        )
    }

    static func judge(test: SummaryScore, reference: SummaryScore) -> ComplianceVerdict {
        var lines = ["Verifying performance."]
        var check = ComplianceVerdict.Check(name: "performance", found: "", passed: false)
        lines += reference.errors.map { "WARNING: \($0) ERROR reported in reference results" }
        if reference.isInvalid {
            check.found = "the reference is INVALID"
            lines.append("TEST FAIL: Reference results are invalid")
            return verdict(lines, check)
        }
        lines += test.errors.map { "WARNING: \($0) ERROR reported in test results" }
        if test.isInvalid {
            check.found = "the test's run is INVALID"
            lines.append("TEST FAIL: Test results are invalid")
            return verdict(lines, check)
        }
        guard test.scenario == reference.scenario else {
            check.found = "the scenarios differ: \(test.scenario) and \(reference.scenario)"
            lines.append("Test and reference scenarios do not match!")
            return verdict(lines, check)
        }
        lines.append("reference score = \(reference.text)")
        lines.append("test score = \(test.text)")
        // The official script would go on with a score of 0, with which any reference is met.
        for (fault, whose) in [(reference.fault, "reference"), (test.fault, "test")] {
            guard let fault else { continue }
            check.found = "the summary of the \(whose) \(fault)"
            lines.append("TEST FAIL: Test score invalid")
            return verdict(lines, check)
        }
        let limit = reference.value * (1 + threshold(reference))
        check.passed = test.value < limit
        check.found = "\(test.text) against \(reference.text) (below \(decimal(limit)))"
        lines.append(check.passed ? "TEST PASS" : "TEST FAIL: Test score invalid")
        return verdict(lines, check)
    }

    private static func verdict(_ lines: [String], _ check: ComplianceVerdict.Check) -> ComplianceVerdict {
        ComplianceVerdict(
            test: .test04,
            checks: [check],
            files: [.init(name: ComplianceTest.performanceVerdict, text: lines.joined(separator: "\n") + "\n")]
        )
    }
}
