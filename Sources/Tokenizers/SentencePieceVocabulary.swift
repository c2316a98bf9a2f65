/// The tables that a sentencepiece BPE model implies, while they are being built.
struct SentencePieceVocabulary {
    private(set) var unknownToken = PieceTable.none
    /// Id of each byte's piece; empty without byte fallback.
    private(set) var byteTokens: [UInt32] = []
    /// Id of each code point that is a piece, else `PieceTable.none`.
    private(set) var symbols = CodePointTable(default: PieceTable.none)
    /// Code points that are no piece but occur in some, in the order of their first occurrence.
    private var unlisted: [UInt32] = []

    // Normal pieces by text; sentencepiece never produces the others from text.
    private var normal: PieceTable
    private var reserved: PieceTable

    init(_ model: SentencePieceModel, source: String) throws {
        normal = PieceTable(capacity: model.pieces.count)
        reserved = PieceTable(capacity: model.pieces.count)
        var bytes = [UInt32](repeating: PieceTable.none, count: 256)
        for (index, piece) in model.pieces.enumerated() {
            let id = UInt32(truncatingIfNeeded: index)
            let isNew: Bool
            if piece.type == .normal {
                isNew = normal.insert(piece.text, id: id)
                if let codePoint = piece.text.singleCodePoint { symbols[codePoint] = id }
            } else {
                isNew = reserved.insert(piece.text, id: id)
            }
            guard isNew else {
                throw Self.failure(source, "pieces[\(index)]", "'\(piece.name)' occurs twice")
            }
            if piece.type == .unknown {
                guard unknownToken == PieceTable.none else {
                    throw Self.failure(source, "pieces[\(index)].type", "this is the second piece of type unknown")
                }
                unknownToken = id
            }
            if piece.type == .byte {
                guard let byte = byteTokenValue(piece.text) else {
                    throw Self.failure(
                        source,
                        "pieces[\(index)]",
                        "'\(piece.name)' is of type byte but not <0x00>...<0xFF>"
                    )
                }
                guard model.byteFallback else {
                    throw Self.failure(
                        source,
                        "pieces[\(index)].type",
                        "a byte piece, but trainer_spec.byte_fallback is false"
                    )
                }
                bytes[Int(byte)] = id
            }
        }
        try refuseShadowed(model, source)
        var isKnown = symbols
        for piece in model.pieces where piece.type == .normal {
            piece.text.withUnsafeBufferPointer { text in
                forEachCodePoint(text) { value, _, _ in
                    if isKnown[value] == PieceTable.none {
                        isKnown[value] = 0
                        unlisted.append(value)
                    }
                }
            }
        }
        guard unknownToken != PieceTable.none else {
            throw Self.failure(source, "pieces", "no piece has type unknown")
        }
        if model.byteFallback {
            if let missing = bytes.firstIndex(of: PieceTable.none) {
                throw Self.failure(
                    source,
                    "pieces",
                    "trainer_spec.byte_fallback is true but byte \(missing) has no piece"
                )
            }
            byteTokens = bytes
        }
    }

    /// Refuses pieces whose ids sentencepiece would mix up.
    ///
    /// Its PieceToId looks among the reserved pieces first (model_interface.cc), while its merging looks only among the
    /// others: the text of a normal piece that is also reserved, or a character that is a control piece, would become an
    /// id that stands for no text. (An unknown piece of one character is what that character becomes anyway.)
    private func refuseShadowed(_ model: SentencePieceModel, _ source: String) throws {
        for (index, piece) in model.pieces.enumerated() {
            if piece.type == .normal, case let other = reserved.id(of: piece.text), other != PieceTable.none {
                throw Self.failure(
                    source,
                    "pieces[\(index)]",
                    "'\(piece.name)' is a normal piece and, as pieces[\(other)], a reserved one"
                )
            }
            if piece.type == .control, piece.text.singleCodePoint != nil {
                throw Self.failure(
                    source,
                    "pieces[\(index)]",
                    "'\(piece.name)' is a control piece of one character, so texts with it could not be encoded"
                )
            }
        }
    }

    /// The tables for encoding text in which each `space` is written as one byte, 0x20.
    func makeEncoder(_ model: SentencePieceModel, space: UInt32, source: String) throws -> BytePairEncoder {
        var symbols = symbols
        var texts = ByteStrings()
        texts.reserveCapacity(strings: model.pieces.count, bytes: 16 * model.pieces.count)
        var isSymbol = [Bool](repeating: false, count: model.pieces.count)
        for (index, piece) in model.pieces.enumerated() {
            // Text holds no 0x20 where U+2581 stands for it, so pieces with 0x20 occur nowhere.
            if piece.type != .normal || space != 0x20 && piece.text.contains(0x20) {
                texts.append([])
                continue
            }
            isSymbol[index] = piece.text.singleCodePoint != nil
            texts.append(space == 0x20 ? piece.text : replacing(spaceMark, by: [0x20], in: piece.text))
        }
        // Code points without a piece of their own that occur in pieces are symbols too.
        for codePoint in unlisted {
            symbols[codePoint] = UInt32(truncatingIfNeeded: texts.count)
            var text: [UInt8] = []
            appendUTF8(codePoint == space ? 0x20 : codePoint, to: &text)
            texts.append(space != 0x20 && codePoint == 0x20 ? [] : text)
            isSymbol.append(true)
        }
        let (list, merges) = try makeMerges(model, symbols, source: source)
        symbols[0x20] = symbols[space]
        return BytePairEncoder(
            texts: texts,
            isSymbol: isSymbol,
            symbols: .codePoints(symbols),
            list: list,
            merges: merges,
            idCount: model.pieces.count,
            unlisted: .init(
                byteTokens: byteTokens,
                unknownToken: unknownToken,
                fusesUnknown: true,
                space: space == 0x20 ? [0x20] : spaceMark
            ),
            prefersWhole: false
        )
    }

    /// Every way to make a piece of two symbols, best first.
    ///
    /// sentencepiece joins whatever pair is a piece, there is no list of merges; the rank is the place of the piece's
    /// score in descending order.
    private func makeMerges(
        _ model: SentencePieceModel,
        _ symbols: CodePointTable,
        source: String
    ) throws -> ([TokenBoundaries.Merge], MergeTable) {
        let order = model.pieces.indices.lazy.filter { model.pieces[$0].type == .normal }.sorted {
            (model.pieces[$1].score, $0) < (model.pieces[$0].score, $1)
        }
        var list: [TokenBoundaries.Merge] = []
        list.reserveCapacity(4 * order.count)
        var rank: UInt32 = 0
        var score: Float? = nil
        var prefixes: [UInt64] = []
        var powers: [UInt64] = [1]
        for _ in 0..<TokenizerLimits.pieceBytes { powers.append(powers[powers.count - 1] &* PieceTable.multiplier) }
        for index in order {
            let piece = model.pieces[index]
            if let last = score, last != piece.score { rank += 1 }
            score = piece.score
            prefixes.removeAll(keepingCapacity: true)
            prefixes.append(0)
            for byte in piece.text { prefixes.append(PieceTable.extend(prefixes[prefixes.count - 1], by: byte)) }
            let whole = prefixes[piece.text.count]
            piece.text.withUnsafeBufferPointer { text in
                for cut in 1..<max(text.count, 1) where text[cut] & 0xC0 != 0x80 {
                    let left = symbol(text[..<cut], hash: prefixes[cut], symbols)
                    if left == PieceTable.none { continue }
                    let right = symbol(text[cut...], hash: whole &- prefixes[cut] &* powers[text.count - cut], symbols)
                    if right == PieceTable.none { continue }
                    let joined = UInt32(truncatingIfNeeded: index)
                    list.append(.init(left: left, right: right, rank: rank, joined: joined))
                }
            }
            guard list.count <= TokenizerLimits.merges else {
                throw Self.failure(
                    source,
                    "pieces",
                    "there are more than \(TokenizerLimits.merges) ways to join pieces"
                )
            }
        }
        var merges = MergeTable(capacity: list.count)
        for merge in list {
            merges.insert(left: merge.left, right: merge.right, rank: merge.rank, joined: merge.joined)
        }
        return (list, merges)
    }

    private func symbol(_ text: Slice<UnsafeBufferPointer<UInt8>>, hash: UInt64, _ symbols: CodePointTable) -> UInt32 {
        let bytes = UnsafeBufferPointer(rebasing: text)
        let id = normal.id(of: bytes, hash: hash)
        if id != PieceTable.none { return id }
        if let base = bytes.baseAddress,
            case .scalar(let value, bytes.count) = UTF8Sequence(base, at: 0, end: bytes.count)
        {
            return symbols[value]
        }
        return PieceTable.none
    }

    func makeDecoding(_ model: SentencePieceModel, source: String) -> DecodingVocabulary {
        let tokens = model.pieces.map { piece -> DecodingVocabulary.Token in
            switch piece.type {
            case .control:
                return .init(text: [], kind: .text, isSpecial: true)
            case .unknown:
                return .init(text: model.unknownSurface, kind: .text, isSpecial: false)
            case .byte:
                return .init(text: [byteTokenValue(piece.text) ?? 0], kind: .byte, isSpecial: false)
            case .normal, .userDefined, .unused:
                let text = replacing(spaceMark, by: [UInt8(ascii: " ")], in: piece.text)
                let isMarked = piece.text.starts(with: spaceMark)
                return .init(text: text, kind: isMarked ? .markedText : .text, isSpecial: false)
            }
        }
        return DecodingVocabulary(
            rule: .sentencePiece,
            leadingSpaces: model.addDummyPrefix || model.removeExtraWhitespaces ? 1 : 0,
            dropsAllLeadingSpaces: model.removeExtraWhitespaces,
            source: source,
            tokens: tokens
        )
    }

    private static func failure(_ source: String, _ field: String, _ problem: String) -> TokenizerError {
        TokenizerError(source: source, field: field, problem: problem, advice: "the file is damaged, fetch it again")
    }
}

/// U+2581, which stands for a space inside pieces.
let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

extension SentencePieceModel.Piece {
    /// The text for messages, cut where it is long.
    fileprivate var name: String { String(decoding: text.prefix(40), as: UTF8.self) }
}

extension [UInt8] {
    /// The only code point of this text, if it has just one.
    var singleCodePoint: UInt32? {
        withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return nil }
            guard case .scalar(let value, bytes.count) = UTF8Sequence(base, at: 0, end: bytes.count) else { return nil }
            return value
        }
    }
}

/// The byte that a token such as `<0x0A>` stands for.
func byteTokenValue(_ text: [UInt8]) -> UInt8? {
    guard text.count == 6, text.starts(with: Array("<0x".utf8)), text[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
}

/// `text` with each occurrence of `pattern`, found from left to right, replaced; an empty pattern replaces nothing.
func replacing(_ pattern: [UInt8], by content: [UInt8], in text: [UInt8]) -> [UInt8] {
    guard let first = pattern.first else { return text }
    if pattern.count == 1 { return replacing(first, by: content, in: text) }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
        if text[position] == first, text[position...].starts(with: pattern) {
            result.append(contentsOf: content)
            position += pattern.count
        } else {
            result.append(text[position])
            position += 1
        }
    }
    return result
}

/// How many times ``replacing(_:by:in:)`` finds `pattern`.
func occurrences(of pattern: [UInt8], in text: [UInt8]) -> Int {
    guard let first = pattern.first else { return 0 }
    var found = 0
    var position = 0
    while position < text.count {
        if text[position] == first, text[position...].starts(with: pattern) {
            found += 1
            position += pattern.count
        } else {
            position += 1
        }
    }
    return found
}

private func replacing(_ byte: UInt8, by content: [UInt8], in text: [UInt8]) -> [UInt8] {
    let found = text.reduce(0) { $0 + ($1 == byte ? 1 : 0) }
    let size = text.count - found + found * content.count
    return [UInt8](unsafeUninitializedCapacity: size) { result, count in
        for other in text {
            if other != byte {
                result[count] = other
                count += 1
            } else {
                for new in content {
                    result[count] = new
                    count += 1
                }
            }
        }
    }
}
