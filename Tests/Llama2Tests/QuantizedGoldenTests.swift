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
        /// Of the largest difference; nil where values next to a rounding edge may flip.
        var worst: Double?
        /// Of the root of the mean square of the differences, relative to that of the logits.
        var relative: Double
    }

    private static func comparisons(isMXFP4: Bool) -> [Comparison] {
        let exact: JSON = "exact", fast: JSON = "fast"
        return [
            Comparison(
                expected: "logits_weights_only",
                options: [("activations", fast), ("kv_cache", "f32")],
                worst: isMXFP4 ? nil : 1e-4,
                relative: isMXFP4 ? 0.02 : 1e-5
            ),
            Comparison(
                expected: "logits_weights_only",
                options: [("activations", fast), ("kv_cache", "bf16")],
                relative: 0.02
            ),
            Comparison(
                expected: "logits_full_emulation",
                options: [("activations", exact), ("kv_cache", "auto")],
                relative: 0.02
            ),
        ]
    }

    @Test(arguments: names)
    func logits(_ name: String) throws {
        let folder = "\(GoldenCheckpoint.root)/golden/quant/\(name)"
        let file = try SafetensorsFile(path: folder + "/expected.safetensors")
        let ids = try file.tensor(named: "input_ids").withBytes { raw in
            (0..<raw.count / 8).map { Int32(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
        let isMXFP4 = name.contains("mxfp4")
        for comparison in Self.comparisons(isMXFP4: isMXFP4) {
            let expected = try file.tensor(named: comparison.expected).floats()
            let found = try Self.logits(ids, folder, comparison.options)
            #expect(found.count == expected.count)
            let differences = zip(found, expected).map { Double($0) - Double($1) }
            let worst = differences.map(abs).max() ?? .infinity
            let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
            let relative = (differences.reduce(0) { $0 + $1 * $1 } / size).squareRoot()
            let words = comparison.options.map { "\($0.0)=\($0.1.text())" }.joined(separator: " ")
            let passed = relative <= comparison.relative && worst <= comparison.worst ?? .infinity
            #expect(passed, "\(comparison.expected), \(words): worst \(worst), rms \(relative)")
            print(
                "golden quant/\(name) \(comparison.expected) \(words): \(passed ? "passed" : "FAILED") worst=\(worst) "
                    + "rms=\(relative) tolerance=\(comparison.relative)"
            )
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
