import CPluginAPI

/// The tables that a head uses.
extension Instance {
    static var datasetTable: mlp_dataset {
        mlp_dataset(
            struct_size: UInt32(MemoryLayout<mlp_dataset>.size),
            reserved: 0,
            size: { plugin, total, performance in
                Instance.call(plugin) { instance in
                    guard let size = try instance.dataset?.datasetSize() else { return }
                    total?.pointee = size.total
                    performance?.pointee = size.performance
                }
            },
            load: { plugin, indices, count in
                Instance.call(plugin) { try $0.dataset?.load(UnsafeBufferPointer(start: indices, count: Int(count))) }
            },
            unload: { plugin, indices, count in
                Instance.call(plugin) { try $0.dataset?.unload(UnsafeBufferPointer(start: indices, count: Int(count))) }
            },
            payload: { plugin, index, out, tokenCount in
                Instance.call(plugin) { instance in
                    guard let payload = try instance.dataset?.payload(index) else { return }
                    out?.pointee = payload.bytes
                    tokenCount?.pointee = payload.tokenCount
                }
            }
        )
    }

    static func tokenizerTable(_ vocabulary: UInt32) -> mlp_tokenizer {
        mlp_tokenizer(
            struct_size: UInt32(MemoryLayout<mlp_tokenizer>.size),
            vocabulary: vocabulary,
            encode: { plugin, text, tokens, capacity, count in
                Instance.call(plugin) { instance in
                    let text = UnsafeRawBufferPointer(start: text.data, count: Int(text.size))
                    guard let encoded = try instance.tokenizer?.encode(text) else { return }
                    if let tokens {
                        for (index, token) in encoded.prefix(Int(clamping: capacity)).enumerated() {
                            tokens[index] = token
                        }
                    }
                    count?.pointee = UInt64(encoded.count)
                }
            },
            decode: { plugin, tokens, tokenCount, text, capacity, count in
                Instance.call(plugin) { instance in
                    let tokens = UnsafeBufferPointer(start: tokens, count: Int(tokenCount))
                    guard let decoded = try instance.tokenizer?.decode(tokens) else { return }
                    if let text {
                        for (index, byte) in decoded.prefix(Int(clamping: capacity)).enumerated() {
                            text[index] = CChar(bitPattern: byte)
                        }
                    }
                    count?.pointee = UInt64(decoded.count)
                }
            }
        )
    }

    static var accuracyTable: mlp_accuracy {
        mlp_accuracy(
            struct_size: UInt32(MemoryLayout<mlp_accuracy>.size),
            reserved: 0,
            begin: { plugin in Instance.call(plugin) { try $0.accuracy?.beginAccuracy() } },
            add: { plugin, responses, count in
                Instance.call(plugin) {
                    try $0.accuracy?.addResponses(UnsafeBufferPointer(start: responses, count: Int(count)))
                }
            },
            finish: { plugin, out in
                Instance.call(plugin) { instance in
                    guard let out, let report = try instance.accuracy?.finishAccuracy() else { return }
                    for string in instance.accuracyStrings { string.deallocate() }
                    instance.accuracyStrings = [report.text, report.metrics].map { text in
                        let bytes = text.utf8CString
                        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
                        for (index, byte) in bytes.enumerated() { copy[index] = byte }
                        return copy
                    }
                    out.pointee.passed = report.passed ? 1 : 0
                    out.pointee.text = UnsafePointer(instance.accuracyStrings[0])
                    out.pointee.metrics = UnsafePointer(instance.accuracyStrings[1])
                }
            }
        )
    }
}
