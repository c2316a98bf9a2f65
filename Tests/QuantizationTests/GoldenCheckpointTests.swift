import FoundationEssentials
import JSON
import Numerics
import ReferenceLlama
import Testing

@testable import Quantization

/// `golden/quant/*_ckpt`: checkpoints that AMD Quark made, with the logits that they mean.
@Suite struct GoldenCheckpointTests {
    private static let root = Folder.golden + "/golden/quant"

    static let names: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return all.filter { $0.hasSuffix("_ckpt") }.sorted()
    }()

    @Test(arguments: names)
    func logits(_ name: String) throws {
        let folder = "\(Self.root)/\(name)"
        let expected = try SafetensorsFile(path: folder + "/expected.safetensors")
        let ids = try expected.tensor(named: "input_ids").withBytes { raw in
            (0..<raw.count / 8).map { Int(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
        try QuantizedCheckpoint(folder: folder).validate()

        let weightsOnly = try ReferenceLlama(folder: folder, quantizesActivations: false).logits(ids).flatMap(\.self)
        let first = try expected.tensor(named: "logits_weights_only").floats()
        let worst = zip(weightsOnly, first).map { ($0 - $1).magnitude }.max() ?? .infinity
        #expect(weightsOnly.count == first.count && worst < 1e-4, "worst \(worst)")

        let full = try ReferenceLlama(folder: folder, quantizesActivations: true).logits(ids).flatMap(\.self)
        let second = try expected.tensor(named: "logits_full_emulation").floats()
        let difference = zip(full, second).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let size = second.reduce(0.0) { $0 + Double($1 * $1) }
        let relative = (difference / size).squareRoot()
        #expect(relative < 0.02, "rms \(relative)")
        let verdict = worst < 1e-4 && relative < 0.02 ? "passed" : "FAILED"
        print(
            "golden quant/\(name): \(verdict) worst=\(worst) tolerance=1e-4; emulation rms=\(relative) tolerance=0.02"
        )
    }

    /// Names, types and shapes as the exporter of the golden data listed them.
    @Test(arguments: names)
    func schemes(_ name: String) throws {
        let checkpoint = try QuantizedCheckpoint(folder: "\(Self.root)/\(name)")
        let configuration = try #require(checkpoint.configuration)
        let layer = try checkpoint.linear("model.layers.0.mlp.down_proj", outputs: 64, inputs: 96)
        let head = try checkpoint.linear("lm_head", outputs: 96, inputs: 64)
        #expect(head.scheme.weight == nil && head.weightScales == nil)
        #expect(checkpoint.quantizedLayers.count == 7)
        switch name {
        case "mxfp4_kvfp8_ckpt":
            #expect(layer.scheme.description == "w_mxfp4_a_mxfp4" && configuration.kvCache == .f8e4m3)
            #expect(layer.weightScales?.shape == [64, 3] && layer.inputScale == nil)
            #expect(try checkpoint.linear("model.layers.0.self_attn.k_proj").outputScale != nil)
        case "fp8_kvfp8_ckpt", "fp8_kvfp8_vllm_ckpt":
            #expect(layer.scheme == .fp8 && configuration.kvCache == .f8e4m3)
            #expect(layer.inputScale != nil && layer.outputScale == nil)
        case "w_fp8_a_fp8_o_fp8_ckpt":
            #expect(layer.scheme == .fp8WithOutputs && configuration.kvCache == nil)
            #expect(layer.outputScale != nil)
        default: print("golden quant/\(name): no scheme is expected of it")
        }
        let scales = try #require(try KVCacheScales.read(checkpoint, layers: 1))
        // Quark merges keys' and values' scales into one where it knows them as a KV cache.
        if configuration.kvCache != nil { #expect(scales.layers[0].key == scales.layers[0].value) }
    }

    /// What the writer states is what Quark 0.13 states.
    @Test func configurationsAsQuarkWritesThem() throws {
        let recipes: [(String, QuantizationRecipe)] = [
            ("mxfp4_kvfp8_ckpt", QuantizationRecipe(linear: .mxfp4, kvCache: .f8e4m3)),
            ("fp8_kvfp8_ckpt", QuantizationRecipe(linear: .fp8, kvCache: .f8e4m3)),
            ("w_fp8_a_fp8_o_fp8_ckpt", QuantizationRecipe(linear: .fp8WithOutputs)),
        ]
        for (name, recipe) in recipes where Self.names.contains(name) {
            let path = "\(Self.root)/\(name)/config.json"
            let theirs = try JSONField(JSON(contentsOfFile: path), at: path)["quantization_config"].value
            #expect(Self.sorted(try recipe.quarkConfiguration()) == Self.sorted(theirs), "\(name)")
        }
    }

    /// A text in which the order of members does not count, nor how a number is written.
    private static func sorted(_ json: JSON) -> String {
        switch json {
        case .object(let object):
            "{" + object.map { "\($0.0):\(sorted($0.1))" }.sorted().joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(sorted).joined(separator: ",") + "]"
        default: json.text()
        }
    }

    /// The experts of a tiny gpt-oss, as transformers dequantises them [inputs, outputs].
    @Test func experts() throws {
        var folders = [Folder.fixtures]
        let whole = Folder.golden + "/golden/gptoss/ckpt_mxfp4"
        if FileManager.default.fileExists(atPath: whole) { folders.append(whole) }
        for folder in folders {
            let isFixture = folder == Folder.fixtures
            let tensors = try Checkpoint(folder: folder, name: isFixture ? "gptoss" : "model")
            let layer = try BlockScaledExperts(tensors, name: "model.layers.0.mlp.experts.gate_up_proj")
            let expected =
                isFixture
                ? try tensors.tensor(named: "expected")
                : try SafetensorsFile(path: whole + "/expected.safetensors")
                    .tensor(named: "layer0_expert0_gate_up_dequant")
            let values = try expected.floats()
            let found = layer.dequantized(expert: 0)
            #expect(expected.shape == [layer.inputs, layer.outputs] && layer.inputs == 64 && layer.outputs == 128)
            for input in 0..<layer.inputs {
                for output in 0..<layer.outputs
                where found[output * layer.inputs + input] != values[input * 128 + output] {
                    Issue.record("[\(output), \(input)]")
                }
            }
            #expect(layer.dequantized(expert: 1) != found)
        }
    }
}
