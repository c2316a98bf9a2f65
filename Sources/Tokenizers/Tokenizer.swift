/// Converts text to token ids and back.
///
/// Text is UTF-8. Input that is not valid UTF-8 is read as sentencepiece reads it: every byte that does not belong to a
/// well-formed sequence stands for one U+FFFD.
public protocol Tokenizer: Sendable {
    /// One more than the largest id, so that logits of this width cover every token.
    var vocabularySize: Int { get }

    /// The id that starts a text, if the tokenizer names one.
    var bosToken: UInt32? { get }

    /// The id that ends a text, if the tokenizer names one.
    var eosToken: UInt32? { get }

    /// Turns UTF-8 bytes into ids.
    ///
    /// - Parameters:
    ///   - text: UTF-8 bytes; invalid bytes become U+FFFD.
    ///   - addSpecialTokens: Whether the tokenizer's own frame, such as a leading BOS, is put around the text.
    /// - Returns: The ids, the same as the reference library gives.
    /// - Throws: ``TokenizerError`` for a text of more than 2^31 symbols.
    func encode(_ text: Span<UInt8>, addSpecialTokens: Bool) throws -> [UInt32]

    /// Starts a decoder that takes ids one at a time.
    ///
    /// - Parameter skipSpecialTokens: Whether special tokens leave no trace in the text.
    /// - Returns: A decoder in its initial state.
    func makeDecoder(skipSpecialTokens: Bool) -> IncrementalDecoder
}

extension Tokenizer {
    /// Turns UTF-8 bytes into ids.
    ///
    /// - Parameters:
    ///   - text: UTF-8 bytes; invalid bytes become U+FFFD.
    ///   - addSpecialTokens: Whether the tokenizer's own frame, such as a leading BOS, is put around the text.
    /// - Returns: The ids, the same as the reference library gives.
    /// - Throws: ``TokenizerError`` for a text of more than 2^31 symbols.
    public func encode(_ text: [UInt8], addSpecialTokens: Bool) throws -> [UInt32] {
        try encode(text.span, addSpecialTokens: addSpecialTokens)
    }

    /// Turns a string into ids.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - addSpecialTokens: Whether the tokenizer's own frame, such as a leading BOS, is put around the text.
    /// - Returns: The ids, the same as the reference library gives.
    /// - Throws: ``TokenizerError`` for a text of more than 2^31 symbols.
    public func encode(_ text: String, addSpecialTokens: Bool) throws -> [UInt32] {
        try encode(Array(text.utf8).span, addSpecialTokens: addSpecialTokens)
    }

    /// Turns ids into UTF-8 text.
    ///
    /// - Parameters:
    ///   - ids: Token ids.
    ///   - skipSpecialTokens: Whether special tokens leave no trace in the text.
    /// - Returns: Valid UTF-8; bytes that form no character are U+FFFD, counted as the reference library counts them.
    /// - Throws: ``TokenizerError`` for an id that the vocabulary does not have.
    public func decode(_ ids: [UInt32], skipSpecialTokens: Bool) throws -> [UInt8] {
        var decoder = makeDecoder(skipSpecialTokens: skipSpecialTokens)
        return try decoder.decodeAll(ids)
    }
}
