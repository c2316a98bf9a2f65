import JSON

/// Tokenizer files small enough to fuzz, with every part that the readers know.
enum SmallModels {
    /// A sentencepiece BPE model: `<unk>`, `<s>`, `</s>`, 256 bytes, a few pieces.
    static func sentencePiece(
        pieces: [String] = ["\u{2581}", "a", "b", "ab", "\u{2581}a", "\u{2581}ab", "é", "aa", "aaaa"],
        trainer: [UInt8] = field(3, varint: 2) + field(35, varint: 1),
        normalizer: [UInt8] = field(1, bytes: Array("identity".utf8)) + field(4, varint: 0),
        hasBytes: Bool = true
    ) -> [UInt8] {
        var model: [UInt8] = []
        model += piece("<unk>", type: 2) + piece("<s>", type: 3) + piece("</s>", type: 3)
        for byte in 0..<(hasBytes ? 256 : 0) {
            let digits = String(byte, radix: 16, uppercase: true)
            model += piece("<0x" + (digits.utf8.count == 1 ? "0" : "") + digits + ">", type: 6)
        }
        for (index, text) in pieces.enumerated() { model += piece(text, score: -Float(index), type: 1) }
        return model + field(2, bytes: trainer) + field(3, bytes: normalizer)
    }

    static func piece(_ text: String, score: Float = 0, type: UInt64) -> [UInt8] {
        var content = field(1, bytes: Array(text.utf8)) + [2 << 3 | 5]
        for shift in [0, 8, 16, 24] as [UInt32] { content.append(UInt8(truncatingIfNeeded: score.bitPattern >> shift)) }
        return field(1, bytes: content + field(3, varint: type))
    }

    static func field(_ number: UInt64, bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    static func field(_ number: UInt64, varint value: UInt64) -> [UInt8] {
        varint(number << 3) + varint(value)
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var value = value
        var bytes: [UInt8] = []
        while value > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    /// The Prepend and Replace form, with merges in both spellings and added tokens of each kind.
    static let characterJSON = """
        {"version":"1.0","added_tokens":[
        {"id":0,"content":"<unk>","special":true,"normalized":false},
        {"id":1,"content":"<s>","special":true,"normalized":false,"rstrip":true},
        {"id":9,"content":"ab ","special":false,"normalized":true,"lstrip":true,"single_word":true}],
        "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
        {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
        {"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},
        "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
        {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"BPE","dropout":null,"unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,
        "ignore_merges":false,"vocab":{"<unk>":0,"<s>":1,"▁":2,"a":3,"b":4,"ab":5,"▁a":6,"aa":7,"é":8},
        "merges":[["a","b"],"a a",["▁","a"]]}}
        """

    /// The Metaspace form.
    static let metaspaceJSON = """
        {"added_tokens":[{"id":0,"content":"<unk>","special":true}],"normalizer":null,
        "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
        "post_processor":null,"decoder":{"type":"Sequence","decoders":[
        {"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}]},
        "model":{"type":"BPE","unk_token":"<unk>","vocab":{"<unk>":0,"▁":1,"a":2,"b":3,"ab":4},"merges":["a b"]}}
        """

    /// The byte-level form with one of the known expressions.
    static func byteLevelJSON(expression: String, ignoreMerges: Bool) -> String {
        let quoted = JSON.string(expression).text()
        var vocabulary: [String] = []
        for codePoint in byteAlphabet {
            vocabulary.append(JSON.string(String(Character(codePoint))).text() + ":\(vocabulary.count)")
        }
        vocabulary += ["\"ab\":256", "\"Ġab\":257", "\"zz\":258"]
        return """
            {"added_tokens":[{"id":259,"content":"<|x|>","special":true,"normalized":false}],"normalizer":null,
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":\(quoted)},
            "behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},
            "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
            "single":[{"SpecialToken":{"id":"<|x|>"}},{"Sequence":{"id":"A"}}],
            "special_tokens":{"<|x|>":{"id":"<|x|>","ids":[259]}}}]},"decoder":{"type":"ByteLevel"},
            "model":{"type":"BPE","ignore_merges":\(ignoreMerges),"vocab":{\(vocabulary.joined(separator: ","))},
            "merges":["a b","Ġ ab"]}}
            """
    }

    // GPT-2's order: the printable bytes, then the others as U+0100 and up.
    private static let byteAlphabet: [Unicode.Scalar] =
        [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF, 0x100...0x143].flatMap { $0.compactMap { Unicode.Scalar(UInt32($0)) } }
}
