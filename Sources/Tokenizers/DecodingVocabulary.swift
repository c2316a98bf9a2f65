/// What each id decodes to, prepared at load time.
final class DecodingVocabulary: Sendable {
    /// How the reference library joins tokens to text.
    enum Rule: Sendable {
        /// sentencepiece: each bad byte is one U+FFFD, valid parts stay.
        case sentencePiece
        /// tokenizers' ByteFallback: a run of byte tokens that is not valid as a whole is U+FFFD byte for byte.
        case byteFallback
        /// tokenizers' ByteLevel: all bytes joined, then one U+FFFD per maximal bad part.
        case byteLevel
    }

    enum Kind: UInt8, Sendable {
        /// No token has this id.
        case hole
        case text
        /// Text whose first byte is a space that the vocabulary spelled U+2581.
        case markedText
        /// A byte; its text is that byte.
        case byte
    }

    /// What one id decodes to.
    struct Token {
        var text: [UInt8]
        var kind: Kind
        var isSpecial: Bool
    }

    /// One id, its text as a range of `arena`.
    struct Entry {
        var kind: Kind
        var isSpecial: Bool
        var range: Range<Int>
    }

    let rule: Rule
    /// How many spaces are dropped at the front of the text.
    let leadingSpaces: Int
    /// Whether every piece that starts with a space loses it as long as there is no text before it.
    let dropsAllLeadingSpaces: Bool
    let source: String
    let arena: [UInt8]
    private let starts: [UInt32]
    private let kinds: [Kind]
    private let specials: [Bool]

    init(
        rule: Rule,
        leadingSpaces: Int,
        dropsAllLeadingSpaces: Bool = false,
        source: String,
        tokens: [Token]
    ) {
        self.rule = rule
        self.leadingSpaces = leadingSpaces
        self.dropsAllLeadingSpaces = dropsAllLeadingSpaces
        self.source = source
        var arena: [UInt8] = []
        var starts: [UInt32] = [0]
        starts.reserveCapacity(tokens.count + 1)
        for token in tokens {
            arena.append(contentsOf: token.text)
            starts.append(UInt32(truncatingIfNeeded: arena.count))
        }
        self.arena = arena
        self.starts = starts
        kinds = tokens.map { $0.kind }
        specials = tokens.map { $0.isSpecial }
    }

    var count: Int { kinds.count }

    /// The entry of an id; throws for an id outside the vocabulary or in a hole of it.
    func entry(of id: UInt32) throws -> Entry {
        guard id < kinds.count, kinds[Int(id)] != .hole else {
            throw TokenizerError(
                source: source,
                problem: "token id \(id) is not in the vocabulary of \(kinds.count) ids",
                advice: "check that model and tokenizer belong together"
            )
        }
        let index = Int(id)
        return Entry(
            kind: kinds[index],
            isSpecial: specials[index],
            range: Int(starts[index])..<Int(starts[index + 1])
        )
    }

    /// The bytes of an id before any repair of broken UTF-8.
    func bytes(of id: UInt32) throws -> ArraySlice<UInt8> {
        arena[try entry(of: id).range]
    }
}
