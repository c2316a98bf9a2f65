internal import JSON

/// A `tokenizer.json` read and checked, field by field.
struct TokenizerJSON {
    let words: BytePairWords
    let normalizer: [TextReplacement]
    let preTokenizer: PreTokenizer
    let addedTokens: AddedTokens
    let decoding: DecodingVocabulary
    let prefix: [UInt32]
    let suffix: [UInt32]

    init(parsing bytes: [UInt8], source: String) throws {
        if let text = ModelText(bytes), let file = try? Self(reading: text.rest, text, source: source) {
            self = file
            return
        }
        // Whatever is unusual in the file or wrong with it, this says.
        do {
            try self.init(reading: bytes, nil, source: source)
        } catch let error as JSONError {
            throw TokenizerError(error)
        }
    }

    /// Reads the text of a file, from which `text` may have been taken out before.
    init(reading bytes: [UInt8], _ text: ModelText?, source: String) throws {
        let json = try bytes.withUnsafeBytes { bytes throws(JSONError) in try JSON(parsing: bytes, source: source) }
        let file = JSONField(json, at: source)
        let model = try BytePairModel(file["model"], text)
        normalizer = try Self.normalizer(file["normalizer"])
        try Self.check(normalizer, file["normalizer"])
        preTokenizer = try Self.preTokenizer(file["pre_tokenizer"])
        let isByteLevel = if case .pattern = preTokenizer { true } else { false }
        words = try model.makeWords(isByteLevel: isByteLevel)

        var names = model.names
        var specials = Set<UInt32>()
        addedTokens = try Self.addedTokens(file["added_tokens"], normalizer, &names, &specials, model)
        (prefix, suffix) = try Self.template(file["post_processor"], names)
        decoding = try Self.decoding(file["decoder"], names: names, specials: specials, isByteLevel: isByteLevel)
    }

    // MARK: Normaliser and pre-tokenizer

    private static func normalizer(_ field: JSONField) throws -> [TextReplacement] {
        guard let field = try field.optional else { return [] }
        switch try field["type"].string() {
        case "Sequence":
            return try field["normalizers"].array().flatMap { try normalizer($0) }
        case "Prepend":
            return [.prepend(try bounded(field["prepend"]))]
        case "Replace":
            return [try replacement(field)]
        case let type:
            throw field["type"].error("normalizer '\(type)' is not implemented, known are Sequence, Prepend, Replace")
        }
    }

    /// Refuses steps that together make texts much longer.
    private static func check(_ steps: [TextReplacement], _ field: JSONField) throws {
        guard steps.count <= TokenizerLimits.replacements else {
            throw field.error("has \(steps.count) steps, more than \(TokenizerLimits.replacements)")
        }
        var growth = 1
        for step in steps {
            growth *= step.growth
            guard growth <= TokenizerLimits.growth else {
                throw field.error("makes a text more than \(TokenizerLimits.growth) times longer")
            }
        }
    }

    /// A text no longer than a piece may be.
    private static func bounded(_ field: JSONField) throws -> [UInt8] {
        let text = Array(try field.string().utf8)
        guard text.count <= TokenizerLimits.pieceBytes else {
            throw field.error("has \(text.count) bytes, more than \(TokenizerLimits.pieceBytes)")
        }
        return text
    }

    private static func replacement(_ field: JSONField) throws -> TextReplacement {
        let pattern = field["pattern"]["String"]
        guard try pattern.optional != nil else {
            throw field["pattern"].error("only a pattern of the form {\"String\": ...} is implemented")
        }
        let text = try bounded(pattern)
        if text.isEmpty { throw pattern.error("the pattern is empty") }
        return .replace(text, by: try bounded(field["content"]))
    }

    private static func preTokenizer(_ field: JSONField) throws -> PreTokenizer {
        guard let field = try field.optional else { return .none }
        switch try field["type"].string() {
        case "Metaspace":
            let mark = Array(try field["replacement"].string().utf8)
            if mark.singleCodePoint == nil { throw field["replacement"].error("is not one character") }
            let addsPrefix = try field["add_prefix_space"].optional?.bool() ?? true
            let scheme = try field["prepend_scheme"].optional?.string(oneOf: ["always", "first", "never"])
            return .metaspace(
                Metaspace(
                    mark: mark,
                    scheme: scheme.flatMap { Metaspace.PrependScheme(rawValue: $0) } ?? (addsPrefix ? .always : .never),
                    splits: try field["split"].optional?.bool() ?? true
                )
            )
        case "Sequence":
            let parts = try field["pretokenizers"].array()
            guard parts.count == 2, try parts[0]["type"].string() == "Split",
                try parts[1]["type"].string() == "ByteLevel"
            else {
                throw field["pretokenizers"].error("only Split followed by ByteLevel is implemented")
            }
            return .pattern(try splitPattern(parts[0], byteLevel: parts[1]))
        case let type:
            throw field["type"].error("pre-tokenizer '\(type)' is not implemented, known are Metaspace and Sequence")
        }
    }

    private static func splitPattern(_ split: JSONField, byteLevel: JSONField) throws -> WordPattern {
        let expression = split["pattern"]["Regex"]
        guard try expression.optional != nil, let pattern = WordPattern(expression: try expression.string()) else {
            throw split["pattern"].error("only the regular expressions of Llama 3 and o200k are implemented")
        }
        _ = try split["behavior"].string(oneOf: ["Isolated"])
        if try split["invert"].optional?.bool() ?? false { throw split["invert"].error("true is not implemented") }
        for key in ["add_prefix_space", "use_regex"] where try byteLevel[key].optional?.bool() ?? true {
            throw byteLevel[key].error("true (also the value when it is missing) is not implemented")
        }
        return pattern
    }

    // MARK: Added tokens

    private static func addedTokens(
        _ field: JSONField,
        _ normalizer: [TextReplacement],
        _ names: inout [[UInt8]?],
        _ specials: inout Set<UInt32>,
        _ model: BytePairModel
    ) throws -> AddedTokens {
        var tokens = AddedTokens()
        var normalizedBytes = 0
        for token in try field.optional?.array() ?? [] {
            let name = Array(try token["content"].string().utf8)
            let id = try token["id"].int(in: 0...(TokenizerLimits.vocabulary - 1))
            if name.isEmpty || name.count > TokenizerLimits.pieceBytes {
                throw token["content"].error("has \(name.count) bytes, expected 1 to \(TokenizerLimits.pieceBytes)")
            }
            if let known = model.id(of: name), Int(known) != id {
                throw token["id"].error("is \(id), but model.vocab gives this token the id \(known)")
            }
            while names.count <= id { names.append(nil) }
            if let known = names[id], known != name {
                throw token["id"].error("id \(id) already belongs to '\(String(decoding: known, as: UTF8.self))'")
            }
            names[id] = name
            let isSpecial = try token["special"].optional?.bool() ?? false
            let isNormalized = try token["normalized"].optional?.bool() ?? !isSpecial
            if isSpecial { specials.insert(UInt32(id)) }
            guard let content = isNormalized ? normalizer.apply(to: name, below: TokenizerLimits.tokenBytes) : name,
                normalizedBytes + content.count <= TokenizerLimits.tokenBytes
            else {
                throw token["content"].error(
                    "with it the added tokens are more than \(TokenizerLimits.tokenBytes) bytes when normalised"
                )
            }
            normalizedBytes += content.count
            tokens.insert(
                AddedTokenMatcher.Token(
                    id: UInt32(id),
                    content: content,
                    singleWord: try token["single_word"].optional?.bool() ?? false,
                    stripsLeft: try token["lstrip"].optional?.bool() ?? false,
                    stripsRight: try token["rstrip"].optional?.bool() ?? false
                ),
                name: name,
                isSpecial: isSpecial,
                isNormalized: isNormalized
            )
        }
        return tokens
    }

    // MARK: Post-processor

    private static func template(_ field: JSONField, _ names: [[UInt8]?]) throws -> (prefix: [UInt32], suffix: [UInt32])
    {
        guard let field = try field.optional else { return ([], []) }
        switch try field["type"].string() {
        case "ByteLevel":
            return ([], [])
        case "Sequence":
            var result: (prefix: [UInt32], suffix: [UInt32]) = ([], [])
            for part in try field["processors"].array() {
                let (prefix, suffix) = try template(part, names)
                result = (prefix + result.prefix, result.suffix + suffix)
            }
            return result
        case "TemplateProcessing":
            var prefix: [UInt32] = []
            var suffix: [UInt32] = []
            var sawText = false
            for part in try field["single"].array() {
                if try part["Sequence"].optional != nil {
                    if sawText { throw part.error("the text occurs twice in the template") }
                    sawText = true
                    continue
                }
                let name = try part["SpecialToken"]["id"].string()
                let ids = try field["special_tokens"][name]["ids"].array().map { field in
                    let id = try field.int(in: 0...max(names.count - 1, 0))
                    guard id < names.count, names[id] != nil else { throw field.error("no token has the id \(id)") }
                    return UInt32(truncatingIfNeeded: id)
                }
                if sawText { suffix += ids } else { prefix += ids }
            }
            if !sawText { throw field["single"].error("the template does not contain the text") }
            return (prefix, suffix)
        case let type:
            throw field["type"].error(
                "post-processor '\(type)' is not implemented, known are ByteLevel, Sequence, TemplateProcessing"
            )
        }
    }

    // MARK: Decoder

    private static func decoding(
        _ field: JSONField,
        names: [[UInt8]?],
        specials: Set<UInt32>,
        isByteLevel: Bool
    ) throws -> DecodingVocabulary {
        let parts = try field["type"].string() == "Sequence" ? try field["decoders"].array() : [field]
        let types = try parts.map { try $0["type"].string() }
        if isByteLevel {
            guard types == ["ByteLevel"] else {
                throw field.error("decoder \(types) is not implemented for a byte-level vocabulary, only ByteLevel")
            }
            // A token that is not spelled in the alphabet is its own text (decoders in pre_tokenizers/byte_level.rs).
            let entries = names.enumerated().map { id, name in
                DecodingVocabulary.Token(
                    text: name.map { ByteLevelAlphabet.bytes(of: $0) ?? $0 } ?? [],
                    kind: name == nil ? .hole : .text,
                    isSpecial: specials.contains(UInt32(id))
                )
            }
            return DecodingVocabulary(rule: .byteLevel, leadingSpaces: 0, source: field.source, tokens: entries)
        }
        guard types == ["Replace", "ByteFallback", "Fuse", "Strip"] || types == ["Replace", "ByteFallback", "Fuse"]
        else {
            throw field.error(
                "decoder \(types) is not implemented, only Replace, ByteFallback, Fuse and optionally Strip"
            )
        }
        let replacement = try replacement(parts[0])
        var leadingSpaces = 0
        if parts.count == 4 {
            _ = try parts[3]["content"].string(oneOf: [" "])
            _ = try parts[3]["stop"].int(in: 0...0)
            leadingSpaces = try parts[3]["start"].int(in: 0...TokenizerLimits.pieceBytes)
        }
        var decodedBytes = 0
        let entries = try names.enumerated().map { id, name in
            guard let text = [replacement].apply(to: name ?? [], below: TokenizerLimits.tokenBytes - decodedBytes)
            else {
                throw parts[0]["content"].error(
                    "makes the tokens more than \(TokenizerLimits.tokenBytes) bytes when they are decoded"
                )
            }
            decodedBytes += text.count
            let byte = byteTokenValue(text)
            return DecodingVocabulary.Token(
                text: byte.map { [$0] } ?? text,
                kind: name == nil ? .hole : byte == nil ? .text : .byte,
                isSpecial: specials.contains(UInt32(id))
            )
        }
        return DecodingVocabulary(
            rule: .byteFallback,
            leadingSpaces: leadingSpaces,
            source: field.source,
            tokens: entries
        )
    }
}

extension TokenizerError {
    /// The same error from a JSON file.
    init(_ error: JSONError) {
        let place = error.position.map { "line \($0.line), column \($0.column)" } ?? error.path
        self.init(source: error.source, field: place, problem: error.reason, advice: "check the model folder")
    }
}
