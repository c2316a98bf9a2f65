internal import RunRecords

/// TEST09: responses in performance mode are as long as the reference's.
public enum TEST09Verification {
    /// The keys of the bounds in the test's `audit.config`.
    public static let boundKeys = (minimum: "test09_min_output_tokens", maximum: "test09_max_output_tokens")

    /// Verifies the mean number of tokens in the accuracy log of the test's run.
    ///
    /// - Parameters:
    ///   - run: Folder of the test's run; its responses are 32-bit token ids.
    ///   - bounds: The least and the greatest mean.
    /// - Returns: The verdict, with `verify_output_len.txt` as the official script writes it.
    /// - Throws: `ComplianceError` for a log that is missing, empty, cut off or no accuracy log.
    public static func verify(run: String, bounds: ClosedRange<Double>) throws(ComplianceError) -> ComplianceVerdict {
        var lengths: [Int] = []
        var findings = FindingList()
        try AccuracyLog.forEachResponse(in: run) { response in
            lengths.append(response.data.count / 4)
            if !response.data.count.isMultiple(of: 4) {
                findings.note(
                    "The response is no list of int32 tokens",
                    "sample \(response.index) has \(response.data.count) bytes"
                )
            }
        }
        return judge(lengths, bounds: bounds, findings: findings)
    }

    private static func judge(
        _ lengths: [Int],
        bounds: ClosedRange<Double>,
        findings: FindingList
    ) -> ComplianceVerdict {
        let count = Double(lengths.count)
        let mean = Double(lengths.reduce(0, +)) / count
        let variance = lengths.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        let longEnough = mean >= bounds.lowerBound
        let shortEnough = mean <= bounds.upperBound
        let isReadable = findings.isEmpty
        let passed = longEnough && shortEnough && isReadable
        let rule = String(repeating: "=", count: 80)
        let text = """
            \(rule)
            TEST09: Verify Output Token Length in Performance Mode
            \(rule)

            Output Token Length Statistics
            \(String(repeating: "-", count: 40))
            Total samples: \(lengths.count)
            Mean output tokens: \(decimal(mean))
            Min output tokens: \(lengths.min() ?? 0)
            Max output tokens: \(lengths.max() ?? 0)
            Std deviation: \(decimal(variance.squareRoot()))

            \(rule)
            Verification Results
            \(rule)
            Mean output tokens: \(decimal(mean))
            Min threshold: \(bounds.lowerBound)
            Max threshold: \(bounds.upperBound)
            Min check pass: \(longEnough ? "True" : "False")
            Max check pass: \(shortEnough ? "True" : "False")

            \(passed ? "TEST PASS" : "TEST FAIL")

            """
        var checks = [
            ComplianceVerdict.Check(
                name: "mean output tokens",
                found: "\(decimal(mean)) (\(bounds.lowerBound) to \(bounds.upperBound))",
                passed: longEnough && shortEnough
            )
        ]
        if !isReadable {
            checks.append(.init(name: "responses are token ids", found: "not all", passed: false))
        }
        return ComplianceVerdict(
            test: .test09,
            checks: checks,
            findings: findings.sentences,
            files: [.init(name: ComplianceTest.test09.verdictFiles[0], text: text)]
        )
    }
}
