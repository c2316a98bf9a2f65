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

    /// Where the bytes of an id are, and what they are; one load for each id.
    struct Place {
        var start: UInt32
        var length: UInt32
        var kind: Kind
        var isSpecial: Bool
        /// Whether the bytes are characters and no parts of characters, so that they can be written at once.
        var isWhole: Bool
    }

    /// So many bytes may be read from the start of any text.
    static let padding = 16

    let rule: Rule
    /// How many spaces are dropped at the front of the text.
    let leadingSpaces: Int
    /// Whether every piece that starts with a space loses it as long as there is no text before it.
    let dropsAllLeadingSpaces: Bool
    let source: String
    /// The texts of all ids, and ``padding``.
    let arena: [UInt8]
    let places: [Place]

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
        arena.reserveCapacity(8 * tokens.count)
        places = tokens.map { token in
            let start = arena.count
            arena.append(contentsOf: token.text)
            return Place(
                start: UInt32(truncatingIfNeeded: start),
                length: UInt32(truncatingIfNeeded: token.text.count),
                kind: token.kind,
                isSpecial: token.isSpecial,
                isWhole: token.kind != .hole && token.kind != .byte
                    && token.text.withUnsafeBufferPointer(UTF8Sequence.isValid)
            )
        }
        arena.append(contentsOf: [UInt8](repeating: 0, count: Self.padding))
        self.arena = arena
    }

    var count: Int { places.count }

    /// The entry of an id; throws for an id outside the vocabulary or in a hole of it.
    func entry(of id: UInt32) throws -> Entry {
        guard id < places.count, case let place = places[Int(id)], place.kind != .hole else {
            throw TokenizerError(
                source: source,
                problem: "token id \(id) is not in the vocabulary of \(places.count) ids",
                advice: "check that model and tokenizer belong together"
            )
        }
        let start = Int(place.start)
        return Entry(kind: place.kind, isSpecial: place.isSpecial, range: start..<(start + Int(place.length)))
    }

    /// The bytes of an id before any repair of broken UTF-8.
    func bytes(of id: UInt32) throws -> ArraySlice<UInt8> {
        arena[try entry(of: id).range]
    }
}
