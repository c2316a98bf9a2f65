/// The BPE model of a tokenizer.json: turns one word into ids.
struct BytePairWords: Sendable {
    /// What a word is made of before merging.
    enum Symbols: Sendable {
        /// Bytes, each with a token.
        case bytes([UInt32])
        /// Code points; those without a token are bytes where `byteTokens` has 256, else unknown.
        case codePoints(CodePointTable, byteTokens: [UInt32])
    }

    let symbols: Symbols
    let merges: MergeTable
    let unknownToken: UInt32?
    let fusesUnknown: Bool
    /// Whole words that win before any merging (`ignore_merges`), by content; nil when merging always decides.
    let wholeWords: PieceTable?
    /// Tokens by their text in the file.
    let vocabulary: PieceTable
    /// Where a long word may be cut because no merge reaches across.
    ///
    /// That is before U+2581, unless this table has 1 for the code point in front of it. Nil when no cut is known to be
    /// safe.
    let joinsToMark: CodePointTable?

    func id(of token: [UInt8]) -> UInt32? {
        let id = vocabulary.id(of: token)
        return id == PieceTable.none ? nil : id
    }

    /// Appends the ids of one word, which must be valid UTF-8.
    ///
    /// `buffer` is empty before and after.
    @inline(__always)
    func encode(
        _ word: UnsafeBufferPointer<UInt8>,
        _ buffer: inout [UInt32],
        _ merger: PairMerger,
        into ids: inout [UInt32]
    ) {
        if let wholeWords {
            let id = wholeWords.id(of: word, hash: PieceTable.hash(word))
            if id != PieceTable.none {
                ids.append(id)
                return
            }
        }
        switch symbols {
        case .bytes(let tokens):
            for byte in word { buffer.append(tokens[Int(byte)]) }
            emit(&buffer, merger, into: &ids)
        case .codePoints(let table, let byteTokens):
            encode(word, &buffer, table, byteTokens, merger, into: &ids)
        }
    }

    // tokenizers, models/bpe/model.rs, merge_word: an unknown token is held back until a known code point or the end of
    // the word, past byte tokens.
    private func encode(
        _ word: UnsafeBufferPointer<UInt8>,
        _ buffer: inout [UInt32],
        _ table: CodePointTable,
        _ byteTokens: [UInt32],
        _ merger: PairMerger,
        into ids: inout [UInt32]
    ) {
        let mark: UInt32 = 0x2581
        var heldUnknown: UInt32? = nil
        var previous: UInt32? = nil
        forEachCodePoint(word) { codePoint, _, _ in
            let id = table[codePoint]
            if id != PieceTable.none {
                if let unknown = heldUnknown {
                    buffer.append(unknown)
                    heldUnknown = nil
                }
                if codePoint == mark, let joinsToMark, let previous, joinsToMark[previous] == 0 {
                    emit(&buffer, merger, into: &ids)
                }
                buffer.append(id)
            } else if !byteTokens.isEmpty {
                forEachUTF8Byte(of: codePoint) { buffer.append(byteTokens[Int($0)]) }
            } else if let unknownToken {
                if let unknown = heldUnknown, !fusesUnknown { buffer.append(unknown) }
                heldUnknown = unknownToken
            }
            previous = codePoint
        }
        if let unknown = heldUnknown { buffer.append(unknown) }
        emit(&buffer, merger, into: &ids)
    }

    @inline(__always)
    private func emit(_ buffer: inout [UInt32], _ merger: PairMerger, into ids: inout [UInt32]) {
        merger.merge(&buffer, merges)
        ids.append(contentsOf: buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
