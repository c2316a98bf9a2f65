/// A tokenizer made from a Hugging Face `tokenizer.json` with a BPE model.
///
/// It gives what the `tokenizers` library gives. The forms it knows are those of Llama-architecture models: character
/// level with byte fallback (Prepend and Replace normalisers or a Metaspace pre-tokenizer) and byte level with one of the
/// ``WordPattern`` expressions. Anything else in the file is an error that names the field.
public struct BytePairTokenizer: Tokenizer {
    /// One more than the largest id.
    public let vocabularySize: Int

    /// The id that starts a text: see ``loadTokenizer(folder:)``; from the file alone, the token that its template puts
    /// first.
    public internal(set) var bosToken: UInt32?

    /// The id that ends a text: see ``loadTokenizer(folder:)``; from the file alone, the token that its template puts
    /// last.
    public internal(set) var eosToken: UInt32?

    /// Whether the text of a special token in the input becomes that token, as `tokenizers` does by default, or is read
    /// as plain text, as untrusted input should be.
    public var readsSpecialTokens = true

    // What `addSpecialTokens` puts around the ids of a text.
    var prefix: [UInt32]
    var suffix: [UInt32]

    private let words: BytePairWords
    private let normalizer: [TextReplacement]
    private let preTokenizer: PreTokenizer
    private let tokens: AddedTokens
    private let decoding: DecodingVocabulary
    private let pool = BufferPool()

    /// Builds the tables from the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The whole `tokenizer.json`.
    ///   - source: The file's name, for errors.
    /// - Throws: ``TokenizerError`` naming the field for anything malformed or not implemented.
    public init(parsing bytes: [UInt8], source: String) throws {
        self.init(try TokenizerJSON(parsing: bytes, source: source))
    }

    init(_ file: TokenizerJSON) {
        vocabularySize = file.decoding.count
        prefix = file.prefix
        suffix = file.suffix
        bosToken = file.prefix.first
        eosToken = file.suffix.last
        words = file.words
        normalizer = file.normalizer
        preTokenizer = file.preTokenizer
        tokens = file.addedTokens
        decoding = file.decoding
    }

    /// Reads a file.
    ///
    /// - Parameter path: The path of `tokenizer.json`.
    /// - Throws: ``TokenizerError`` when the file cannot be read, is malformed, or needs what is not implemented.
    public init(path: String) throws {
        try self.init(parsing: try readTokenizerFile(path), source: path)
    }

    /// Turns UTF-8 bytes into ids, as ``Tokenizer`` states.
    public func encode(_ text: Span<UInt8>, addSpecialTokens: Bool) throws -> [UInt32] {
        guard text.count < TokenizerLimits.symbols else { throw textTooLong(text.count, source: decoding.source) }
        return try pool.withBuffers { buffers in
            if addSpecialTokens { buffers.append(contentsOf: prefix) }
            try text.withUnsafeBufferPointer { bytes in
                if UTF8Sequence.isValid(bytes) {
                    try encode(bytes, buffers)
                } else if let base = bytes.baseAddress {
                    var text = NormalizedText(reusing: &buffers.text, capacity: bytes.count + bytes.count / 2)
                    text.append(base, bytes.count, foldsMark: false)
                    text.finish(&buffers.text)
                    try buffers.text.withUnsafeBufferPointer { try encode($0, buffers) }
                }
            }
            if addSpecialTokens { buffers.append(contentsOf: suffix) }
            return buffers.takeIDs()
        }
    }

    /// Starts a decoder, as ``Tokenizer`` states.
    public func makeDecoder(skipSpecialTokens: Bool) -> IncrementalDecoder {
        IncrementalDecoder(decoding, skipSpecialTokens: skipSpecialTokens)
    }

    /// The bytes of a token before the text is repaired, for byte-level vocabularies part of a character or more.
    ///
    /// - Parameter id: A token.
    /// - Returns: Its bytes.
    /// - Throws: ``TokenizerError`` for an id that the vocabulary does not have.
    public func bytes(of id: UInt32) throws -> [UInt8] {
        Array(try decoding.bytes(of: id))
    }

    /// The id of a token by its text as the file spells it, special or not.
    ///
    /// - Parameter token: The text, for example `<|begin_of_text|>`.
    /// - Returns: The id, or nil if there is no such token.
    public func id(of token: String) -> UInt32? {
        tokens.id(of: Array(token.utf8)) ?? words.id(of: Array(token.utf8))
    }

    private func encode(_ text: UnsafeBufferPointer<UInt8>, _ buffers: EncodingBuffers) throws {
        try tokens.raw(readsSpecialTokens).forEachPart(of: text) { id, range in
            if let id {
                buffers.append(id)
                return
            }
            let part = UnsafeBufferPointer(rebasing: text[range])
            if normalizer.isEmpty {
                encodeNormalized(part, isStart: range.lowerBound == 0, buffers)
            } else {
                guard let normalized = normalizer.apply(to: Array(part), below: TokenizerLimits.symbols) else {
                    // What was found so far is no part of the next text.
                    _ = buffers.takeIDs()
                    throw TokenizerError(
                        source: decoding.source,
                        field: "normalizer",
                        problem: "turns \(part.count) bytes of text into \(TokenizerLimits.symbols) or more",
                        advice: "encode it in parts"
                    )
                }
                normalized.withUnsafeBufferPointer {
                    encodeNormalized($0, isStart: range.lowerBound == 0, buffers)
                }
            }
        }
    }

    private func encodeNormalized(
        _ text: UnsafeBufferPointer<UInt8>,
        isStart: Bool,
        _ buffers: EncodingBuffers
    ) {
        tokens.normalized(readsSpecialTokens).forEachPart(of: text) { id, range in
            if let id {
                buffers.append(id)
                return
            }
            let part = UnsafeBufferPointer(rebasing: text[range])
            words.encode(buffers) { encode in
                switch preTokenizer {
                case .none:
                    encode(part)
                case .pattern(let pattern):
                    pattern.forEachWord(in: part) { encode(UnsafeBufferPointer(rebasing: part[$0])) }
                case .metaspace(let metaspace):
                    metaspace.forEachWord(in: part, isStart: isStart && range.lowerBound == 0, encode)
                }
            }
        }
    }
}
