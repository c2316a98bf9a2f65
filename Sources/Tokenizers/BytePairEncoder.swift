/// Byte-pair encoding of a text from left to right, in time proportional to its length.
///
/// At each place the longest token that may follow the one before is tried, then shorter ones; where none may follow, the
/// one before is given up. The tokens up to a place are unique (``TokenBoundaries``), so a place that was given up is
/// never reached again. All tables come from the vocabulary alone.
struct BytePairEncoder: Sendable {
    /// What becomes of a code point without a token.
    struct Unlisted: Sendable {
        /// The tokens of its bytes; empty if there are none.
        var byteTokens: [UInt32]
        /// Stands for it where there are no byte tokens.
        var unknownToken: UInt32
        /// Whether neighbouring ones share one unknown token.
        var fusesUnknown: Bool
        /// What the byte 0x20 of a normalised text stands for.
        var space: [UInt8] = [0x20]
    }

    /// What text is made of before merging.
    enum Symbols: Sendable {
        /// Bytes, each with a token.
        case bytes([UInt32])
        /// Code points; `PieceTable.none` for those without.
        case codePoints(CodePointTable)
    }

    private let trie: ByteTrie
    private let boundaries: TokenBoundaries
    private let symbols: Symbols
    private let unlisted: Unlisted
    // Tokens from here on are code points without an id that occur inside tokens.
    private let idCount: UInt32
    private let lengths: [UInt32]
    // The next shorter token that starts a token and that merging makes.
    private let shorter: [UInt32]
    private let hasIrregular: Bool
    private let prefersWhole: Bool
    // One bit for `byte << 8 | next byte`, set where some token has the two inside. Elsewhere no merge can cross.
    private let inside: [UInt64]

    /// Builds the tables.
    ///
    /// - Parameters:
    ///   - texts: What each token spells in the text to encode; empty for one that no text contains.
    ///   - isSymbol: Which tokens are symbols.
    ///   - symbols: The same by what they spell.
    ///   - list: The merges in ascending order of rank.
    ///   - merges: The same as a table.
    ///   - idCount: Tokens from here on are spelled as `unlisted` says.
    ///   - unlisted: What becomes of a code point without a token.
    ///   - prefersWhole: Whether a text that is a token becomes that token, whatever merging would make of it.
    init(
        texts: ByteStrings,
        isSymbol: [Bool],
        symbols: Symbols,
        list: [TokenBoundaries.Merge],
        merges: MergeTable,
        idCount: Int,
        unlisted: Unlisted,
        prefersWhole: Bool
    ) {
        let merger = PairMerger()
        var buffer: [UInt32] = []
        boundaries = texts.bytes.withUnsafeBufferPointer { bytes in
            TokenBoundaries(isSymbol: isSymbol, list: list, merges: merges) { token in
                buffer.removeAll(keepingCapacity: true)
                let text = UnsafeBufferPointer(rebasing: bytes[texts[token]])
                guard !text.isEmpty, Self.spell(text, symbols, &buffer) else { return false }
                merger.merge(&buffer, merges)
                return buffer == [token]
            }
        }
        let isMade = boundaries.tokens.map { $0.order != TokenBoundaries.Token.never }
        hasIrregular = boundaries.tokens.contains { $0.order == TokenBoundaries.Token.irregular }
        var shorter: [UInt32] = []
        var trie = ByteTrie(texts, shorter: &shorter)
        trie.list(isMade)
        for token in shorter.indices {
            while shorter[token] != ByteTrie.none, !isMade[Int(shorter[token])] {
                shorter[token] = shorter[Int(shorter[token])]
            }
        }
        self.trie = trie
        self.shorter = shorter
        lengths = (0..<UInt32(truncatingIfNeeded: texts.count)).map { UInt32(truncatingIfNeeded: texts.length($0)) }
        var inside = [UInt64](repeating: 0, count: 1024)
        for token in 0..<UInt32(truncatingIfNeeded: texts.count) where isMade[Int(token)] {
            for index in texts[token].dropFirst() {
                let pair = Int(texts.bytes[index - 1]) << 8 | Int(texts.bytes[index])
                inside[pair >> 6] |= 1 << UInt64(pair & 63)
            }
        }
        self.inside = inside
        self.symbols = symbols
        self.unlisted = unlisted
        self.prefersWhole = prefersWhole
        self.idCount = UInt32(truncatingIfNeeded: idCount)
    }

    /// Appends the ids of a text, which must be valid UTF-8, to those of the buffers.
    @inline(__always)
    func encode(_ text: UnsafeBufferPointer<UInt8>, _ buffers: EncodingBuffers) {
        withRun(buffers) { $0.encode(text) }
    }

    /// Runs `body` with what encodes many words.
    @inline(__always)
    func withRun(_ buffers: EncodingBuffers, _ body: (Run) -> Void) {
        trie.withView { trie in
            inside.withUnsafeBufferPointer { inside in
                shorter.withUnsafeBufferPointer { shorter in
                    lengths.withUnsafeBufferPointer { lengths in
                        boundaries.tokens.withUnsafeBufferPointer { tokens in
                            boundaries.merges.withLookup { lookup in
                                guard let inside = inside.baseAddress, let shorter = shorter.baseAddress,
                                    let lengths = lengths.baseAddress, let tokens = tokens.baseAddress
                                else { return }
                                body(
                                    Run(
                                        encoder: self,
                                        buffers: buffers,
                                        lists: buffers.lists,
                                        idCount: idCount,
                                        prefersWhole: prefersWhole,
                                        hasIrregular: hasIrregular,
                                        trie: trie,
                                        inside: inside,
                                        shorter: shorter,
                                        lengths: lengths,
                                        tokens: tokens,
                                        lookup: lookup
                                    )
                                )
                            }
                        }
                    }
                }
            }
        }
    }

    /// Views of all tables; lives as long as the closure of ``withRun(_:_:)``.
    struct Run {
        fileprivate let encoder: BytePairEncoder
        fileprivate let buffers: EncodingBuffers
        fileprivate let lists: UnsafeMutablePointer<EncodingBuffers.Lists>
        fileprivate let idCount: UInt32
        fileprivate let prefersWhole: Bool
        fileprivate let hasIrregular: Bool
        fileprivate let trie: ByteTrie.View
        fileprivate let inside: UnsafePointer<UInt64>
        fileprivate let shorter: UnsafePointer<UInt32>
        fileprivate let lengths: UnsafePointer<UInt32>
        fileprivate let tokens: UnsafePointer<TokenBoundaries.Token>
        fileprivate let lookup: MergeTable.Lookup

        /// Appends the ids of a text, which must be valid UTF-8.
        @inline(__always)
        func encode(_ text: UnsafeBufferPointer<UInt8>) {
            guard let base = text.baseAddress else { return }
            let end = text.count
            var position = 0
            var unknownEnd = -1
            while position < end {
                let (token, tokenEnd) = trie.longest(base, position, end)
                if position == 0, prefersWhole, tokenEnd < end {
                    let whole = trie.whole(base, 0, end)
                    if whole != ByteTrie.none {
                        lists.pointee.ids.append(whole)
                        return
                    }
                }
                if token == ByteTrie.none {
                    position = appendUnlisted(base, position, end, &unknownEnd)
                } else if mayCut(base, tokenEnd, end), token < idCount {
                    lists.pointee.ids.append(token)
                    position = tokenEnd
                } else {
                    position = encodeStretch(base, position, end, token, tokenEnd, &unknownEnd)
                }
            }
        }

        /// Whether no token contains both bytes beside `position`.
        @inline(__always)
        private func mayCut(_ text: UnsafePointer<UInt8>, _ position: Int, _ end: Int) -> Bool {
            if position == end { return true }
            let pair = Int(text[position - 1]) << 8 | Int(text[position])
            return inside[pair >> 6] >> UInt64(pair & 63) & 1 == 0
        }

        /// Encodes up to the next place where the text may be cut, which is returned.
        @inline(never)
        private func encodeStretch(
            _ text: UnsafePointer<UInt8>,
            _ start: Int,
            _ end: Int,
            _ firstToken: UInt32,
            _ firstEnd: Int,
            _ unknownEnd: inout Int
        ) -> Int {
            lists.pointee.stack.removeAll()
            lists.pointee.dead.removeAll()
            var position = start
            var token = firstToken
            var tokenEnd = firstEnd
            while true {
                if token != ByteTrie.none {
                    if !isDead(tokenEnd - start), mayFollow(token, text, position, tokenEnd) {
                        lists.pointee.stack.append(token)
                        position = tokenEnd
                        if mayCut(text, position, end) { break }
                        (token, tokenEnd) = trie.longest(text, position, end)
                        // A code point that occurs in no token.
                        if token == ByteTrie.none { break }
                    } else {
                        token = shorter[Int(token)]
                        if token != ByteTrie.none { tokenEnd = position + Int(lengths[Int(token)]) }
                    }
                } else {
                    markDead(position - start)
                    guard lists.pointee.stack.count > 0 else {
                        // Every text has an encoding, which is found before this; if not, merging gives it.
                        return mergeOneByOne(text, start, end, &unknownEnd)
                    }
                    let last = lists.pointee.stack.last
                    lists.pointee.stack.removeLast()
                    position -= Int(lengths[Int(last)])
                    token = shorter[Int(last)]
                    if token != ByteTrie.none { tokenEnd = position + Int(lengths[Int(token)]) }
                }
            }
            appendStack(text, start, position, &unknownEnd)
            return position
        }

        @inline(__always)
        private func mayFollow(
            _ token: UInt32,
            _ text: UnsafePointer<UInt8>,
            _ position: Int,
            _ tokenEnd: Int
        ) -> Bool {
            if lists.pointee.stack.count == 0 { return true }
            let last = lists.pointee.stack.last
            if hasIrregular, let answer = mergedForReal(last, token, text, position, tokenEnd) { return answer }
            return TokenBoundaries.isBoundary(last, token, tokens, lookup)
        }

        /// Whether two tokens stay side by side, by merging them, if one of them is irregular.
        private func mergedForReal(
            _ last: UInt32,
            _ token: UInt32,
            _ text: UnsafePointer<UInt8>,
            _ position: Int,
            _ tokenEnd: Int
        ) -> Bool? {
            let irregular = TokenBoundaries.Token.irregular
            guard tokens[Int(last)].order == irregular || tokens[Int(token)].order == irregular else { return nil }
            let start = position - Int(lengths[Int(last)])
            merge(UnsafeBufferPointer(start: text + start, count: tokenEnd - start))
            return buffers.symbols == [last, token]
        }

        private func merge(_ text: UnsafeBufferPointer<UInt8>) {
            buffers.symbols.removeAll(keepingCapacity: true)
            _ = BytePairEncoder.spell(text, encoder.symbols, &buffers.symbols)
            buffers.merger.merge(&buffers.symbols, encoder.boundaries.merges)
        }

        private func mergeOneByOne(
            _ text: UnsafePointer<UInt8>,
            _ start: Int,
            _ end: Int,
            _ unknownEnd: inout Int
        ) -> Int {
            var stop = start
            while stop < end, trie.longest(text, stop, end).value != ByteTrie.none {
                stop += 1
                if case .codePoints = encoder.symbols {
                    while stop < end, text[stop] & 0xC0 == 0x80 { stop += 1 }
                }
            }
            merge(UnsafeBufferPointer(start: text + start, count: stop - start))
            lists.pointee.stack.removeAll()
            for symbol in buffers.symbols { lists.pointee.stack.append(symbol) }
            appendStack(text, start, stop, &unknownEnd)
            return stop
        }

        @inline(__always)
        private func isDead(_ offset: Int) -> Bool {
            let word = offset >> 6
            return word < lists.pointee.dead.count && lists.pointee.dead.base[word] >> UInt64(offset & 63) & 1 != 0
        }

        private func markDead(_ offset: Int) {
            let word = offset >> 6
            while lists.pointee.dead.count <= word { lists.pointee.dead.append(0) }
            lists.pointee.dead.base[word] |= 1 << UInt64(offset & 63)
        }

        private func appendStack(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ unknownEnd: inout Int) {
            var position = start
            for token in UnsafeBufferPointer(start: lists.pointee.stack.base, count: lists.pointee.stack.count) {
                let next = position + Int(lengths[Int(token)])
                if token < idCount {
                    lists.pointee.ids.append(token)
                } else {
                    _ = appendUnlisted(text, position, end, &unknownEnd)
                }
                position = next
            }
        }

        /// Appends what stands for the code point at `position`; returns where it ends.
        private func appendUnlisted(
            _ text: UnsafePointer<UInt8>,
            _ position: Int,
            _ end: Int,
            _ unknownEnd: inout Int
        ) -> Int {
            var next = position + 1
            if case .scalar(_, let length) = UTF8Sequence(text, at: position, end: end) { next = position + length }
            if !encoder.unlisted.byteTokens.isEmpty {
                let bytes = UnsafeBufferPointer(start: text + position, count: next - position)
                if bytes[0] == 0x20 {
                    for byte in encoder.unlisted.space { buffers.append(encoder.unlisted.byteTokens[Int(byte)]) }
                } else {
                    for byte in bytes { buffers.append(encoder.unlisted.byteTokens[Int(byte)]) }
                }
            } else {
                if !encoder.unlisted.fusesUnknown || unknownEnd != position {
                    buffers.append(encoder.unlisted.unknownToken)
                }
                unknownEnd = next
            }
            return next
        }
    }

    /// Appends the symbols of a text; false if one of its code points has none.
    static func spell(_ text: UnsafeBufferPointer<UInt8>, _ symbols: Symbols, _ buffer: inout [UInt32]) -> Bool {
        switch symbols {
        case .bytes(let tokens):
            for byte in text { buffer.append(tokens[Int(byte)]) }
            return true
        case .codePoints(let table):
            var isSpelled = true
            forEachCodePoint(text) { codePoint, _, _ in
                let symbol = table[codePoint]
                if symbol == PieceTable.none { isSpelled = false } else { buffer.append(symbol) }
            }
            return isSpelled
        }
    }
}
