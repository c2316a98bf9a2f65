/// A key that the host understands: its name, what may stand behind it, and what it is for.
///
/// `ConfigKey.all` is the one list from which unknown keys are told, help is printed and documentation is made.
public struct ConfigKey: Sendable {
    /// What may stand behind a key.
    public enum Kind: Sendable, Equatable {
        /// Any text.
        case text
        /// A file or folder; a relative one is relative to the working directory.
        case path
        /// `true` or `false`.
        case boolean
        /// An integer within bounds.
        case integer(ClosedRange<Int>)
        /// A number within bounds.
        case number(ClosedRange<Double>)
        /// One of several words; capitals, dashes and underscores do not matter.
        case choice([String])
        /// A list of numbers.
        case numbers
    }

    /// The dotted name.
    public let name: String
    /// Other names with the same meaning, among them the short ones for the command line.
    public let aliases: [String]
    /// What may stand behind it.
    public let kind: Kind
    /// Whether -1 means that it is not set, as in AMD's harness.
    public let minusOneUnsets: Bool
    /// One sentence for the user.
    public let help: String
    /// Why the key has no effect, for keys that are read for the sake of existing commands; nil for all others.
    public let withoutEffect: String?

    init(
        _ name: String,
        _ kind: Kind,
        aliases: [String] = [],
        minusOneUnsets: Bool = false,
        withoutEffect: String? = nil,
        _ help: String
    ) {
        self.name = name
        self.kind = kind
        self.aliases = aliases
        self.minusOneUnsets = minusOneUnsets
        self.withoutEffect = withoutEffect
        self.help = help
    }

    /// What may stand behind the key, in words: `an integer from 0 to 4096`.
    public var expectation: String {
        switch kind {
        case .text: "a text"
        case .path: "a path"
        case .boolean: "true or false"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .numbers: "a list of numbers"
        }
    }
}
