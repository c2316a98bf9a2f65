/// A score in `accuracy.txt`, found as the official checker finds it.
///
/// Source: `ACC_PATTERN` of mlcommons/inference, tools/submission/submission_checker/constants.py.
public enum ScoredMetric: String, Sendable {
    /// ROUGE-1, in percent.
    case rouge1
    /// ROUGE-2, in percent.
    case rouge2
    /// ROUGE-L, in percent.
    case rougeL
    /// Mean length of the answers in tokens.
    case tokensPerSample = "tokens_per_sample"
    /// Answers that are right, in percent.
    case exactMatch = "exact_match"
    /// VBench's score, in percent.
    case vbenchScore = "vbench_score"

    /// ROUGE scores may stand in quotes and after several blanks, the others not.
    private var isLenient: Bool { self == .rouge1 || self == .rouge2 || self == .rougeL }

    /// The digits and points of the last match in a line; nil where there is none.
    ///
    /// The text need not be a number: `1.2.3` is matched too, and stops the official checker.
    ///
    /// - Parameter line: The line, without its end.
    /// - Returns: The matched text.
    public func match(in line: some StringProtocol) -> Substring? {
        let text = Array(line.utf8)
        let name = Array("'\(rawValue)':".utf8)
        guard text.count > name.count else { return nil }
        for start in stride(from: text.count - name.count, through: 0, by: -1)
        where text[start] == name[0] && text[start...].starts(with: name) {
            if let found = value(text[(start + name.count)...]) { return found }
        }
        return nil
    }

    private func value(_ text: ArraySlice<UInt8>) -> Substring? {
        var rest = text
        guard let blank = rest.popFirst(), Self.isBlank(blank) else { return nil }
        if isLenient {
            rest = rest.drop(while: Self.isBlank)
            if rest.first == UInt8(ascii: "'") { rest.removeFirst() }
        }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }
        return digits.isEmpty ? nil : Substring(decoding: digits, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
