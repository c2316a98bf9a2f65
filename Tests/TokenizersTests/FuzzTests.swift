import FuzzDriver
import Testing

@testable import Tokenizers

/// Whatever a file holds, it is refused with an error or usable without a trap.
@Suite struct FuzzTests {
    @Test func sentencePieceModels() {
        let seeds = [
            SmallModels.sentencePiece(),
            SmallModels.sentencePiece(
                pieces: ["\u{2581}", "x\u{2581}y", "x", "y", "x\u{2581}"],
                trainer: SmallModels.field(3, varint: 2),
                normalizer: SmallModels.field(3, varint: 0),
                hasBytes: false
            ),
        ]
        let report = Fuzzer(name: "tokenizer.model", seeds: seeds, tokens: ["<0x41>", "\u{2581}", "<s>", "\u{1F600}"])
            .run { bytes in
                guard let model = try? SentencePieceModel(parsing: bytes, source: "fuzz"),
                    let tokenizer = try? SentencePieceTokenizer(model, source: "fuzz")
                else { return false }
                use(tokenizer)
                return true
            }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }

    @Test func tokenizerJSONs() {
        let seeds = [
            SmallModels.characterJSON,
            SmallModels.metaspaceJSON,
            SmallModels.byteLevelJSON(expression: WordPattern.llama3.expression, ignoreMerges: true),
            SmallModels.byteLevelJSON(expression: WordPattern.o200k.expression, ignoreMerges: false),
        ]
        let report = Fuzzer(name: "tokenizer.json", seeds: seeds.map { Array($0.utf8) }).run { bytes in
            guard let tokenizer = try? BytePairTokenizer(parsing: bytes, source: "fuzz") else { return false }
            use(tokenizer)
            return true
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }

    /// The reader that takes vocabulary and merges from the text accepts nothing that the general one refuses, and gives
    /// the same tokenizer; where it declines, the general one decides.
    @Test func largePartsFromTheText() {
        let seeds = [
            SmallModels.characterJSON,
            SmallModels.metaspaceJSON,
            SmallModels.byteLevelJSON(expression: WordPattern.llama3.expression, ignoreMerges: true),
            SmallModels.characterJSON.replacing("\"é\":8", with: "\"\\u00e9\":8,\"\\ud83d\\ude00\":10,\"\\\"\":11"),
        ]
        let tokens = [
            "\"vocab\":{}", "\"merges\":[]", "\"model\":{", "\\u0061", "\\ud83d\\ude00", "\\", "[\"a\",\"b\"]",
        ]
        var read = 0
        let report = Fuzzer(name: "large parts of tokenizer.json", seeds: seeds.map { Array($0.utf8) }, tokens: tokens)
            .run { bytes in
                guard let text = ModelText(bytes),
                    let file = try? TokenizerJSON(reading: text.rest, text, source: "fuzz")
                else { return false }
                read += 1
                guard let general = try? TokenizerJSON(reading: bytes, nil, source: "fuzz") else {
                    Issue.record("only the quick reader accepts \(String(decoding: bytes, as: UTF8.self))")
                    return true
                }
                let input = " ab  abab aé\u{2581}<s> \u{1F600}\"1234'S\r\n\n  <|x|>zz"
                let quick = BytePairTokenizer(file)
                let slow = BytePairTokenizer(general)
                let ids = try? quick.encode(input, addSpecialTokens: true)
                #expect(ids == (try? slow.encode(input, addSpecialTokens: true)))
                #expect(file.decoding.arena == general.decoding.arena)
                return true
            }
        print(report)
        #expect(read >= seeds.count && report.accepted < report.count)
    }

    private func use(_ tokenizer: some Tokenizer) {
        let texts: [[UInt8]] = [
            Array(" ab  abab aé\u{2581}<s> \u{1F600}1234'S\r\n\n  <|x|>zz".utf8),
            [0xFF, 0x61, 0xE2, 0x96, 0x20, 0xF0, 0x9F],
            [UInt8](repeating: 0x61, count: 100),
        ]
        for text in texts {
            guard let ids = try? tokenizer.encode(text, addSpecialTokens: true) else {
                Issue.record("a loaded tokenizer refused a short text")
                continue
            }
            // Every id that encoding gives can be decoded.
            #expect((try? tokenizer.decode(ids, skipSpecialTokens: false)) != nil)
        }
        for id in [0, 1, 255, tokenizer.vocabularySize - 1] {
            _ = try? tokenizer.decode([UInt32(truncatingIfNeeded: id)], skipSpecialTokens: true)
        }
    }
}
