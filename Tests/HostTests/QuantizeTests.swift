import Glibc
import JSON
import Numerics
import Quantization
import ReferenceLlama
import Testing

@testable import Core

/// `host quantize`, against Quark's own exports and by what it is for.
@Suite struct QuantizeTests {
    static let golden = HostProcess.root + "/Tests/Golden/quark-export"
    static let demo = HostProcess.root + "/Plugins/Llama2/Demo"

    static func quantize(
        _ model: String,
        to output: String,
        _ words: [String],
        plugin: String = "libLlama2.so"
    ) throws -> HostProcess.Outcome {
        try HostProcess.run(["quantize", "--plugin", plugin, "--model", model, "--output", output] + words)
    }

    // MARK: Quark

    static let cases: [(name: String, words: [String])] = [
        ("mxfp4", ["--scheme", "mxfp4", "--method", "rtn"]), ("fp8", ["--scheme", "fp8", "--method", "rtn"]),
        ("mxfp4_gptq", ["--scheme", "mxfp4"]), ("fp8_gptq", ["--scheme", "fp8", "--method", "gptq"]),
        ("fp8_gptq_column", ["--scheme", "fp8", "--order", "column"]),
    ]

    /// Tensor by tensor what Quark exports: codes and weight scales to the bit, scales of activations to 1e-6.
    @Test(arguments: cases.indices)
    func equalsQuark(_ index: Int) throws {
        let (name, words) = Self.cases[index]
        let output = try TemporaryFolder.folder() + "/out"
        let outcome = try Self.quantize(
            Self.golden + "/source",
            to: output,
            words + ["--kv-cache", "fp8", "--calibration", Self.golden + "/calibration.jsonl"]
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        let ours = try QuantizedCheckpoint(folder: output)
        let quarks = try QuantizedCheckpoint(folder: "\(Self.golden)/\(name)")
        try ours.validate()
        #expect(Set(ours.checkpoint.tensors.map(\.name)) == Set(quarks.checkpoint.tensors.map(\.name)))
        var worst: Float = 0
        for expected in quarks.checkpoint.tensors {
            let found = try ours.checkpoint.tensor(named: expected.name)
            #expect(found.type == expected.type && found.shape == expected.shape, "\(expected.name)")
            if expected.name.hasSuffix("put_scale") {
                let (a, b) = (try found.floats()[0], try expected.floats()[0])
                worst = max(worst, (a - b).magnitude / b)
            } else if expected.type == .u8, expected.name.hasSuffix(".weight") {
                // Quark has no negative zero.
                let layer = String(expected.name.dropLast(".weight".count))
                #expect(try ours.linear(layer).dequantized() == quarks.linear(layer).dequantized(), "\(layer)")
            } else {
                #expect(found.withBytes { Array($0) } == expected.withBytes { Array($0) }, "\(expected.name)")
            }
        }
        #expect(worst < 1e-6)
        print("quark \(name): codes and weight scales equal, activation scales within \(worst)")
        #expect(try Self.quantizationConfig(output) == Self.quantizationConfig("\(Self.golden)/\(name)"))
    }

    /// `quantization_config`, with the algorithm's layers sorted: they are a set.
    private static func quantizationConfig(_ folder: String) throws -> JSON {
        let config = JSONField(try JSON(contentsOfFile: folder + "/config.json"), at: folder)
        guard case .object(var object) = try config["quantization_config"].value else { return nil }
        if case .array(let algorithms)? = object["algo_config"], case .object(var algorithm)? = algorithms.first,
            case .array(let layers)? = algorithm["inside_layer_modules"]
        {
            let sorted = layers.map { $0.text() }.sorted()
            algorithm.updateValue(.array(sorted.map { .string($0) }), forKey: "inside_layer_modules")
            object.updateValue(.array([.object(algorithm)]), forKey: "algo_config")
        }
        return .object(object)
    }

    /// Outputs have scales, too: the largest magnitude that a forward in plain loops sees, over 448.
    @Test func scalesOfOutputs() throws {
        let output = try TemporaryFolder.folder() + "/out"
        let words = ["--scheme", "fp8_o", "--kv-cache", "none", "--method", "rtn", "--samples", "3"]
        let outcome = try Self.quantize(
            Self.golden + "/source",
            to: output,
            words + ["--calibration", Self.golden + "/calibration.jsonl"]
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        let ours = try QuantizedCheckpoint(folder: output)
        let reference = try ReferenceLlama(folder: Self.golden + "/source", quantizesActivations: false)
        var largest: [String: Float] = [:]
        for sample in try Self.calibration().prefix(3) {
            _ = try reference.logits(sample) { name, values in
                largest[name] = max(largest[name] ?? 0, values.map(\.magnitude).max() ?? 0)
            }
        }
        var count = 0
        for name in ours.quantizedLayers {
            let scale = try #require(try ours.linear(name).outputScale)
            let expected = try #require(largest[name]) / 448
            #expect((scale - expected).magnitude < 1e-5 * expected, "\(name): \(scale), not \(expected)")
            count += 1
        }
        #expect(count == 14)
    }

    private static func calibration() throws -> [[Int]] {
        var lines = try JSONLines(contentsOfFile: golden + "/calibration.jsonl")
        var samples: [[Int]] = []
        while let line = try lines.nextField() { samples.append(try line["input_ids"].array().map { try $0.int() }) }
        return samples
    }

    // MARK: What GPTQ is for

    /// On text like the calibration data, the demo model in MXFP4 is nearer to itself with GPTQ than by rounding.
    @Test func gptqIsNearerThanRounding() throws {
        let folder = try TemporaryFolder.folder()
        var divergences: [String: Double] = [:]
        let tokens = try Self.heldOut()
        let original = try ReferenceLlama(folder: Self.demo + "/checkpoint", quantizesActivations: false)
        let expected = try original.logits(tokens)
        for method in ["rtn", "gptq"] {
            let outcome = try Self.quantize(
                Self.demo + "/checkpoint",
                to: "\(folder)/\(method)",
                ["--scheme", "mxfp4", "--method", method, "--calibration", Self.demo + "/prompts.jsonl"]
                    + ["--samples", "64"]
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            // The tokenizer came along.
            #expect(access("\(folder)/\(method)/tokenizer.model", R_OK) == 0)
            let model = try ReferenceLlama(folder: "\(folder)/\(method)", quantizesActivations: false)
            divergences[method] = Self.divergence(expected, try model.logits(tokens))
        }
        try Self.runs(folder + "/gptq")
        let (rounded, corrected) = (try #require(divergences["rtn"]), try #require(divergences["gptq"]))
        print("demo model, MXFP4 weights: divergence \(rounded) rounded, \(corrected) with GPTQ, per token")
        #expect(corrected < 0.8 * rounded)
    }

    /// The result runs, and says mostly what the original says: the first token of the answer to 16 prompts.
    private static func runs(_ model: String) throws {
        let path = demo + "/expected_greedy.json"
        let prompts = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array().suffix(16)
        let dataset = try DatasetFile.write(
            try prompts.map { .object(JSONObject([("input_ids", try $0["ids"].value)])) }
        )
        let run = try AccuracyRun(
            model: model,
            dataset: dataset,
            options: ["max_new_tokens=8", "min_new_tokens=2", "max_batch=8"]
        )
        let first = try prompts.map { Int32(try $0["greedy"].array()[0].int()) }
        let same = first.indices.count { run.tokens[$0]?.first == first[$0] }
        print("demo model in MXFP4 by GPTQ, through a run: \(same) of 16 first tokens are the original's")
        #expect(run.tokens.count == 16 && same >= 12)
    }

    /// The tokens of transformers' greedy answer to a prompt that is not among the first 64.
    private static func heldOut() throws -> [Int] {
        let path = demo + "/expected_greedy.json"
        let prompts = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array()
        let prompt = try #require(prompts.last)
        let tokens = try prompt["ids"].array() + prompt["greedy"].array()
        return try tokens.prefix(64).map { try $0.int() }
    }

    /// The mean Kullback-Leibler divergence of the next token's distribution, in nats.
    private static func divergence(_ expected: [[Float]], _ found: [[Float]]) -> Double {
        func logarithms(_ logits: [Float]) -> [Double] {
            let largest = Double(logits.max() ?? 0)
            let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
            return logits.map { Double($0) - largest - log(sum) }
        }
        let sums = zip(expected, found).map { expected, found in
            zip(logarithms(expected), logarithms(found)).reduce(0.0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        }
        return sums.reduce(0, +) / Double(max(1, sums.count))
    }
}
