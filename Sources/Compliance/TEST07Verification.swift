/// TEST07: the responses of a performance run score at least a threshold.
public enum TEST07Verification {
    /// The key of the threshold in the test's `audit.config`.
    public static let thresholdKey = "test07_accuracy_threshold"

    /// Judges what scoring the test's accuracy log printed.
    ///
    /// - Parameters:
    ///   - accuracy: The text, with the benchmark's score as `'exact_match': 62.15`.
    ///   - threshold: The least score.
    /// - Returns: The verdict, with `verify_accuracy.txt` as the official script writes it: the text, and a summary.
    public static func verify(accuracy: String, threshold: Double) -> ComplianceVerdict {
        let rule = String(repeating: "=", count: 80)
        var text = accuracy + "\n\(rule)\nTEST07 Verification Summary\n\(rule)\n"
        var check = ComplianceVerdict.Check(name: "exact_match", found: "", passed: false)
        if let score = score(in: accuracy) {
            check.passed = score >= threshold
            check.found = "\(score) (at least \(threshold))"
            text += "Accuracy score: \(score)\nAccuracy threshold: \(threshold)\n"
            text += "Accuracy check pass: \(check.passed ? "True" : "False")\n"
        } else {
            check.found = "not found: scoring printed no line with 'exact_match': NUMBER"
            text += "Error: Could not parse accuracy score\n"
        }
        text += check.passed ? "TEST PASS\n" : "TEST FAIL\n"
        return ComplianceVerdict(
            test: .test07,
            checks: [check],
            files: [.init(name: ComplianceTest.accuracyVerdict, text: text)]
        )
    }

    /// The number behind the first `'exact_match':`, over white space; nil where there is none.
    private static func score(in text: String) -> Double? {
        let mark = Array("'exact_match':".utf8)
        let bytes = Array(text.utf8)
        var start = 0
        while start + mark.count <= bytes.count {
            guard bytes[start..<(start + mark.count)].elementsEqual(mark) else {
                start += 1
                continue
            }
            let rest = bytes[(start + mark.count)...].drop { $0 == UInt8(ascii: " ") || (0x09...0x0D).contains($0) }
            let digits = rest.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            // The official script takes the first place where the pattern matches, and gives up if that is no number.
            if !digits.isEmpty { return Double(String(decoding: digits, as: UTF8.self)) }
            start += mark.count
        }
        return nil
    }
}
