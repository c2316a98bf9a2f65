/// One step of a tokenizer.json normaliser.
enum TextReplacement: Sendable {
    /// Puts a text in front of any text that is not empty.
    case prepend([UInt8])
    /// Replaces every occurrence of a text.
    case replace([UInt8], by: [UInt8])

    func apply(to text: [UInt8]) -> [UInt8] {
        switch self {
        case .prepend(let prefix):
            text.isEmpty ? text : prefix + text
        case .replace(let pattern, let content):
            replacing(pattern, by: content, in: text)
        }
    }

    /// The most that the length of a text is multiplied by, rounded up.
    var growth: Int {
        switch self {
        case .prepend: 1
        case .replace(let pattern, let content): max(1, (content.count + pattern.count - 1) / max(pattern.count, 1))
        }
    }

    /// The length of what ``apply(to:)`` gives; where that is surely less than `limit`, a bound below `limit`.
    func length(of text: [UInt8], below limit: Int) -> Int {
        switch self {
        case .prepend(let prefix):
            return text.isEmpty ? 0 : prefix.count + text.count
        case .replace(let pattern, let content):
            let (most, overflows) = text.count.multipliedReportingOverflow(by: growth)
            if !overflows, most < limit { return most }
            return text.count + occurrences(of: pattern, in: text) * (content.count - pattern.count)
        }
    }
}

extension [TextReplacement] {
    /// The text after all steps; nil if one of them would give `limit` bytes or more.
    func apply(to text: [UInt8], below limit: Int) -> [UInt8]? {
        var text = text
        for step in self {
            guard step.length(of: text, below: limit) < limit else { return nil }
            text = step.apply(to: text)
        }
        return text
    }
}
