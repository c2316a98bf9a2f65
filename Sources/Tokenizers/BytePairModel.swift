internal import JSON

/// The `model` part of a tokenizer.json with a BPE model.
struct BytePairModel {
    /// The text of each id as the file spells it; nil where the file leaves a hole.
    let names: [[UInt8]?]

    private let field: JSONField
    private let table: PieceTable
    private let merges: MergeTable
    // The same in the order of the file.
    private let list: [TokenBoundaries.Merge]
    private let byteFallback: Bool
    private let ignoresMerges: Bool
    private let fusesUnknown: Bool
    private let unknownToken: UInt32?
    // Symbols that occur in merges though they are bytes or the unknown token, which published files never have.
    private let mergesFallbacks: Bool

    /// - Parameters:
    ///   - field: The part.
    ///   - text: Its vocabulary and merges, if they were read from the text and `field` lacks them.
    /// - Throws: `JSONError` naming the field; `ModelText.Unusual` where `text` needs the general reader.
    init(_ field: JSONField, _ text: ModelText?) throws {
        self.field = field
        // Old files leave the type out.
        let type = try field["type"].optional?.string() ?? "BPE"
        guard type == "BPE" else { throw field["type"].error("model type '\(type)' is not implemented, only BPE") }
        if let dropout = try field["dropout"].optional, try dropout.double() != 0 {
            throw dropout.error("dropout is not implemented")
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try field[key].optional, try !affix.string().isEmpty {
                throw affix.error("is not implemented")
            }
        }
        byteFallback = try field["byte_fallback"].optional?.bool() ?? false
        ignoresMerges = try field["ignore_merges"].optional?.bool() ?? false
        fusesUnknown = try field["fuse_unk"].optional?.bool() ?? false
        (names, table) = try text?.vocabulary() ?? Self.vocabulary(field["vocab"])
        if let unknown = try field["unk_token"].optional {
            let id = table.id(of: Array(try unknown.string().utf8))
            if id == PieceTable.none { throw unknown.error("this token is not in model.vocab") }
            unknownToken = id
        } else {
            unknownToken = nil
        }
        (merges, list, mergesFallbacks) =
            try text?.merges(table, unknownToken) ?? Self.merges(field["merges"], table, unknownToken)
    }

    /// The id of a token by its text.
    func id(of name: [UInt8]) -> UInt32? {
        let id = table.id(of: name)
        return id == PieceTable.none ? nil : id
    }

    private static func vocabulary(_ field: JSONField) throws -> ([[UInt8]?], PieceTable) {
        let object = try field.object()
        guard object.count <= TokenizerLimits.vocabulary else {
            throw field.error("has \(object.count) tokens, more than \(TokenizerLimits.vocabulary)")
        }
        var entries: [(id: Int, name: [UInt8])] = []
        entries.reserveCapacity(object.count)
        var largest = -1
        for (name, value) in object {
            guard case .integer(let id) = value, id >= 0, id < TokenizerLimits.vocabulary else {
                throw field[name].error(expected: "an id from 0 to \(TokenizerLimits.vocabulary - 1)")
            }
            guard name.utf8.count <= TokenizerLimits.pieceBytes else {
                throw field.error("token \(id) has \(name.utf8.count) bytes, more than \(TokenizerLimits.pieceBytes)")
            }
            largest = max(largest, Int(id))
            entries.append((Int(id), Array(name.utf8)))
        }
        // Published vocabularies are dense; a few tokens with huge ids would only ask for memory.
        guard largest < 2 * entries.count + 65536 else {
            throw field.error("has \(entries.count) tokens but ids up to \(largest)")
        }
        var names = [[UInt8]?](repeating: nil, count: largest + 1)
        var table = PieceTable(capacity: largest + 1)
        for (id, name) in entries {
            if let other = names[id] {
                throw field.error("id \(id) belongs to two tokens, '\(other.text)' and '\(name.text)'")
            }
            names[id] = name
            table.insert(name, id: UInt32(id))
        }
        return (names, table)
    }

    private static func merges(
        _ field: JSONField,
        _ table: PieceTable,
        _ unknownToken: UInt32?
    ) throws -> (MergeTable, [TokenBoundaries.Merge], Bool) {
        guard case .array(let list) = try field.value else { throw field.error(expected: "an array") }
        guard list.count <= TokenizerLimits.merges else {
            throw field.error("has \(list.count) merges, more than \(TokenizerLimits.merges)")
        }
        var merges = MergeTable(capacity: list.count)
        var result: [TokenBoundaries.Merge] = []
        result.reserveCapacity(list.count)
        var mergesFallbacks = false
        for (rank, merge) in list.enumerated() {
            let left: [UInt8]
            let right: [UInt8]
            switch merge {
            case .array(let pair):
                guard pair.count == 2, case .string(let first) = pair[0], case .string(let second) = pair[1] else {
                    throw field[rank].error(expected: "two strings")
                }
                (left, right) = (Array(first.utf8), Array(second.utf8))
            case .string(let pair):
                // Before tokenizers 0.20: both parts in one string with a space between.
                let bytes = Array(pair.utf8)
                guard let space = bytes.firstIndex(of: UInt8(ascii: " ")),
                    bytes.lastIndex(of: UInt8(ascii: " ")) == space
                else { throw field[rank].error(expected: "two tokens with one space between") }
                (left, right) = (Array(bytes[..<space]), Array(bytes[(space + 1)...]))
            default:
                throw field[rank].error(expected: "two strings")
            }
            let ids = [left, right, left + right].map { table.id(of: $0) }
            if let missing = ids.firstIndex(of: PieceTable.none) {
                let text = [left, right, left + right][missing].text
                throw field[rank].error("'\(text)' is not in model.vocab")
            }
            for (part, id) in zip([left, right], ids) where part.isByteToken || id == unknownToken {
                mergesFallbacks = true
            }
            // Of two equal merges the later one counts, as in tokenizers' map.
            let rank = UInt32(truncatingIfNeeded: rank)
            merges.insert(left: ids[0], right: ids[1], rank: rank, joined: ids[2], replacing: true)
            result.append(.init(left: ids[0], right: ids[1], rank: rank, joined: ids[2]))
        }
        return (merges, result, mergesFallbacks)
    }

    func makeWords(isByteLevel: Bool) throws -> BytePairWords {
        isByteLevel ? try makeByteWords() : makeCodePointWords()
    }

    private func makeByteWords() throws -> BytePairWords {
        var bytes = [UInt32](repeating: PieceTable.none, count: 256)
        for (byte, codePoint) in ByteLevelAlphabet.codePoints.enumerated() {
            var name: [UInt8] = []
            appendUTF8(codePoint, to: &name)
            bytes[byte] = table.id(of: name)
        }
        if let missing = bytes.firstIndex(of: PieceTable.none) {
            throw field["vocab"].error("byte \(missing) has no token, so some texts could not be encoded")
        }
        var isSymbol = [Bool](repeating: false, count: names.count)
        for id in bytes { isSymbol[Int(id)] = true }
        let texts = makeTexts { ByteLevelAlphabet.bytes(of: $0) ?? [] }
        return BytePairWords(encoder: makeEncoder(texts, isSymbol, .bytes(bytes), []), vocabulary: table)
    }

    private func makeCodePointWords() -> BytePairWords {
        var symbols = CodePointTable(default: PieceTable.none)
        var isSymbol = [Bool](repeating: false, count: names.count)
        for (id, name) in names.enumerated() {
            if let codePoint = name?.singleCodePoint {
                symbols[codePoint] = UInt32(id)
                isSymbol[id] = true
            }
        }
        var byteTokens: [UInt32] = []
        if byteFallback {
            byteTokens = (0..<256).map { byte in
                let digits = Array("0123456789ABCDEF".utf8)
                return table.id(of: Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")])
            }
            if byteTokens.allSatisfy({ $0 == PieceTable.none }) { byteTokens = [] }
        }
        // Where what stands for an unlisted code point can merge, or where nothing stands for it, the code points beside
        // it meet; the encoder relies on the contrary. It also knows either byte tokens or an unknown token, not both.
        let lacksBytes = byteTokens.contains(PieceTable.none)
        if mergesFallbacks || lacksBytes || byteTokens.isEmpty && unknownToken == nil {
            let words = MergedWords(
                symbols: symbols,
                byteTokens: byteTokens,
                merges: merges,
                unknownToken: unknownToken,
                fusesUnknown: fusesUnknown,
                wholeWords: ignoresMerges ? table : nil
            )
            return BytePairWords(merging: words, vocabulary: table)
        }
        let encoder = makeEncoder(makeTexts { $0 }, isSymbol, .codePoints(symbols), byteTokens)
        return BytePairWords(encoder: encoder, vocabulary: table)
    }

    private func makeTexts(_ spell: ([UInt8]) -> [UInt8]) -> ByteStrings {
        var texts = ByteStrings()
        texts.reserveCapacity(strings: names.count, bytes: 12 * names.count)
        for name in names { texts.append(name.map(spell) ?? []) }
        return texts
    }

    private func makeEncoder(
        _ texts: ByteStrings,
        _ isSymbol: [Bool],
        _ symbols: BytePairEncoder.Symbols,
        _ byteTokens: [UInt32]
    ) -> BytePairEncoder {
        BytePairEncoder(
            texts: texts,
            isSymbol: isSymbol,
            symbols: symbols,
            list: list,
            merges: merges,
            idCount: names.count,
            unlisted: .init(
                byteTokens: byteTokens,
                unknownToken: unknownToken ?? PieceTable.none,
                fusesUnknown: fusesUnknown
            ),
            prefersWhole: ignoresMerges
        )
    }
}

extension [UInt8] {
    /// The text for messages, cut where it is long.
    fileprivate var text: String { String(decoding: prefix(40), as: UTF8.self) }
}
