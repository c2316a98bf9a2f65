/// What is written behind a key.
///
/// Its type is decided by the key, not by how it looks: `on` is a text, and no number either.
public enum ConfigValue: Sendable, Equatable, CustomStringConvertible {
    /// `null`, `~` or nothing: the default holds.
    case null
    /// A word or text; `quoted` when it stood in quotes, so that it is a text even if it looks like a number.
    case scalar(String, quoted: Bool)
    /// A list.
    case list([ConfigValue])

    /// The value as it appears in messages, short.
    public var description: String {
        switch self {
        case .null: "null"
        case .scalar(let text, quoted: false): "'\(text.shortened(to: 60))'"
        case .scalar(let text, quoted: true): "the quoted text \"\(text.shortened(to: 60))\""
        case .list(let values): "a list of \(values.count)"
        }
    }
}

/// One key with its value, as written by the user.
public struct ConfigSetting: Sendable, Equatable {
    /// The parts of the dotted key, with dashes turned into underscores.
    public var path: [String]
    /// The value.
    public var value: ConfigValue
    /// Where it was written.
    public var origin: ConfigOrigin

    /// The dotted key.
    public var key: String { path.joined(separator: ".") }

    /// - Parameters:
    ///   - path: The parts of the dotted key.
    ///   - value: The value.
    ///   - origin: Where it was written.
    public init(path: [String], value: ConfigValue, origin: ConfigOrigin) {
        self.path = path
        self.value = value
        self.origin = origin
    }
}

enum ConfigPath {
    /// Parts of a dotted key are few; more is a mistake or an attack.
    static let maximumDepth = 8

    /// The parts of a dotted key, with dashes as underscores; nil when a part is empty or there are too many.
    static func parts(of key: String) -> [String]? {
        let bytes = key.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= maximumDepth, parts.allSatisfy({ !$0.isEmpty }), bytes.count <= 256 else { return nil }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }
}
