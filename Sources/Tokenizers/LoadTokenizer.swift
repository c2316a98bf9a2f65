internal import JSON

/// Loads the tokenizer of a checkpoint folder as published on the model hub.
///
/// `tokenizer.model` wins when both it and `tokenizer.json` are there, as it does for transformers' `LlamaTokenizer`:
/// text such as `<s>` in a prompt is then plain text and decoding follows sentencepiece. Tokens that only
/// `tokenizer.json` or `tokenizer_config.json` adds are not known then.
///
/// `tokenizer_config.json`, else `special_tokens_map.json`, names the BOS and EOS tokens; without either they are those
/// of the model file or of the template. `add_bos_token` and `add_eos_token` decide what `addSpecialTokens` adds: for
/// `tokenizer.model` always (true and false when missing), for `tokenizer.json` where the tokenizer class is a Llama one
/// and the key is there; otherwise the template of `tokenizer.json` does.
///
/// - Parameter folder: The checkpoint folder.
/// - Returns: The tokenizer.
/// - Throws: ``TokenizerError`` naming file and field.
public func loadTokenizer(folder: String) throws -> any Tokenizer {
    let config = try TokenizerConfig(folder: folder)
    let model = folder + "/tokenizer.model"
    let json = folder + "/tokenizer.json"
    if fileExists(model) {
        var tokenizer = try SentencePieceTokenizer(path: model)
        tokenizer.bosToken = try config.bos?.id(in: model) { tokenizer.controlToken($0) } ?? tokenizer.bosToken
        tokenizer.eosToken = try config.eos?.id(in: model) { tokenizer.controlToken($0) } ?? tokenizer.eosToken
        tokenizer.addsBOS = config.addsBOS ?? true
        tokenizer.addsEOS = config.addsEOS ?? false
        return tokenizer
    }
    guard fileExists(json) else {
        throw TokenizerError(
            source: folder,
            problem: "holds neither tokenizer.model nor tokenizer.json",
            advice: "give the folder of a Hugging Face checkpoint"
        )
    }
    var tokenizer = try BytePairTokenizer(path: json)
    tokenizer.bosToken = try config.bos?.id(in: json) { tokenizer.id(of: $0) } ?? tokenizer.bosToken
    tokenizer.eosToken = try config.eos?.id(in: json) { tokenizer.id(of: $0) } ?? tokenizer.eosToken
    if config.isLlamaClass {
        if let adds = config.addsBOS { tokenizer.prefix = try config.frame(adds, tokenizer.bosToken, "add_bos_token") }
        if let adds = config.addsEOS { tokenizer.suffix = try config.frame(adds, tokenizer.eosToken, "add_eos_token") }
    }
    return tokenizer
}

/// What `tokenizer_config.json` and `special_tokens_map.json` say about BOS and EOS.
private struct TokenizerConfig {
    /// A token named in a configuration file.
    struct NamedToken {
        let text: String
        let source: String
        let field: String

        /// Looks the token up in the vocabulary of `file`.
        func id(in file: String, _ lookUp: (String) -> UInt32?) throws -> UInt32 {
            guard let id = lookUp(text) else {
                throw TokenizerError(
                    source: source,
                    field: field,
                    problem: "'\(text)' is not a special token of \(file)",
                    advice: "correct the name, or remove tokenizer.model if only tokenizer.json has this token"
                )
            }
            return id
        }
    }

    var bos: NamedToken?
    var eos: NamedToken?
    var addsBOS: Bool?
    var addsEOS: Bool?
    var isLlamaClass = false
    private let path: String

    init(folder: String) throws {
        path = folder + "/tokenizer_config.json"
        do {
            for path in [path, folder + "/special_tokens_map.json"] where fileExists(path) {
                let file = JSONField(try JSON(parsing: try readTokenizerFile(path), source: path), at: path)
                bos = try bos ?? Self.token(file["bos_token"])
                eos = try eos ?? Self.token(file["eos_token"])
                addsBOS = try addsBOS ?? file["add_bos_token"].optional?.bool()
                addsEOS = try addsEOS ?? file["add_eos_token"].optional?.bool()
                let name = try file["tokenizer_class"].optional?.string() ?? ""
                isLlamaClass = isLlamaClass || name.hasPrefix("Llama") || name.hasPrefix("CodeLlama")
            }
        } catch let error as JSONError {
            throw TokenizerError(error)
        }
    }

    /// A token is a string or an object with its `content`.
    private static func token(_ field: JSONField) throws -> NamedToken? {
        guard let field = try field.optional else { return nil }
        let text = if case .object = try field.value { try field["content"].string() } else { try field.string() }
        return NamedToken(text: text, source: field.source, field: field.path)
    }

    func frame(_ adds: Bool, _ token: UInt32?, _ key: String) throws -> [UInt32] {
        guard adds else { return [] }
        guard let token else {
            throw TokenizerError(
                source: path,
                field: key,
                problem: "is true, but no such token is named",
                advice: "name the token in the same file"
            )
        }
        return [token]
    }
}
