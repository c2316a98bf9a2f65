/// A character-level BPE model whose words are merged as tokenizers does it, step by step.
///
/// For files that no published model has: with merges of byte tokens or of the unknown token, with byte tokens for some
/// bytes only, or with neither for a code point that has no token.
struct MergedWords: Sendable {
    let symbols: CodePointTable
    /// The tokens of bytes, `PieceTable.none` for those without; empty if no byte has one.
    let byteTokens: [UInt32]
    let merges: MergeTable
    let unknownToken: UInt32?
    let fusesUnknown: Bool
    /// Whole words that win before any merging (`ignore_merges`), by content; nil when merging always decides.
    let wholeWords: PieceTable?

    // tokenizers, models/bpe/model.rs, merge_word: byte tokens serve a code point if all its bytes have one; an unknown
    // token is held back until a known code point or the end of the word, past byte tokens.
    func encode(_ word: UnsafeBufferPointer<UInt8>, _ buffers: EncodingBuffers) {
        if let wholeWords {
            let id = wholeWords.id(of: word, hash: PieceTable.hash(word))
            if id != PieceTable.none {
                buffers.append(id)
                return
            }
        }
        buffers.symbols.removeAll(keepingCapacity: true)
        var heldUnknown: UInt32? = nil
        forEachCodePoint(word) { codePoint, _, _ in
            let id = symbols[codePoint]
            if id != PieceTable.none {
                if let unknown = heldUnknown {
                    buffers.symbols.append(unknown)
                    heldUnknown = nil
                }
                buffers.symbols.append(id)
            } else if hasByteTokens(codePoint) {
                forEachUTF8Byte(of: codePoint) { buffers.symbols.append(byteTokens[Int($0)]) }
            } else if let unknownToken {
                if let unknown = heldUnknown, !fusesUnknown { buffers.symbols.append(unknown) }
                heldUnknown = unknownToken
            }
        }
        if let unknown = heldUnknown { buffers.symbols.append(unknown) }
        buffers.merger.merge(&buffers.symbols, merges)
        buffers.append(contentsOf: buffers.symbols)
    }

    private func hasByteTokens(_ codePoint: UInt32) -> Bool {
        if byteTokens.isEmpty { return false }
        var hasAll = true
        forEachUTF8Byte(of: codePoint) { hasAll = hasAll && byteTokens[Int($0)] != PieceTable.none }
        return hasAll
    }
}
