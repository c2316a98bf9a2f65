/// Where a setting was written, for error messages.
public enum ConfigOrigin: Sendable, Equatable, CustomStringConvertible {
    /// In a YAML file; lines count from 1.
    case file(path: String, line: Int)
    /// On the command line; `position` counts words from 1, `text` is the word.
    case word(position: Int, text: String)

    /// `configs/offline.yaml:12` or `command-line word 3, 'test_mode=fast'`.
    public var description: String {
        switch self {
        case .file(let path, let line): "\(path):\(line)"
        case .word(let position, let text): "command-line word \(position), '\(text.shortened(to: 120))'"
        }
    }
}

extension String {
    /// The text, cut to about `limit` characters, without control characters: fit for a message.
    func shortened(to limit: Int) -> String {
        var result = ""
        for (count, character) in unicodeScalars.enumerated() {
            if count == limit { return result + "..." }
            result.unicodeScalars.append(character.value < 0x20 || character.value == 0x7F ? "?" : character)
        }
        return result
    }
}
