import FoundationEssentials
import JSON
import Testing

@testable import Tokenizers

/// The reference libraries' ids and texts, exactly, for every file of every folder.
@Suite struct GoldenTests {
    @Test func foldersAreThere() {
        #expect(!GoldenTokenizer.all.isEmpty)
    }

    @Test(arguments: GoldenTokenizer.all)
    func sentencePieceModel(_ golden: GoldenTokenizer) throws {
        for file in ["tokenizer.model", "spiece.model"] where golden.has(file) {
            let path = golden.folder + "/" + file
            let model = try SentencePieceModel(parsing: try readTokenizerFile(path), source: file)
            if model.modelType == .unigram {
                print("golden tokenizers/\(golden)/\(file): not run (Unigram is not implemented yet)")
                continue
            }
            let tokenizer = try SentencePieceTokenizer(path: path)
            var report = ExactReport("\(golden)/\(file)")
            for item in try golden.expected()["encode"].array() {
                let ids = try item["sp_ids"].ids
                let text = try item["text"].string()
                report.compare(try tokenizer.encode(text, addSpecialTokens: false), ids, "ids of \(item.path)")
                report.compare(
                    try tokenizer.encode(text, addSpecialTokens: true),
                    tokenizer.bosToken.map { [$0] + ids } ?? ids,
                    "ids with BOS of \(item.path)"
                )
                try compareText(tokenizer, ids, false, item["sp_decoded"], &report)
            }
            for item in try golden.expected()["decode"].optional?.array() ?? [] {
                try compareText(tokenizer, item["ids"].ids, false, item["sp_decoded"], &report)
            }
            try compareSize(tokenizer, golden, &report)
            report.finish()
            #expect(report.failures.prefix(3) == [])
            #expect(report.compared > 0)
        }
    }

    @Test(arguments: GoldenTokenizer.all)
    func tokenizerJSON(_ golden: GoldenTokenizer) throws {
        for file in ["tokenizer.json", "tokenizer_metaspace.json"] where golden.has(file) {
            var tokenizer = try BytePairTokenizer(path: golden.folder + "/" + file)
            let expected = try golden.expected()
            var report = ExactReport("\(golden)/\(file)")
            for item in try expected["encode"].array() {
                let text = try item["text"].string()
                let isMetaspace = file == "tokenizer_metaspace.json"
                let ids = try (isMetaspace ? item["hf_metaspace_ids"].optional : nil)?.ids ?? item["hf_ids"].ids
                report.compare(try tokenizer.encode(text, addSpecialTokens: false), ids, "ids of \(item.path)")
                if isMetaspace { continue }
                try compareText(tokenizer, ids, false, item["hf_decoded"], &report)
                if let skipped = try item["hf_decoded_skip_special"].optional {
                    try compareText(tokenizer, ids, true, skipped, &report)
                }
                tokenizer.readsSpecialTokens = false
                if let plain = try item["tiktoken_ids_no_special"].optional?.ids {
                    report.compare(
                        try tokenizer.encode(text, addSpecialTokens: false),
                        plain,
                        "plain ids of \(item.path)"
                    )
                }
                tokenizer.readsSpecialTokens = true
            }
            for item in try expected["decode"].optional?.array() ?? [] {
                let ids = try item["ids"].ids
                try compareText(tokenizer, ids, false, item["hf_decoded"], &report)
                if let skipped = try item["hf_decoded_skip_special"].optional {
                    try compareText(tokenizer, ids, true, skipped, &report)
                }
                if let hex = try item["bytes_hex"].optional?.string() {
                    let bytes = try ids.flatMap { try tokenizer.bytes(of: $0) }
                    report.compare(hexadecimal(bytes), hex, "bytes of \(item.path)")
                }
            }
            for item in try expected["with_bos"].optional?.array() ?? [] {
                let text = try item["text"].string()
                report.compare(try tokenizer.encode(text, addSpecialTokens: true), try item["ids"].ids, item.path)
            }
            try compareSize(tokenizer, golden, &report)
            report.finish()
            #expect(report.failures.prefix(3) == [])
            #expect(report.compared > 0)
        }
    }

    @Test(arguments: GoldenTokenizer.all)
    func wordPattern(_ golden: GoldenTokenizer) throws {
        let expected = try golden.expected()
        guard let expression = try expected["pattern"].optional?.string() else { return }
        let pattern = try #require(WordPattern(expression: expression))
        var report = ExactReport("\(golden)/pattern")
        for item in try expected["encode"].array() {
            guard let wanted = try item["pre_tokens"].optional?.array().map({ try $0.string() }) else { continue }
            let text = Array(try item["text"].string().utf8)
            var words: [String] = []
            text.withUnsafeBufferPointer { text in
                pattern.forEachWord(in: text) { words.append(String(decoding: text[$0], as: UTF8.self)) }
            }
            report.compare(words.map { Array($0.utf8) }, wanted.map { Array($0.utf8) }, item.path)
        }
        report.finish()
        #expect(report.failures.prefix(3) == [])
        #expect(report.compared > 0)
    }

    @Test(arguments: GoldenTokenizer.all.filter { $0.has("ranks.tiktoken") })
    func tiktokenRanks(_ golden: GoldenTokenizer) throws {
        let tokenizer = try BytePairTokenizer(path: golden.folder + "/tokenizer.json")
        let lines = String(decoding: try readTokenizerFile(golden.folder + "/ranks.tiktoken"), as: UTF8.self)
        var report = ExactReport("\(golden)/ranks.tiktoken")
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let bytes = try #require(Data(base64Encoded: String(parts[0])))
            let id = try #require(UInt32(parts[1]))
            report.compare(try tokenizer.bytes(of: id), Array(bytes), "token \(id)")
        }
        report.finish()
        #expect(report.failures.prefix(3) == [])
        #expect(report.compared > 0)
    }

    @Test(arguments: GoldenTokenizer.all.filter { $0.has("harmony_example.json") })
    func harmonyExample(_ golden: GoldenTokenizer) throws {
        let tokenizer = try loadTokenizer(folder: golden.folder)
        let example = try golden.json("harmony_example.json")
        var report = ExactReport("\(golden)/harmony_example.json")
        for (text, ids) in [("text", "ids"), ("completion_text", "completion_ids")] {
            let wanted = try example[ids].ids
            report.compare(try tokenizer.encode(try example[text].string(), addSpecialTokens: false), wanted, ids)
            try compareText(tokenizer, wanted, false, example[text], &report)
        }
        report.finish()
        #expect(report.failures == [])
    }

    /// The whole at once, and id by id: each addition must be whole characters, and together they are the same.
    private func compareText(
        _ tokenizer: some Tokenizer,
        _ ids: [UInt32],
        _ skipSpecialTokens: Bool,
        _ field: JSONField,
        _ report: inout ExactReport
    ) throws {
        let wanted = Array(try field.string().utf8)
        let what = "\(field.path), ids \(ids.prefix(20))"
        report.compare(try tokenizer.decode(ids, skipSpecialTokens: skipSpecialTokens), wanted, what)
        var decoder = tokenizer.makeDecoder(skipSpecialTokens: skipSpecialTokens)
        var joined: [UInt8] = []
        var allWhole = true
        for id in ids {
            var addition: [UInt8] = []
            try decoder.append(id, to: &addition)
            allWhole = allWhole && addition.withUnsafeBufferPointer(UTF8Sequence.isValid)
            joined += addition
        }
        decoder.finish(to: &joined)
        report.compare(joined, wanted, "id by id: \(what)")
        report.compare(allWhole, true, "whole characters: \(what)")
    }

    private func compareSize(
        _ tokenizer: some Tokenizer,
        _ golden: GoldenTokenizer,
        _ report: inout ExactReport
    ) throws {
        if let size = try golden.expected()["vocab_size"].optional?.int() {
            report.compare(tokenizer.vocabularySize, size, "vocabulary size")
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
