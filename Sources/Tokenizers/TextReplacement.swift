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
}
