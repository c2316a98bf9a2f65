import Testing

@testable import FuzzDriver
@testable import Tokenizers

/// Encoding from left to right gives what merging step by step gives, whatever the vocabulary: pieces that are never
/// made, equal scores, pieces that are made against the order of the ranks, code points without a piece.
@Suite struct EncodingTests {
    private static let count = 400
    private static let textsEach = 40

    /// Pieces over few letters with random scores, as no training would give them.
    @Test(arguments: [false, true])
    func randomSentencePieceModels(hasBytes: Bool) throws {
        var random = SplitMix64(seed: hasBytes ? 1 : 2)
        var compared = 0
        for _ in 0..<Self.count {
            let escapes = random.below(4) > 0
            let space = escapes ? "\u{2581}" : " "
            let alphabet = [space, "a", "b", "é", "\u{2581}", "界", " "].prefix(2 + random.below(6))
            let kind = random.below(3)
            var scores: [String: Float] = [:]
            for _ in 0..<(1 + random.below(40)) {
                let piece = random.text(alphabet, longest: kind == 0 ? 3 : 9)
                scores[piece] =
                    switch kind {
                    // Longer pieces later, as in trained models; any order; few different scores.
                    case 0: -Float(piece.unicodeScalars.count) - Float(random.below(1000)) / 1001
                    case 1: -Float(random.below(1000))
                    default: -Float(random.below(4))
                    }
            }
            let adds = random.below(2) == 0
            var bytes = SmallModels.sentencePiece(
                pieces: [],
                trainer: SmallModels.field(3, varint: 2) + SmallModels.field(35, varint: hasBytes ? 1 : 0),
                normalizer: SmallModels.field(3, varint: adds ? 1 : 0) + SmallModels.field(4, varint: 0)
                    + SmallModels.field(5, varint: escapes ? 1 : 0),
                hasBytes: hasBytes
            )
            var ids: [String: UInt32] = [:]
            for (piece, score) in scores.sorted(by: { $0.key < $1.key }) {
                ids[piece] = UInt32(3 + (hasBytes ? 256 : 0) + ids.count)
                bytes += SmallModels.piece(piece, score: score, type: 1)
            }
            let tokenizer = try SentencePieceTokenizer(try SentencePieceModel(parsing: bytes, source: "m"), source: "m")
            let reference = ReferenceMerging { left, right in scores[left + right].map { -Double($0) } }
            for _ in 0..<Self.textsEach {
                let text = random.text(["a", "b", "é", " ", "\u{2581}", "界", "?"], longest: 24)
                let normalized = (adds ? " " : "") + text
                let symbols = normalized.unicodeScalars.map { $0 == " " ? space : String($0) }
                var wanted: [UInt32] = []
                var afterUnknown = false
                for token in reference.encode(symbols) {
                    if let id = ids[token] {
                        wanted.append(id)
                        afterUnknown = false
                    } else if hasBytes {
                        wanted += token.utf8.map { 3 + UInt32($0) }
                    } else if !afterUnknown {
                        wanted.append(0)
                        afterUnknown = true
                    }
                }
                let got = try tokenizer.encode(text, addSpecialTokens: false)
                compared += 1
                guard got == wanted else {
                    Issue.record("\(scores) escapes \(escapes): '\(text)' gave \(got), expected \(wanted)")
                    return
                }
            }
        }
        #expect(compared == Self.count * Self.textsEach)
    }

    /// Merges in an order that no training gives, some of them twice.
    @Test(arguments: [false, true])
    func randomMergeLists(ignoresMerges: Bool) throws {
        var random = SplitMix64(seed: ignoresMerges ? 3 : 4)
        for _ in 0..<Self.count {
            let letters = ["▁", "a", "b", "c"]
            var ids: [String: UInt32] = ["<unk>": 0]
            for letter in letters { ids[letter] = UInt32(ids.count) }
            var known = letters
            var merges: [(String, String)] = []
            for _ in 0..<random.below(30) {
                let pair = (known[random.below(known.count)], known[random.below(known.count)])
                if pair.0.count + pair.1.count > 12 { continue }
                if ids[pair.0 + pair.1] == nil {
                    ids[pair.0 + pair.1] = UInt32(ids.count)
                    known.append(pair.0 + pair.1)
                }
                merges.append(pair)
            }
            // In order of learning, or in any.
            if random.below(2) == 0 { merges.shuffle(using: &random) }
            var ranks: [[String]: Double] = [:]
            for (rank, merge) in merges.enumerated() { ranks[[merge.0, merge.1]] = Double(rank) }
            let vocabulary = ids.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            let list = merges.map { "[\"\($0.0)\",\"\($0.1)\"]" }.joined(separator: ",")
            let json = """
                {"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"pre_tokenizer":null,
                "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
                {"type":"ByteFallback"},{"type":"Fuse"}]},"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":false,
                "ignore_merges":\(ignoresMerges),"vocab":{\(vocabulary)},"merges":[\(list)]}}
                """
            let tokenizer = try BytePairTokenizer(parsing: Array(json.utf8), source: "t")
            let reference = ReferenceMerging { ranks[[$0, $1]] }
            for _ in 0..<Self.textsEach {
                let text = random.text(["a", "b", "c", " ", "é"], longest: 24)
                let marked = text.unicodeScalars.map { $0 == " " ? "▁" : String($0) }
                var wanted = reference.encode(marked).map { ids[$0] ?? 0 }
                if ignoresMerges, let whole = ids[marked.joined()] { wanted = [whole] }
                let got = try tokenizer.encode(text, addSpecialTokens: false)
                guard got == wanted else {
                    Issue.record("\(merges): '\(text)' gave \(got), expected \(wanted)")
                    return
                }
            }
        }
    }

    /// Byte tokens for all bytes or for some, unknown tokens alone and fused, and merges of both: tokenizers takes the
    /// bytes of a character that lacks a token if all of them have one, and else holds an unknown token back until the
    /// next known character (models/bpe/model.rs, merge_word).
    @Test(arguments: [false, true], [false, true])
    func randomByteFallback(fuses: Bool, hasUnknown: Bool) throws {
        var random = SplitMix64(seed: 6 + (fuses ? 1 : 0) + (hasUnknown ? 2 : 0))
        for _ in 0..<Self.count {
            // Of é (C3 A9), ü (C3 BC), 界 (E7 95 8C); all of them in a third of the models.
            let bytes = ["<0xC3>", "<0xA9>", "<0xBC>", "<0xE7>", "<0x95>", "<0x8C>"]
            let all = random.below(3) == 0
            let present = bytes.filter { _ in all || random.below(3) > 0 }
            let letters = ["▁", "a", "b"] + (random.below(4) == 0 ? ["é"] : [])
            let known = ["<unk>"] + letters + present
            var ids: [String: UInt32] = [:]
            for token in known { ids[token] = UInt32(ids.count) }
            // Half of the models merge letters alone, which the encoder from left to right does.
            let parts = random.below(2) == 0 ? letters : known
            var joined = parts
            var ranks: [[String]: Double] = [:]
            var list: [String] = []
            for _ in 0..<random.below(16) {
                let pair = [joined[random.below(joined.count)], joined[random.below(joined.count)]]
                if pair[0].utf8.count + pair[1].utf8.count > 40 || pair == ["<unk>", "<unk>"] { continue }
                if ids[pair[0] + pair[1]] == nil {
                    ids[pair[0] + pair[1]] = UInt32(ids.count)
                    joined.append(pair[0] + pair[1])
                }
                ranks[pair] = Double(list.count)
                list.append("[\"\(pair[0])\",\"\(pair[1])\"]")
            }
            let vocabulary = ids.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            let json = """
                {"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"pre_tokenizer":null,
                "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
                {"type":"ByteFallback"},{"type":"Fuse"}]},"model":{"type":"BPE",
                "unk_token":\(hasUnknown ? "\"<unk>\"" : "null"),"fuse_unk":\(fuses),"byte_fallback":true,
                "vocab":{\(vocabulary)},"merges":[\(list.joined(separator: ","))]}}
                """
            let tokenizer = try BytePairTokenizer(parsing: Array(json.utf8), source: "t")
            let reference = ReferenceMerging { ranks[[$0, $1]] }
            for _ in 0..<Self.textsEach {
                let text = random.text(["a", "b", " ", "é", "ü", "界", "é"], longest: 16)
                var symbols: [String] = []
                var held = 0
                for character in text.unicodeScalars.map({ $0 == " " ? "▁" : String($0) }) {
                    let spelled = character.utf8.map { "<0x\(String($0, radix: 16, uppercase: true))>" }
                    if letters.contains(character) {
                        symbols += [String](repeating: "<unk>", count: held) + [character]
                        held = 0
                    } else if spelled.allSatisfy(present.contains) {
                        symbols += spelled
                    } else if hasUnknown {
                        if held == 1, !fuses { symbols.append("<unk>") }
                        held = 1
                    }
                }
                symbols += [String](repeating: "<unk>", count: held)
                let wanted = reference.encode(symbols).map { ids[$0] }
                let got = try tokenizer.encode(text, addSpecialTokens: false)
                guard got.map(Optional.some) == wanted else {
                    Issue.record("\(json): '\(text)' gave \(got), expected \(wanted)")
                    return
                }
            }
        }
    }

    /// An added token of white space that takes the white space before it along costs time in proportion to the text.
    @Test func addedSpaces() throws {
        let json = SmallModels.characterJSON.replacing(
            #"{"id":0,"content":"<unk>""#,
            with: #"{"id":10,"content":" ","special":true,"normalized":false,"lstrip":true},{"id":0,"content":"<unk>""#
        )
        let tokenizer = try BytePairTokenizer(parsing: Array(json.utf8), source: "t")
        let count = 200_000
        var ids: [UInt32] = []
        let time = try ContinuousClock().measure {
            ids = try tokenizer.encode([UInt8](repeating: 0x20, count: count), addSpecialTokens: false)
        }
        #expect(ids == [UInt32](repeating: 10, count: count))
        #expect(time < .seconds(10))
    }

    /// Bytes that are no UTF-8 and the text that sentencepiece reads in their place: one U+FFFD for each bad byte.
    static let malformed: [(bytes: [UInt8], text: String)] = [
        ([0x80], "\u{FFFD}"),
        ([0xFF], "\u{FFFD}"),
        ([0xC3], "\u{FFFD}"),
        ([0xC3, 0x62], "\u{FFFD}b"),
        ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
        ([0xE2, 0x96], "\u{FFFD}\u{FFFD}"),
        ([0xE2, 0x96, 0x62], "\u{FFFD}\u{FFFD}b"),
        ([0xE0, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        // A surrogate, and above U+10FFFF.
        ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF0, 0x9F, 0x98], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF0, 0x9F, 0xC3, 0xA9], "\u{FFFD}\u{FFFD}é"),
        ([0xF0, 0x9F, 0x98, 0x80, 0x98], "😀\u{FFFD}"),
        ([0x62, 0xFF, 0xC3, 0xA9, 0xE2], "b\u{FFFD}é\u{FFFD}"),
    ]

    @Test(arguments: malformed.indices)
    func malformedBytes(_ index: Int) throws {
        let (bytes, text) = Self.malformed[index]
        let tokenizer = try SentencePieceTokenizer(
            try SentencePieceModel(parsing: SmallModels.sentencePiece(), source: "m"),
            source: "m"
        )
        // 3 pieces, 256 bytes, then ▁ in front, b and é; everything else is its bytes.
        let wanted = text.unicodeScalars.reduce(into: [259 as UInt32]) { ids, character in
            switch character {
            case "b": ids.append(261)
            case "é": ids.append(265)
            default: ids += String(character).utf8.map { 3 + UInt32($0) }
            }
        }
        #expect(try tokenizer.encode(bytes, addSpecialTokens: false) == wanted, "\(bytes)")
    }

    /// Bytes that are no UTF-8 are repaired alike wherever they stand.
    @Test func malformedBytesAnywhere() throws {
        let tokenizer = try SentencePieceTokenizer(
            try SentencePieceModel(parsing: SmallModels.sentencePiece(), source: "m"),
            source: "m"
        )
        var random = SplitMix64(seed: 5)
        for _ in 0..<2000 {
            let bytes = (0..<random.below(30)).map { _ in
                [0x61, 0x62, 0x20, 0xE2, 0x96, 0x81, 0xC3, 0xA9, 0xFF, 0xF0, 0x9F, 0x98, 0x80][random.below(13)]
                    as UInt8
            }
            var repaired: [UInt8] = []
            bytes.withUnsafeBufferPointer { bytes in
                forEachCodePoint(bytes) { value, _, _ in appendUTF8(value, to: &repaired) }
            }
            let got = try tokenizer.encode(bytes, addSpecialTokens: false)
            let wanted = try tokenizer.encode(repaired, addSpecialTokens: false)
            #expect(got == wanted, "\(bytes)")
        }
    }

    /// A long text of one letter, which merges in many ways, takes time in proportion to its length.
    @Test func repeatedLetter() throws {
        let tokenizer = try SentencePieceTokenizer(
            try SentencePieceModel(parsing: SmallModels.sentencePiece(), source: "m"),
            source: "m"
        )
        let count = 1_000_001
        var ids: [UInt32] = []
        let time = try ContinuousClock().measure {
            ids = try tokenizer.encode([UInt8](repeating: 0x61, count: count), addSpecialTokens: false)
        }
        // ▁a, then aaaa (268 pieces: 3 others, 256 bytes, ▁ a b ab ▁a ▁ab é aa aaaa).
        #expect(ids == [263] + [UInt32](repeating: 267, count: count / 4))
        #expect(time < .seconds(10))
    }
}

extension SplitMix64 {
    fileprivate mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: next() % UInt64(bound))
    }

    /// 1 to `longest` of the given letters.
    fileprivate mutating func text(_ letters: some RandomAccessCollection<String>, longest: Int) -> String {
        let letters = Array(letters)
        return (0...below(longest)).map { _ in letters[below(letters.count)] }.joined()
    }
}
