import Glibc
import JSON
import Numerics
import Testing

@testable import Core

/// `golden/quant/*_ckpt` through `host --plugin`: the first token after each prefix of the golden prompt is the one that
/// Quark's logits are highest for.
@Suite struct QuantizedRunTests {
    private static let folder =
        (getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? HostProcess.root + "/Tests/Golden") + "/golden/quant"

    /// Checkpoint, options, which logits, and whether K is to be rounded before the rotary embedding as the golden data has
    /// it: then config.json does not call the scales of k_proj's outputs those of a cache.
    struct Case: Sendable, CustomTestStringConvertible {
        var checkpoint: String
        var options: [String]
        var expected: String
        var isCacheUnstated = false
        /// How much lower than the highest the logit of the chosen token may be.
        var tolerance: Float = 0

        var testDescription: String { "\(checkpoint) \(options.joined(separator: " "))" }
    }

    /// Every checkpoint in the folder; what is to be compared with which logits is known by its name, for a new one the
    /// configuration alone decides.
    static let cases = checkpoints().flatMap { name in
        let exact = Case(
            checkpoint: name,
            options: ["activations=exact"],
            expected: "logits_full_emulation",
            isCacheUnstated: name.contains("kvfp8")
        )
        let fast = Case(
            checkpoint: name,
            options: ["activations=fast", "kv_cache=f32"],
            expected: "logits_weights_only"
        )
        return switch name {
        // That layout states the cache in tensors, which cannot be taken out of it, and golden data has no such cache.
        case "fp8_kvfp8_vllm_ckpt": [fast]
        case "fp8_kvfp8_ckpt": [exact, fast]
        case "mxfp4_kvfp8_ckpt":
            // Activations of 8 bits: two logits that differ by less than a fiftieth of their size may change places.
            [exact, Case(checkpoint: name, options: fast.options, expected: fast.expected, tolerance: 0.02)]
        default: [Case(checkpoint: name, options: [], expected: "logits_full_emulation")]
        }
    }

    private static func checkpoints() -> [String] {
        var names: [String] = []
        if let stream = opendir(folder) {
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix("_ckpt") { names.append(name) }
            }
        }
        if names.isEmpty { print("golden quant/*_ckpt through host --plugin: not run (no such folder)") }
        return names.sorted()
    }

    /// Whether the golden data has a checkpoint; a test that lacks it says that it did not run.
    private static func has(_ checkpoint: String, for test: String) -> Bool {
        if access("\(folder)/\(checkpoint)/expected.safetensors", R_OK) == 0 { return true }
        print("golden quant/\(checkpoint) \(test): not run (no such folder)")
        return false
    }

    @Test(arguments: cases)
    func firstTokens(_ test: Case) throws {
        let original = "\(Self.folder)/\(test.checkpoint)"
        guard Self.has(test.checkpoint, for: "through host --plugin") else { return }
        let expected = try SafetensorsFile(path: original + "/expected.safetensors")
        let logits = try expected.tensor(named: test.expected).floats()
        let ids = try Self.prompt(expected)
        let vocabulary = logits.count / ids.count
        let model = test.isCacheUnstated ? try Self.withoutStatedCache(original) : original
        let run = try AccuracyRun(
            model: model,
            dataset: Self.prefixes(ids),
            options: ["stop_at_eos=false", "min_new_tokens=2", "max_new_tokens=2", "max_batch=3"] + test.options
        )
        var wrong = 0
        for row in ids.indices {
            let values = logits[row * vocabulary..<(row + 1) * vocabulary]
            let best = try #require(values.max())
            let token = Int(run.tokens[row]?.first ?? -1)
            let isBest =
                values.indices.contains(values.startIndex + token)
                && best - values[values.startIndex + token] <= test.tolerance
            if !isBest { wrong += 1 }
        }
        #expect(wrong == 0)
        print(
            "golden quant/\(test.testDescription) through host --plugin: \(wrong == 0 ? "passed" : "failed")",
            "worst=\(wrong) tolerance=0 (ties within \(test.tolerance))"
        )
    }

    /// What is computed is said, in the process itself and in one of its own, with the same bytes.
    @Test func whatIsComputedIsSaid() throws {
        let model = "\(Self.folder)/mxfp4_kvfp8_ckpt"
        guard Self.has("mxfp4_kvfp8_ckpt", for: "what is computed") else { return }
        let ids = try Self.prompt(SafetensorsFile(path: model + "/expected.safetensors"))
        let dataset = try Self.prefixes(ids)
        let words = ["stop_at_eos=false", "min_new_tokens=2", "max_new_tokens=6"]
        let run = try AccuracyRun(model: model, dataset: dataset, options: words)
        let isolated = try AccuracyRun(
            model: model,
            dataset: dataset,
            options: words,
            words: ["--isolate", "threads=1"]
        )
        #expect(run.data == isolated.data)
        let outcome = try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--model", model, "--dataset", dataset, "--scenario", "offline", "--mode",
                "accuracy", "--output", try TemporaryFolder.folder(),
            ] + words.map { "model_config.\($0)" }
        )
        let said = outcome.output + outcome.errors
        #expect(said.contains("model_config.activations=exact: 7 linear layers w_mxfp4_a_mxfp4"), "\(said)")
        #expect(said.contains("key-value cache: fp8 with the scales of the checkpoint"), "\(said)")
    }

    /// A fault in the numbers ends the run before a sample is issued.
    @Test func faultInTheNumbers() throws {
        let original = "\(Self.folder)/fp8_kvfp8_ckpt"
        guard Self.has("fp8_kvfp8_ckpt", for: "fault in the numbers") else { return }
        let model = try Self.linked(original, leaving: "model.safetensors")
        let file = try SafetensorsFile(path: original + "/model.safetensors")
        let writer = try SafetensorsWriter(
            path: model + "/model.safetensors",
            tensors: file.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) }
        )
        for tensor in file.tensors {
            var bytes = Array(tensor.bytes)
            if tensor.name.hasSuffix("o_proj.weight") { bytes[64 * 3 + 9] = 0x7F }
            try writer.append(bytes, to: tensor.name)
        }
        try writer.finish()
        let output = try TemporaryFolder.folder()
        let outcome = try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--model", model, "--dataset",
                try Self.prefixes(Self.prompt(SafetensorsFile(path: original + "/expected.safetensors"))), "--scenario",
                "offline", "--mode", "accuracy", "--output", output,
            ]
        )
        #expect(outcome.status != 0)
        let part = "model.safetensors: tensor model.layers.0.self_attn.o_proj.weight: row 3, column 9 is NaN"
        #expect(outcome.errors.contains(part), "\(outcome.output)\(outcome.errors)")
        #expect(access(output + "/mlperf_log_accuracy.json", F_OK) != 0)
    }

    /// The conformance suite, with placements and every kind of rounding.
    ///
    /// The tokenizer, which scoring asks for, is another checkpoint's: token ids of the quantised model have texts in it.
    @Test func conformance() throws {
        let original = "\(Self.folder)/mxfp4_kvfp8_ckpt"
        guard Self.has("mxfp4_kvfp8_ckpt", for: "conformance") else { return }
        let model = try Self.linked(original)
        for name in ["tokenizer.model", "tokenizer.json"] {
            symlink("\(HostProcess.root)/Tests/Golden/golden/llama2/ckpt_float32/\(name)", "\(model)/\(name)")
        }
        let dataset = try Self.prefixes(Self.prompt(SafetensorsFile(path: original + "/expected.safetensors")))
        let findings = try Findings(
            arguments: [
                "conform", "--json", "--plugin", "libLlama2.so", "--config-path", "Plugins/Llama2/Configs",
                "--config-name", "conformance", "--model", model, "--dataset", dataset,
            ],
            limit: 200
        )
        #expect(findings.isConformant && findings.status == 0, "\(findings)")
        let placing = try #require(findings.rules.firstIndex(of: "MLP-W03"))
        #expect(findings.verdicts[placing] == "pass", "\(findings)")
    }

    private static func prompt(_ expected: SafetensorsFile) throws -> [Int32] {
        try expected.tensor(named: "input_ids").withBytes { raw in
            (0..<raw.count / 8).map { Int32(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
    }

    private static func prefixes(_ ids: [Int32]) throws -> String {
        try DatasetFile.write(
            ids.indices.map { last in
                .object(
                    JSONObject([
                        ("input_ids", .array(ids[...last].map { .integer(Int64($0)) })),
                        ("reference", .string("what the text is scored against")),
                    ])
                )
            }
        )
    }

    /// A folder with links to the files of another, perhaps but one.
    private static func linked(_ original: String, leaving: String = "") throws -> String {
        let folder = try TemporaryFolder.folder()
        for name in ["config.json", "generation_config.json", "model.safetensors"] where name != leaving {
            symlink("\(original)/\(name)", "\(folder)/\(name)")
        }
        return folder
    }

    private static func withoutStatedCache(_ original: String) throws -> String {
        let folder = try linked(original, leaving: "config.json")
        func changed(_ json: JSON) -> JSON {
            guard case .object(let object) = json else { return json }
            return .object(
                JSONObject(object.map { ($0.0, $0.0 == "kv_cache_group" ? JSON.array([]) : changed($0.1)) })
            )
        }
        let config = changed(try JSON(contentsOfFile: original + "/config.json"))
        try TextFile.write(config.text(), to: folder + "/config.json")
        return folder
    }
}
