import FoundationEssentials
import JSON
import Kernels
import Numerics
import Testing

/// `golden/quant/*_ckpt`, checkpoints that AMD Quark made, computed through the plugin's tables.
@Suite struct QuantizedGoldenTests {
    static let names: [String] = {
        let folder = GoldenCheckpoint.root + "/golden/quant"
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return all.filter { $0.hasSuffix("_ckpt") }.sorted()
    }()

    /// One comparison of a checkpoint.
    private struct Comparison {
        var expected: String
        var options: [(String, JSON)]
        /// Whether the scales of k_proj's and v_proj's outputs are those of outputs, not of a cache.
        var isCacheUnstated = false
        /// Of the largest difference; nil where values next to a rounding edge may flip.
        var worst: Double?
        /// Of the root of the mean square of the differences, relative to that of the logits.
        var relative: Double
    }

    /// What is compared, with tolerances that the golden folder's README gives, or that stand beside what was measured.
    private static func comparisons(_ name: String) -> [Comparison] {
        let exact: JSON = "exact", fast: JSON = "fast"
        let isMXFP4 = name.hasPrefix("mxfp4")
        var list = [
            // Nothing but weights is quantised, unless they are MXFP4: then int8 blocks cost 0.0116.
            Comparison(
                expected: "logits_weights_only",
                options: [("activations", fast), ("kv_cache", "f32")],
                worst: isMXFP4 ? nil : 1e-4,
                relative: isMXFP4 ? 0.02 : 1e-5
            ),
            // 0.0017, with MXFP4 0.0125.
            Comparison(
                expected: "logits_weights_only",
                options: [("activations", fast), ("kv_cache", "bf16")],
                relative: isMXFP4 ? 0.02 : 0.004
            ),
        ]
        if name.contains("kvfp8") {
            // Quark rounds K before the rotary embedding, a cache after it. On these models of one layer with 64 wide random
            // weights that makes 0.048, and 0.138 where MXFP4 follows; with MXFP4 activations the whole of quantisation
            // makes 0.23.
            list.append(
                Comparison(
                    expected: "logits_full_emulation",
                    options: [("activations", exact), ("kv_cache", "auto")],
                    relative: isMXFP4 ? 0.17 : 0.06
                )
            )
        }
        if !name.contains("vllm") {
            // What Quark emulates, exactly: K rounded before the rotary embedding, as the output that it then is.
            list.append(
                Comparison(
                    expected: "logits_full_emulation",
                    options: [("activations", exact), ("kv_cache", "f32")],
                    isCacheUnstated: name.contains("kvfp8"),
                    relative: 0.02
                )
            )
        }
        return list
    }

    @Test(arguments: names)
    func logits(_ name: String) throws {
        let folder = "\(GoldenCheckpoint.root)/golden/quant/\(name)"
        let file = try SafetensorsFile(path: folder + "/expected.safetensors")
        let ids = try Self.prompt(folder)
        for comparison in Self.comparisons(name) {
            let expected = try file.tensor(named: comparison.expected).floats()
            let copy = try ScratchCheckpoint(of: folder)
            if comparison.isCacheUnstated { try copy.edit(["quantization_config", "export"], ("kv_cache_group", [])) }
            let found = try Self.logits(ids, copy.folder, comparison.options)
            #expect(found.count == expected.count)
            let differences = zip(found, expected).map { Double($0) - Double($1) }
            let worst = differences.map(abs).max() ?? .infinity
            let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
            let relative = (differences.reduce(0) { $0 + $1 * $1 } / size).squareRoot()
            let words =
                comparison.options.map { "\($0.0)=\($0.1.text())" }.joined(separator: " ")
                + (comparison.isCacheUnstated ? " with k_proj's scale as an output's" : "")
            let passed = relative <= comparison.relative && worst <= comparison.worst ?? .infinity
            #expect(passed, "\(comparison.expected), \(words): worst \(worst), rms \(relative)")
            print(
                "golden quant/\(name) \(comparison.expected) \(words): \(passed ? "passed" : "FAILED") "
                    + "rms=\(relative) tolerance=\(comparison.relative) worst=\(worst)"
            )
        }
    }

    /// The tokens that the golden logits follow.
    static func prompt(_ folder: String) throws -> [Int32] {
        try SafetensorsFile(path: folder + "/expected.safetensors").tensor(named: "input_ids").withBytes { raw in
            (0..<raw.count / 8).map { Int32(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
    }

    /// The logits after each prefix.
    static func logits(_ ids: [Int32], _ folder: String, _ options: [(String, JSON)]) throws -> [Float] {
        let host = TestHost()
        var logits: [Float] = []
        host.tap = { kernel, arguments in
            guard kernel == PODIUM_ARGMAX else { return }
            logits += UnsafeBufferPointer(start: arguments.floats(1), count: Int(arguments.int(4)))
        }
        _ = try generate(
            ids.indices.map { Array(ids[...$0]) },
            model: folder,
            host: host,
            options: [("max_new_tokens", 1), ("max_batch", 1)] + options
        )
        return logits
    }
}
