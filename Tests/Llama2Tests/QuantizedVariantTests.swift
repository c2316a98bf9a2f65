import JSON
import Numerics
import Quantization
import Testing

/// Quantised checkpoints that say the same thing in other words, layer by layer or with other tensors, mean the same.
@Suite struct QuantizedVariantTests {
    private static let weightsOnly: [(String, JSON)] = [("activations", "fast"), ("kv_cache", "f32")]

    private func worst(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
    }

    /// Excluded layers stay dense, beside FP8 ones in one attention or one gate.
    @Test(arguments: ["o_proj", "gate_proj", "k_proj", "down_proj"])
    func excludedLayer(_ layer: String) throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        let expected = try scratch.weightsOnly()
        let checkpoint = try QuantizedCheckpoint(folder: scratch.folder)
        let names = checkpoint.quantizedLayers.filter { $0.hasSuffix(layer) }
        let dense = try Dictionary(
            uniqueKeysWithValues: names.map { ($0 + ".weight", try checkpoint.linear($0).dequantized()) }
        )
        try scratch.change(layer + ".weight") { tensor in
            tensor.type = .f32
            tensor.bytes = ElementType.f32.encode(dense[tensor.name] ?? [])
        }
        try scratch.change(layer + ".weight_scale", nil)
        try scratch.change(layer + ".input_scale", nil)
        try scratch.copy.edit(["quantization_config"], ("exclude", ["lm_head", .string("*" + layer)]))
        #expect(worst(try scratch.logits(Self.weightsOnly), expected) < 1e-4)
    }

    /// MXFP4 weights beside excluded layers: a gate of two kinds, and queries that are not packed with keys.
    @Test(arguments: ["up_proj", "q_proj"])
    func excludedLayerBesideMXFP4(_ layer: String) throws {
        var scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        let expected = try scratch.weightsOnly()
        let checkpoint = try QuantizedCheckpoint(folder: scratch.folder)
        let names = checkpoint.quantizedLayers.filter { $0.hasSuffix(layer) }
        let found = try names.map { try checkpoint.linear($0) }
        let dense = Dictionary(uniqueKeysWithValues: found.map { ($0.name + ".weight", $0.dequantized()) })
        try scratch.change(layer + ".weight") { tensor in
            (tensor.type, tensor.shape[1]) = (.bf16, tensor.shape[1] * 2)
            tensor.bytes = ElementType.bf16.encode(dense[tensor.name] ?? [])
        }
        try scratch.change(layer + ".weight_scale", nil)
        try scratch.copy.edit(["quantization_config"], ("exclude", ["lm_head", .string("*" + layer)]))
        // Int8 inputs of the other layers cost what they cost with all of them.
        #expect(worst(try scratch.logits(Self.weightsOnly), expected) < 0.08)
    }

    /// MXFP4 weights with activations that the scheme leaves alone: bfloat16 holds the weights exactly.
    @Test func weightsAlone() throws {
        let scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        for path in [["global_quant_config"], ["layer_quant_config", "*k_proj"], ["layer_quant_config", "*v_proj"]] {
            try scratch.copy.edit(["quantization_config"] + path, ("input_tensors", .null))
        }
        let found = try scratch.logits([("activations", "exact"), ("kv_cache", "f32")])
        #expect(worst(found, try scratch.weightsOnly()) < 1e-4)
    }

    /// Biases of projections that are packed together, of one that is packed alone, and of the same ones as plain floats.
    @Test func biases() throws {
        var scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        let before = try scratch.logits(Self.weightsOnly)
        for (name, size) in [("q", 64), ("k", 32), ("v", 32), ("o", 64)] {
            let values = (0..<size).map { Float(($0 * 7 + size) % 9 - 4) / 8 }
            let tensor = "model.layers.0.self_attn.\(name)_proj.bias"
            try scratch.add((tensor, .bf16, [size], ElementType.bf16.encode(values)))
        }
        try scratch.copy.edit("config.json", [("attention_bias", true)])
        let packed = try scratch.logits(Self.weightsOnly)
        for path in [["global_quant_config"], ["layer_quant_config", "*k_proj"], ["layer_quant_config", "*v_proj"]] {
            try scratch.copy.edit(["quantization_config"] + path, ("input_tensors", .null))
        }
        let plain = try scratch.logits([("activations", "exact"), ("kv_cache", "f32")])
        #expect(worst(packed, plain) < 0.1 && worst(packed, before) > 0.5)
    }

    /// Gate and up projection whose inputs have scales of their own are two products; with one scale they are one.
    @Test func scalesOfTheGate() throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("gate_proj.input_scale") { $0.bytes = [0, 0x3D] }
        try scratch.change("up_proj.input_scale") { $0.bytes = [0, 0x3D] }
        let one = try scratch.logits([])
        // A step of bfloat16: the roundings differ, the sums hardly.
        try scratch.change("up_proj.input_scale") { $0.bytes = [1, 0x3D] }
        let two = try scratch.logits([])
        #expect(one != two && worst(one, two) < 0.5)
    }

    /// A scale for each output, all the same, gives the bits of one scale for all.
    @Test(arguments: [[32], [32, 1]])
    func perChannel(_ shape: [Int]) throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        let before = try scratch.logits([])
        try scratch.change("weight_scale") { tensor in
            let outputs = tensor.name.contains("k_proj") || tensor.name.contains("v_proj") ? 32 : 64
            let rows = tensor.name.contains("gate_proj") || tensor.name.contains("up_proj") ? 96 : outputs
            tensor.shape = shape.count == 1 ? [rows] : [rows, 1]
            tensor.bytes = (0..<rows).flatMap { _ in tensor.bytes[..<2] }
        }
        for path in [["global_quant_config"], ["layer_quant_config", "*k_proj"], ["layer_quant_config", "*v_proj"]] {
            try scratch.copy.edit(["quantization_config"] + path + ["weight"], ("qscheme", "per_channel"))
            try scratch.copy.edit(["quantization_config"] + path + ["weight"], ("ch_axis", 0))
        }
        #expect(try scratch.logits([]) == before)
    }

    /// DeepSeek's blocks, which no kernel takes: the weights are dequantised to float32.
    @Test func blocks() throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_vllm_ckpt")
        try scratch.copy.edit(["quantization_config"], ("weight_block_size", [32, 32]))
        try scratch.copy.edit(["quantization_config"], ("activation_scheme", "dynamic"))
        try scratch.change("weight_scale") { tensor in
            let outputs = tensor.name.contains("k_proj") || tensor.name.contains("v_proj") ? 32 : 64
            let rows = tensor.name.contains("gate_proj") || tensor.name.contains("up_proj") ? 96 : outputs
            tensor.shape = [rows / 32, tensor.name.contains("down_proj") ? 3 : 2]
            tensor.bytes = (0..<tensor.shape[0] * tensor.shape[1]).flatMap { _ in tensor.bytes[..<2] }
        }
        #expect(worst(try scratch.logits(Self.weightsOnly), try scratch.weightsOnly()) < 1e-4)
        // Nothing rounds activations in groups of 32 to FP8, and nobody pretends.
        let error = #expect(throws: LoadedPlugin.Failure.self) { try scratch.logits([]) }
        let words = error?.description ?? ""
        #expect(words.contains("q_proj") && words.contains("activations=fast"), "\(words)")
    }

    /// E5M2 weights are dequantised, too: the same bits as a checkpoint of the same numbers in float32.
    @Test func e5m2() throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        for path in [["global_quant_config"], ["layer_quant_config", "*k_proj"], ["layer_quant_config", "*v_proj"]] {
            try scratch.copy.edit(["quantization_config"] + path + ["weight"], ("dtype", "fp8_e5m2"))
        }
        func rounded(_ bytes: [UInt8]) -> [UInt8] {
            let numbers = bytes.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: bytes.count) }
            return ElementType.f8e5m2.encode(numbers, overflow: .saturates)
        }
        var dense = try QuantizedScratch("fp8_kvfp8_ckpt")
        let scales = Dictionary(uniqueKeysWithValues: dense.tensors.map { ($0.name, $0.bytes) })
        for index in scratch.tensors.indices where scratch.tensors[index].type == .f8e4m3 {
            let name = scratch.tensors[index].name
            try scratch.change(name) { ($0.type, $0.bytes) = (.f8e5m2, rounded($0.bytes)) }
            let scale = try #require(scales[name + "_scale"]).withUnsafeBytes {
                ElementType.bf16.decode($0, count: 1)[0]
            }
            try dense.change(name) { tensor in
                let codes = rounded(tensor.bytes)
                let numbers = codes.withUnsafeBytes { ElementType.f8e5m2.decode($0, count: codes.count) }
                (tensor.type, tensor.bytes) = (.f32, ElementType.f32.encode(numbers.map { $0 * scale }))
            }
        }
        for scale in ["weight_scale", "input_scale"] { try dense.change(scale, nil) }
        try dense.copy.edit("config.json", [("quantization_config", nil)])
        #expect(try scratch.logits(Self.weightsOnly) == dense.logits(Self.weightsOnly))
    }

    /// vLLM's file of cache scales does what the same scales in the checkpoint do.
    @Test func scalesInAFile() throws {
        let scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        let expected = try scratch.logits([("activations", "fast")])
        let scale = try scratch.bytes("model.layers.0.self_attn.k_proj.output_scale")
            .withUnsafeBytes { ElementType.bf16.decode($0, count: 1)[0] }
        try scratch.copy.edit(["quantization_config", "export"], ("kv_cache_group", []))
        #expect(try scratch.logits([("activations", "fast")]) != expected)
        let file: JSON = [
            "model_type": "llama",
            "kv_cache": [
                "dtype": "float8_e4m3fn", "scaling_factor": ["0": ["0": .number(Double(scale))]],
            ],
        ]
        try scratch.copy.write("kv_cache_scales.json", file.text())
        #expect(try scratch.logits([("activations", "fast")]) == expected)
        try scratch.copy.write("kv_cache_scales.json", "{\"model_type\": \"llama\"}")
        let error = #expect(throws: LoadedPlugin.Failure.self) { try scratch.logits([]) }
        #expect(error?.description.contains("kv_cache_scales.json: kv_cache") == true)
    }

    /// `k_scale` and `v_scale` are a cache's though config.json states none, and come before the file; a file comes before
    /// the scales of outputs; scales in some layers alone are no reason to look elsewhere.
    @Test func whichScalesOfTheCacheCount() throws {
        var scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        let fp8: [(String, JSON)] = [("activations", "fast"), ("kv_cache", "fp8")]
        let expected = try scratch.logits(fp8)
        let attention = "model.layers.0.self_attn."
        let (key, value) = (
            try scratch.bytes(attention + "k_proj.output_scale"), try scratch.bytes(attention + "v_proj.output_scale")
        )
        try scratch.copy.edit(["quantization_config", "export"], ("kv_cache_group", []))
        #expect(try scratch.logits(fp8) == expected)
        let file = #"{"kv_cache": {"dtype": "float8_e4m3fn", "scaling_factor": {"0": {"0": 8}}}}"#
        try scratch.copy.write("kv_cache_scales.json", file)
        #expect(try scratch.logits(fp8) != expected)
        try scratch.add((attention + "k_scale", .bf16, [], key))
        let error = #expect(throws: LoadedPlugin.Failure.self) { try scratch.logits(fp8) }
        #expect(error?.description.contains(attention + "v_scale: is missing") == true, "\(error?.description ?? "")")
        try scratch.add((attention + "v_scale", .bf16, [], value))
        #expect(try scratch.logits(fp8) == expected)
    }

    /// Keys and values that a scheme with outputs rounds are rounded by an FP8 cache if that is the cache, else as outputs.
    @Test func outputsBesideAStatedCache() throws {
        let f32: [(String, JSON)] = [("kv_cache", "f32")]
        let scratch = try QuantizedScratch("w_fp8_a_fp8_o_fp8_ckpt")
        let outputs = try scratch.logits(f32)
        guard
            case .object(let config) = try JSON(contentsOfFile: scratch.folder + "/config.json"),
            case .object(let quantization) = config["quantization_config"],
            let scheme = quantization["global_quant_config"]
        else { throw LoadedPlugin.Failure(call: "config.json", status: 0, reason: "no scheme") }
        let cache: JSON = ["*k_proj": scheme, "*v_proj": scheme]
        try scratch.copy.edit(["quantization_config"], ("kv_cache_quant_config", cache))
        try scratch.copy.edit(["quantization_config", "export"], ("kv_cache_group", ["*k_proj", "*v_proj"]))
        #expect(try scratch.logits(f32) == outputs)
        func said(_ options: [(String, JSON)]) throws -> String {
            let host = TestHost()
            try LoadedPlugin(host: host, role: "worker", model: scratch.folder, options: options).prepare()
            return host.allMessages.first { $0.contains("key-value cache: f") && $0.contains("linear layer") } ?? ""
        }
        #expect(try said(f32).contains("7 linear layers w_fp8_a_fp8_o_fp8 ("))
        #expect(try said([]).contains("2 linear layers w_fp8_a_fp8 ("))
        #expect(try scratch.logits([]) != outputs)
    }

    /// Packed weights are in the device's memory, whose free bytes are without them: they are not subtracted again.
    @Test func packedWeightsLeaveTheCacheItsMemory() throws {
        let scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        let host = TestHost()
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: scratch.folder,
            options: [("kv_cache_tokens", 0), ("kv_cache", "f32"), ("page_size", 1), ("max_batch", 1)]
        )
        // A page of one position: keys and values of 32 floats in one layer.
        let page: UInt64 = 2 * 32 * 4
        #expect(plugin.placedBytes > 2 * 3 * page)
        host.freeMemory = plugin.mappedBytes + 2 * 3 * page
        try plugin.prepare()
        #expect(host.allMessages.contains { $0.contains("3 pages of 1 positions") }, "\(host.allMessages)")
    }

    /// What is computed is said, and the claims hold: the same bits alone, in company, on more threads.
    @Test(arguments: QuantizedGoldenTests.names, ["exact", "fast"])
    func batchInvariant(_ name: String, _ activations: String) throws {
        let folder = "\(GoldenCheckpoint.root)/golden/quant/\(name)"
        let prompt = try QuantizedGoldenTests.prompt(folder)
        let prompts = (1...6).map { Array(prompt[..<($0 * 3)]) }
        let host = TestHost()
        let alone = try prompts.map {
            try generate(
                [$0],
                model: folder,
                host: TestHost(),
                options: [("activations", .string(activations)), ("max_batch", 1), ("prefill_chunk", 5)]
            )[0].tokens
        }
        host.threads = 3
        let together = try generate(
            prompts,
            model: folder,
            host: host,
            options: [("activations", .string(activations)), ("max_batch", 4), ("prefill_chunk", 64)]
        )
        #expect(together.map(\.tokens) == alone)
        let said = host.allMessages.first { $0.contains("model_config.activations=\(activations)") }
        #expect(said?.contains("key-value cache") == true, "\(host.allMessages)")
    }
}
