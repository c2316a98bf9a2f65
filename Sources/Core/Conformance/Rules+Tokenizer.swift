import CPluginAPI

/// The tokenizer's table called as it is, with buffers that show an overrun.
struct RawTokenizer {
    struct Encoded: Equatable {
        var status: mlp_status
        var count: UInt64
        var tokens: [UInt32]
        var overran: Bool
    }

    private let plugin: UnsafePointer<mlp_plugin>
    private let table: UnsafePointer<mlp_tokenizer>
    private static let canary: UInt32 = 0xFEED_FACE

    init(_ instance: LoadedInstance, _ table: UnsafePointer<mlp_tokenizer>) {
        plugin = instance.plugin
        self.table = table
    }

    func encode(_ text: [UInt8], capacity: Int) -> Encoded {
        var buffer = [UInt32](repeating: RawTokenizer.canary, count: capacity + 4096)
        var count: UInt64 = 0
        let status = text.withUnsafeBytes { text in
            buffer.withUnsafeMutableBufferPointer { buffer in
                table.pointee.encode(
                    plugin,
                    mlp_bytes(data: text.baseAddress, size: UInt64(text.count)),
                    capacity == 0 ? nil : buffer.baseAddress,
                    UInt64(capacity),
                    &count
                )
            }
        }
        return Encoded(
            status: status,
            count: count,
            tokens: Array(buffer.prefix(min(capacity, Int(clamping: count)))),
            overran: buffer.dropFirst(capacity).contains { $0 != RawTokenizer.canary }
        )
    }

    func decode(_ tokens: [UInt32], capacity: Int) -> (status: mlp_status, count: UInt64, text: [UInt8], overran: Bool)
    {
        var buffer = [UInt8](repeating: 0xA5, count: capacity + 4096)
        var count: UInt64 = 0
        let status = tokens.withUnsafeBufferPointer { tokens in
            buffer.withUnsafeMutableBytes { buffer in
                table.pointee.decode(
                    plugin,
                    tokens.baseAddress,
                    UInt64(tokens.count),
                    capacity == 0 ? nil : buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UInt64(capacity),
                    &count
                )
            }
        }
        return (
            status, count, Array(buffer.prefix(min(capacity, Int(clamping: count)))),
            buffer.dropFirst(capacity).contains { $0 != 0xA5 }
        )
    }
}

extension ConformanceRule {
    private static let texts = [
        "", "a", "Hello, world.", "The quick brown fox jumps over the lazy dog.", "3.14159 and 2,718",
        "Grüße aus Köln", "日本語のテキスト", "emoji 🙂👩‍👩‍👧 and text", "tabs\tand\nlines", "x  y   z",
    ]

    private static func tokenizer(
        _ probe: ConformanceProbe,
        _ body: (RawTokenizer, UnsafePointer<mlp_tokenizer>) throws -> ConformanceVerdict
    ) throws -> ConformanceVerdict {
        let instance = try probe.instance()
        guard let table = instance.tables.tokenizer else {
            throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_TOKENIZER)")
        }
        let verdict = try body(RawTokenizer(instance, table), table)
        try instance.destroy()
        return verdict
    }

    static let tokenizer: [ConformanceRule] = [
        ConformanceRule("MLP-E01", "Capacity 0 reports the count, which holds.", roles: ["head", "both"]) { probe in
            try tokenizer(probe) { tokenizer, _ in
                for text in texts {
                    let asked = tokenizer.encode(Array(text.utf8), capacity: 0)
                    let told = tokenizer.encode(Array(text.utf8), capacity: 4096)
                    try demand(asked.status == mlp_status(MLP_OK), "encode of \"\(text)\" failed")
                    try demand(
                        asked.count == told.count,
                        "encode of \"\(text)\" reports \(asked.count) tokens at first and \(told.count) then"
                    )
                    let length = tokenizer.decode(told.tokens, capacity: 0)
                    let whole = tokenizer.decode(told.tokens, capacity: 4096)
                    try demand(length.status == mlp_status(MLP_OK), "decode of \"\(text)\" failed")
                    try demand(
                        length.count == whole.count,
                        "decode of \"\(text)\" reports \(length.count) bytes at first and \(whole.count) then"
                    )
                }
                return .pass
            }
        },
        ConformanceRule("MLP-E02", "No more is written than the buffer holds.", roles: ["head", "both"]) { probe in
            try tokenizer(probe) { tokenizer, _ in
                for text in texts {
                    let whole = tokenizer.encode(Array(text.utf8), capacity: 4096)
                    let short = tokenizer.encode(Array(text.utf8), capacity: 1)
                    try demand(!short.overran, "encode of \"\(text)\" wrote past a buffer of one token")
                    try demand(
                        short.count == whole.count,
                        "encode of \"\(text)\" reports another count for a short buffer"
                    )
                    let decoded = tokenizer.decode(whole.tokens, capacity: 1)
                    try demand(!decoded.overran, "decode of \"\(text)\" wrote past a buffer of one byte")
                }
                return .pass
            }
        },
        ConformanceRule("MLP-E03", "Text survives encoding and decoding.", roles: ["head", "both"]) { probe in
            try tokenizer(probe) { tokenizer, _ in
                var changed: [String] = []
                for text in texts {
                    let tokens = tokenizer.encode(Array(text.utf8), capacity: 4096).tokens
                    let decoded = tokenizer.decode(tokens, capacity: 4096)
                    try demand(decoded.status == mlp_status(MLP_OK), "decode of \"\(text)\" failed")
                    if !decoded.text.elementsEqual(text.utf8) { changed.append(text) }
                }
                return changed.isEmpty
                    ? .pass : .warn("a normalising tokenizer? These texts come back changed: \(changed)")
            }
        },
        ConformanceRule("MLP-E04", "Text that is not UTF-8 is encoded or refused, and no more.", roles: ["head"]) {
            probe in
            try tokenizer(probe) { tokenizer, _ in
                let broken: [[UInt8]] = [
                    [0xFF], [0xC3], [0xE2, 0x82], [0x80, 0x80, 0x41], [0xF0, 0x9F, 0x98, 0x41], [0],
                ]
                for text in broken {
                    let encoded = tokenizer.encode(text, capacity: 64)
                    try demand(!encoded.overran && encoded.count <= 64, "encode of \(text) writes without bounds")
                }
                return .pass
            }
        },
        ConformanceRule("MLP-E05", "Tokens beyond the vocabulary are refused.", roles: ["head", "both"]) { probe in
            try tokenizer(probe) { tokenizer, table in
                for token in [table.pointee.vocabulary, table.pointee.vocabulary &+ 1, UInt32.max] {
                    let decoded = tokenizer.decode([token], capacity: 64)
                    try demand(
                        decoded.status != mlp_status(MLP_OK),
                        "token \(token) of a vocabulary of \(table.pointee.vocabulary) is decoded"
                    )
                }
                return .pass
            }
        },
    ]
}
