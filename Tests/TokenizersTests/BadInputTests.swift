import FoundationEssentials
import Testing

@testable import Tokenizers

/// Each bad file and each bad call gives an error that names the place.
@Suite struct BadInputTests {
    struct BadModel: CustomStringConvertible, Sendable {
        let description: String
        let bytes: [UInt8]
        let message: String
    }

    static let badModels = [
        BadModel(description: "empty file", bytes: [], message: "m: pieces: the file holds no pieces"),
        BadModel(description: "text", bytes: Array("hello".utf8), message: "m: ModelProto: "),
        BadModel(
            description: "length beyond the end",
            bytes: [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            message: "claims 18446744073709551615 bytes"
        ),
        BadModel(description: "endless varint", bytes: [UInt8](repeating: 0xFF, count: 20), message: "longer than 10"),
        BadModel(
            description: "unigram",
            bytes: SmallModels.sentencePiece(trainer: SmallModels.field(35, varint: 1)),
            message: "m: trainer_spec.model_type: unigram"
        ),
        BadModel(
            description: "charsmap",
            bytes: SmallModels.sentencePiece(
                normalizer: SmallModels.field(1, bytes: Array("nmt_nfkc".utf8)) + SmallModels.field(2, bytes: [1])
            ),
            message: "m: normalizer_spec.precompiled_charsmap: normalisation 'nmt_nfkc'"
        ),
        BadModel(
            description: "byte pieces without byte fallback",
            bytes: SmallModels.sentencePiece(trainer: SmallModels.field(3, varint: 2)),
            message: "m: pieces[3].type: a byte piece, but trainer_spec.byte_fallback is false"
        ),
        BadModel(
            description: "a piece twice",
            bytes: SmallModels.sentencePiece(pieces: ["a", "b", "a"]),
            message: "m: pieces[261]: 'a' occurs twice"
        ),
        BadModel(
            description: "an empty piece",
            bytes: SmallModels.piece("", type: 1),
            message: "m: pieces[0]: the piece is empty"
        ),
        BadModel(
            description: "a huge piece",
            bytes: SmallModels.piece(String(repeating: "a", count: 5000), type: 1),
            message: "m: pieces[0]: the piece has 5000 bytes"
        ),
        BadModel(
            description: "not a number",
            bytes: SmallModels.piece("a", score: .nan, type: 1),
            message: "m: pieces[0]: the score is nan"
        ),
        BadModel(
            description: "an unknown type",
            bytes: SmallModels.piece("a", type: 9),
            message: "m: pieces[0]: type is 9"
        ),
        BadModel(
            description: "no unknown piece",
            bytes: SmallModels.piece("a", type: 1) + SmallModels.field(2, bytes: SmallModels.field(3, varint: 2)),
            message: "m: pieces: no piece has type unknown"
        ),
        BadModel(
            description: "a normal piece that is also a control piece",
            bytes: SmallModels.sentencePiece(pieces: ["a", "<s>"]),
            message: "m: pieces[260]: '<s>' is a normal piece and, as pieces[1], a reserved one"
        ),
        BadModel(
            description: "a byte piece that is also a normal one",
            bytes: SmallModels.sentencePiece(pieces: ["<0x41>"]),
            message: "m: pieces[259]: '<0x41>' is a normal piece and, as pieces[68], a reserved one"
        ),
        BadModel(
            description: "a control piece of one character",
            bytes: SmallModels.sentencePiece() + SmallModels.piece("ü", type: 3),
            message: "m: pieces[268]: 'ü' is a control piece of one character"
        ),
        BadModel(
            description: "a user-defined piece",
            bytes: SmallModels.sentencePiece() + SmallModels.piece("x", type: 4),
            message: "m: pieces[268].type: pieces of type userDefined are not implemented"
        ),
    ]

    @Test(arguments: badModels)
    func sentencePiece(_ bad: BadModel) {
        let message = messageOfError {
            _ = try SentencePieceTokenizer(try SentencePieceModel(parsing: bad.bytes, source: "m"), source: "m")
        }
        #expect(message.contains(bad.message), "\(message)")
    }

    /// A change to the small tokenizer.json and what the error must say.
    static let badJSON: [(from: String, to: String, message: String)] = [
        ("\"▁a\":6,", "", "t: model.merges[2]: '▁a' is not in model.vocab"),
        ("\"ab\":5", "\"ab\":4", "t: model.vocab: id 4 belongs to two tokens"),
        ("\"ab\":5", "\"ab\":-5", "t: model.vocab.ab: expected an id from 0"),
        ("\"ab\":5", "\"ab\":4194304", "t: model.vocab.ab: expected an id from 0"),
        ("\"ab\":5", "\"ab\":400000", "t: model.vocab: has 9 tokens but ids up to 400000"),
        ("\"ab\":5", "\"ab\":\"5\"", "t: model.vocab.ab: expected an id"),
        ("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "t: model.type: model type 'Unigram' is not implemented"),
        ("\"dropout\":null", "\"dropout\":0.1", "t: model.dropout: dropout is not implemented"),
        ("\"unk_token\":\"<unk>\"", "\"unk_token\":\"?\"", "t: model.unk_token: this token is not in model.vocab"),
        ("\"a a\"", "\"a a a\"", "t: model.merges[1]: expected two tokens with one space between"),
        ("\"a a\"", "7", "t: model.merges[1]: expected two strings"),
        ("\"Prepend\"", "\"NFC\"", "t: normalizer.normalizers[0].type: normalizer 'NFC' is not implemented"),
        ("\"Strip\"", "\"Trip\"", "t: decoder: decoder"),
        ("\"id\":9", "\"id\":5", "t: added_tokens[2].id: id 5 already belongs to 'ab'"),
        ("\"id\":1,", "\"id\":3,", "t: added_tokens[1].id: is 3, but model.vocab gives this token the id 1"),
        ("\"ids\":[1]", "\"ids\":[10]", "t: post_processor.special_tokens.<s>.ids[0]: expected an integer from 0 to 9"),
        ("{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}", "{\"Sequence\":null}", "t: post_processor.single[1]"),
        (
            "\"pre_tokenizer\":null", "\"pre_tokenizer\":{\"type\":\"Whitespace\"}",
            "t: pre_tokenizer.type: pre-tokenizer"
        ),
        ("{\"version\"", "{\"version\":", "t: line 1"),
        // Forty times twice as long.
        (
            "\"Sequence\",\"normalizers\":[",
            "\"Sequence\",\"normalizers\":["
                + String(
                    repeating: "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"  \"},",
                    count: 40
                ),
            "t: normalizer: makes a text more than 256 times longer"
        ),
        (
            "\"Sequence\",\"normalizers\":[",
            "\"Sequence\",\"normalizers\":["
                + String(
                    repeating: "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\" \"},",
                    count: 63
                ),
            "t: normalizer: has 65 steps, more than 64"
        ),
        (
            "\"String\":\" \"", "\"String\":\"" + String(repeating: " ", count: 4097) + "\"",
            "t: normalizer.normalizers[1].pattern.String: has 4097 bytes, more than 4096"
        ),
        (
            "\"content\":\"▁\"", "\"content\":\"" + String(repeating: "▁", count: 1366) + "\"",
            "t: normalizer.normalizers[1].content: has 4098 bytes, more than 4096"
        ),
        (
            "\"prepend\":\"▁\"", "\"prepend\":\"" + String(repeating: "▁", count: 1366) + "\"",
            "t: normalizer.normalizers[0].prepend: has 4098 bytes, more than 4096"
        ),
        // 35 tokens of 4,000 marks, each mark 4,096 bytes long: 573 million bytes.
        (
            "\"▁\":2,",
            "\"▁\":2," + (20..<55).map { "\"\(String(repeating: "_", count: 4000 + $0))\":\($0)," }.joined(),
            "t: decoder.decoders[0].content: makes the tokens more than 536870912 bytes"
        ),
    ]

    @Test(arguments: badJSON.indices)
    func tokenizerJSON(_ index: Int) {
        let (from, to, expected) = Self.badJSON[index]
        var text = SmallModels.characterJSON.replacing(from, with: to)
        // Together with long tokens of this character.
        if to.contains("____") {
            text = text.replacing(
                #"{"String":"▁"},"content":" ""#,
                with: #"{"String":"_"},"content":""# + String(repeating: " ", count: 4096) + "\""
            )
        }
        #expect(text != SmallModels.characterJSON)
        let message = messageOfError { _ = try BytePairTokenizer(parsing: Array(text.utf8), source: "t") }
        #expect(message.contains(expected), "\(message)")
    }

    @Test func unknownExpression() {
        let text = SmallModels.byteLevelJSON(expression: "\\w+", ignoreMerges: false)
        let message = messageOfError { _ = try BytePairTokenizer(parsing: Array(text.utf8), source: "t") }
        #expect(
            message.contains("t: pre_tokenizer.pretokenizers[0].pattern: only the regular expressions"),
            "\(message)"
        )
    }

    /// A text that would be 2^31 bytes after the normaliser is refused before that, and the next one is encoded afresh.
    @Test func textTooLongAfterNormalising() throws {
        let json = SmallModels.characterJSON.replacing(
            #""content":"▁""#,
            with: #""content":""# + String(repeating: "b", count: 256) + "\""
        )
        let tokenizer = try BytePairTokenizer(parsing: Array(json.utf8), source: "t")
        let text = Array("<s>".utf8) + [UInt8](repeating: 0x61, count: 8) + [UInt8](repeating: 0x20, count: 1 << 23)
        let message = messageOfError { _ = try tokenizer.encode(text, addSpecialTokens: false) }
        #expect(
            message.contains("t: normalizer: turns 8388616 bytes of text into 2147483647 or more"),
            "\(message)"
        )
        #expect(try tokenizer.encode("a", addSpecialTokens: false) == [6])
    }

    @Test func idBeyondVocabulary() throws {
        let model = try SentencePieceModel(parsing: SmallModels.sentencePiece(), source: "m")
        let tokenizer = try SentencePieceTokenizer(model, source: "m")
        #expect(tokenizer.vocabularySize == 268)
        for id in [268, UInt32.max] {
            let message = messageOfError { _ = try tokenizer.decode([5, id], skipSpecialTokens: false) }
            #expect(message.contains("token id \(id) is not in the vocabulary of 268 ids"))
        }
    }

    @Test func folders() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/podium-tokenizers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ bytes: [UInt8], _ name: String) throws {
            try Data(bytes).write(to: URL(filePath: folder + "/" + name))
        }
        #expect(messageOfError { _ = try loadTokenizer(folder: folder) }.contains("neither tokenizer.model nor"))

        try write(Array(SmallModels.characterJSON.utf8), "tokenizer.json")
        var tokenizer = try loadTokenizer(folder: folder)
        #expect(tokenizer is BytePairTokenizer)
        #expect(tokenizer.bosToken == 1 && tokenizer.eosToken == nil)
        #expect(try tokenizer.encode("a", addSpecialTokens: true) == [1, 6])

        try write(
            Array(#"{"bos_token":{"content":"<s>"},"eos_token":"b","add_bos_token":false,"add_eos_token":true,"#.utf8)
                + Array(#""tokenizer_class":"LlamaTokenizerFast"}"#.utf8),
            "tokenizer_config.json"
        )
        tokenizer = try loadTokenizer(folder: folder)
        #expect(tokenizer.eosToken == 4)
        #expect(try tokenizer.encode("a", addSpecialTokens: true) == [6, 4])

        // tokenizer.model wins, and has no control piece b.
        try write(SmallModels.sentencePiece(), "tokenizer.model")
        let message = messageOfError { _ = try loadTokenizer(folder: folder) }
        #expect(message.contains("tokenizer_config.json: eos_token: 'b' is not a special token of"), "\(message)")
        try write(Array(#"{"add_eos_token":true}"#.utf8), "tokenizer_config.json")
        tokenizer = try loadTokenizer(folder: folder)
        #expect(tokenizer is SentencePieceTokenizer)
        #expect(try tokenizer.encode("a", addSpecialTokens: true) == [1, 263, 2])
        try write(Array(#"{"add_eos_token":1}"#.utf8), "tokenizer_config.json")
        #expect(messageOfError { _ = try loadTokenizer(folder: folder) }.contains("add_eos_token"))
    }

    private func messageOfError(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return error is TokenizerError ? "\(error)" : "not a TokenizerError: \(error)"
        }
    }
}
