/// A tokenizer made from a sentencepiece model, such as Llama 2's `tokenizer.model`.
///
/// It gives what the sentencepiece library gives: special tokens written out in a text are plain text, a code point
/// without a piece becomes its UTF-8 bytes (or the unknown token, once per run, where the model has no byte pieces), and
/// decoding writes control pieces as nothing and the unknown piece as the model's `unk_surface`, whatever
/// `skipSpecialTokens` says.
public struct SentencePieceTokenizer: Tokenizer {
    /// The number of pieces.
    public let vocabularySize: Int

    /// The id of the control piece that `trainer_spec.bos_piece` names.
    public internal(set) var bosToken: UInt32?

    /// The id of the control piece that `trainer_spec.eos_piece` names.
    public internal(set) var eosToken: UInt32?

    /// Whether `addSpecialTokens` puts ``bosToken`` in front.
    public var addsBOS = true

    /// Whether `addSpecialTokens` puts ``eosToken`` at the end.
    public var addsEOS = false

    private static let spaceMark: UInt32 = 0x2581

    private let controlTokens: [[UInt8]: UInt32]
    private let addDummyPrefix: Bool
    private let removeExtraWhitespaces: Bool
    private let space: UInt32
    private let encoder: BytePairEncoder
    private let pool = BufferPool()
    private let decoding: DecodingVocabulary

    /// Builds the tables from a parsed model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - source: The file's name, for errors.
    /// - Throws: ``TokenizerError`` naming the field when the model contradicts itself or needs what is not implemented
    ///   (unigram, word and char models, normalisation other than the identity, user-defined and unused
    ///   pieces).
    public init(_ model: SentencePieceModel, source: String) throws {
        try Self.checkSupport(model, source: source)
        vocabularySize = model.pieces.count
        addDummyPrefix = model.addDummyPrefix
        removeExtraWhitespaces = model.removeExtraWhitespaces
        space = model.escapeWhitespaces ? Self.spaceMark : 0x20

        let vocabulary = try SentencePieceVocabulary(model, source: source)
        var controlTokens: [[UInt8]: UInt32] = [:]
        for (id, piece) in model.pieces.enumerated() where piece.type == .control {
            controlTokens[piece.text] = UInt32(truncatingIfNeeded: id)
        }
        self.controlTokens = controlTokens
        bosToken = controlTokens[model.bosPiece]
        eosToken = controlTokens[model.eosPiece]
        encoder = try vocabulary.makeEncoder(model, space: space, source: source)
        decoding = vocabulary.makeDecoding(model, source: source)
    }

    /// Reads a model file.
    ///
    /// - Parameter path: The path of `tokenizer.model`.
    /// - Throws: ``TokenizerError`` when the file cannot be read, is malformed, or needs what is not implemented.
    public init(path: String) throws {
        try self.init(try SentencePieceModel(parsing: try readTokenizerFile(path), source: path), source: path)
    }

    /// Turns UTF-8 bytes into ids, as ``Tokenizer`` states.
    public func encode(_ text: Span<UInt8>, addSpecialTokens: Bool) throws -> [UInt32] {
        guard text.count < TokenizerLimits.symbols else { throw textTooLong(text.count, source: decoding.source) }
        return pool.withBuffers { buffers in
            if addSpecialTokens, addsBOS, let bosToken { buffers.append(bosToken) }
            text.withUnsafeBufferPointer { bytes in
                if removeExtraWhitespaces {
                    withoutExtraSpaces(bytes).withUnsafeBufferPointer { encode($0, buffers) }
                } else {
                    encode(bytes, buffers)
                }
            }
            if addSpecialTokens, addsEOS, let eosToken { buffers.append(eosToken) }
            return buffers.takeIDs()
        }
    }

    /// Starts a decoder, as ``Tokenizer`` states.
    public func makeDecoder(skipSpecialTokens: Bool) -> IncrementalDecoder {
        IncrementalDecoder(decoding, skipSpecialTokens: skipSpecialTokens)
    }

    /// The id of a control piece, such as `<s>`.
    ///
    /// - Parameter text: The piece.
    /// - Returns: The id, or nil if there is no control piece of this text.
    public func controlToken(_ text: String) -> UInt32? {
        controlTokens[Array(text.utf8)]
    }

    private func encode(_ bytes: UnsafeBufferPointer<UInt8>, _ buffers: EncodingBuffers) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        var text = NormalizedText(reusing: &buffers.text, capacity: bytes.count + 1)
        if addDummyPrefix { text.append(0x20) }
        // U+2581 written in the text is a space like any other.
        text.append(base, bytes.count, foldsMark: space == Self.spaceMark)
        text.finish(&buffers.text)
        buffers.text.withUnsafeBufferPointer { encoder.encode($0, buffers) }
    }

    // normalizer.cc with remove_extra_whitespaces: no space at either end, one between words. A U+2581 written in the
    // text counts as a space at the end only.
    private func withoutExtraSpaces(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var afterSpace = true
        for byte in bytes {
            if byte == UInt8(ascii: " "), afterSpace { continue }
            kept.append(byte)
            afterSpace = byte == UInt8(ascii: " ")
        }
        let mark: [UInt8] = [0xE2, 0x96, 0x81]
        while true {
            if kept.last == UInt8(ascii: " ") {
                kept.removeLast()
            } else if space == Self.spaceMark, kept.suffix(3).elementsEqual(mark) {
                kept.removeLast(3)
            } else {
                return kept
            }
        }
    }

    private static func checkSupport(_ model: SentencePieceModel, source: String) throws {
        func refuse(_ field: String, _ problem: String) -> TokenizerError {
            TokenizerError(
                source: source,
                field: field,
                problem: problem,
                advice: "use the model's tokenizer.json if there is one"
            )
        }
        guard model.modelType == .bpe else {
            throw refuse("trainer_spec.model_type", "\(model.modelType) models are not implemented, only bpe")
        }
        guard model.normalizerCharsmapBytes == 0 else {
            throw refuse(
                "normalizer_spec.precompiled_charsmap",
                "normalisation '\(model.normalizerName)' is not implemented, only 'identity'"
            )
        }
        guard model.denormalizerCharsmapBytes == 0 else {
            throw refuse("denormalizer_spec.precompiled_charsmap", "denormalisation is not implemented")
        }
        guard !model.treatWhitespaceAsSuffix else {
            throw refuse("trainer_spec.treat_whitespace_as_suffix", "true is not implemented")
        }
        for (index, piece) in model.pieces.enumerated() where piece.type == .userDefined || piece.type == .unused {
            throw refuse("pieces[\(index)].type", "pieces of type \(piece.type) are not implemented")
        }
    }
}

func textTooLong(_ count: Int, source: String) -> TokenizerError {
    TokenizerError(
        source: source,
        problem: "the text has \(count) bytes, more than \(TokenizerLimits.symbols)",
        advice: "split it"
    )
}
