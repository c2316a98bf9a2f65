/// The tables that a sentencepiece BPE model implies, while they are being built.
struct SentencePieceVocabulary {
    /// Set in the symbol of a code point that has no piece of its own; the rest is the code point.
    static let unlisted: UInt32 = 1 << 31

    private(set) var unknownToken = PieceTable.none
    /// Id of each byte's piece; empty without byte fallback.
    private(set) var byteTokens: [UInt32] = []
    /// Id of each code point that is a piece, else `PieceTable.none`.
    private(set) var symbols = CodePointTable(default: PieceTable.none)

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

    /// Every way to make a piece of two symbols.
    ///
    /// sentencepiece joins whatever pair is a piece, there is no list of
    /// merges; the rank is the place of the piece's score in descending order.
    func makeMerges(_ model: SentencePieceModel, source: String) throws -> MergeTable {
        var scores = model.pieces.lazy.filter { $0.type == .normal }.map { $0.score }.sorted(by: >)
        scores = scores.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        var ranks: [Float: UInt32] = [:]
        for (rank, score) in scores.enumerated() { ranks[score] = UInt32(truncatingIfNeeded: rank) }

        var merges = MergeTable()
        var prefixes: [UInt64] = []
        var powers: [UInt64] = [1]
        for _ in 0..<TokenizerLimits.pieceBytes { powers.append(powers[powers.count - 1] &* PieceTable.multiplier) }
        for (index, piece) in model.pieces.enumerated() where piece.type == .normal {
            guard let rank = ranks[piece.score] else { continue }
            prefixes.removeAll(keepingCapacity: true)
            prefixes.append(0)
            for byte in piece.text { prefixes.append(PieceTable.extend(prefixes[prefixes.count - 1], by: byte)) }
            let whole = prefixes[piece.text.count]
            piece.text.withUnsafeBufferPointer { text in
                for cut in 1..<max(text.count, 1) where text[cut] & 0xC0 != 0x80 {
                    let left = symbol(text[..<cut], hash: prefixes[cut])
                    if left == PieceTable.none { continue }
                    let right = symbol(text[cut...], hash: whole &- prefixes[cut] &* powers[text.count - cut])
                    if right == PieceTable.none { continue }
                    merges.insert(left: left, right: right, rank: rank, joined: UInt32(truncatingIfNeeded: index))
                }
            }
            guard merges.count <= TokenizerLimits.merges else {
                throw Self.failure(
                    source,
                    "pieces",
                    "there are more than \(TokenizerLimits.merges) ways to join pieces"
                )
            }
        }
        return merges
    }

    private func symbol(_ text: Slice<UnsafeBufferPointer<UInt8>>, hash: UInt64) -> UInt32 {
        let bytes = UnsafeBufferPointer(rebasing: text)
        let id = normal.id(of: bytes, hash: hash)
        if id != PieceTable.none { return id }
        if let base = bytes.baseAddress,
            case .scalar(let value, bytes.count) = UTF8Sequence(base, at: 0, end: bytes.count)
        {
            return Self.unlisted | value
        }
        return PieceTable.none
    }

    /// 1 for each code point that stands before `space` inside a normal piece.
    func codePoints(before space: UInt32, in model: SentencePieceModel) -> CodePointTable {
        var table = CodePointTable(default: 0)
        for piece in model.pieces where piece.type == .normal {
            var previous: UInt32? = nil
            piece.text.withUnsafeBufferPointer { text in
                forEachCodePoint(text) { value, _, _ in
                    if value == space, let previous { table[previous] = 1 }
                    previous = value
                }
            }
        }
        return table
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
