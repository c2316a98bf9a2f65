import JSON
import Numerics
import Testing

@testable import Quantization

@Suite struct ConfigurationTests {
    /// As Python's `fnmatch.fnmatchcase` and `re.match` decide.
    @Test(arguments: [
        ("lm_head", "lm_head", true), ("lm_head", "model.lm_head", false), ("*lm_head", "model.lm_head", true),
        ("*k_proj", "model.layers.0.self_attn.k_proj", true), ("*k_proj", "model.layers.0.self_attn.k_proj.x", false),
        ("model.layers.?.mlp.*", "model.layers.3.mlp.up_proj", true),
        ("model.layers.?.mlp.*", "model.layers.13.mlp.up", false),
        ("*.[0-2].*", "layers.1.x", true), ("*.[!0-2].*", "layers.1.x", false), ("*.[!0-2].*", "layers.7.x", true),
        ("a[]]b", "a]b", true), ("a[b", "a[b", true), ("a[!]b", "a[!]b", true), ("", "", true), ("*", "", true),
        ("?", "", false),
        ("*a*b*c", "xaybzc", true), ("*a*b*c", "xaybz", false), ("a.b", "axb", false),
        ("re:model\\.layers\\.\\d+\\.mlp", "model.layers.12.mlp.up_proj", true), ("re:mlp", "model.mlp", false),
        ("re:.*mlp", "model.mlp", true),
    ])
    func patterns(_ pattern: String, _ name: String, _ expected: Bool) {
        #expect(NamePattern(pattern).matches(name) == expected, "\(pattern) \(name)")
    }

    @Test func longPatternsTakeNoTime() {
        #expect(!NamePattern(String(repeating: "*a", count: 200)).matches(String(repeating: "a", count: 199) + "b"))
    }

    /// The first pattern decides; what is excluded stays as it is whatever else matches.
    @Test func whichSchemeCounts() throws {
        let text = #"""
            {"quantization_config": {"quant_method": "quark", "exclude": ["*.skip", "head"], "unknown_key": [1, {}],
            "global_quant_config": {"weight": {"dtype": "fp8_e4m3", "qscheme": "per_channel", "ch_axis": 0}},
            "layer_quant_config": {
                "*.a": {"weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "scale_format": "e8m0"}},
                "m.*": {"weight": {"dtype": "fp8_e5m2", "qscheme": "per_block", "block_size": [128, 64]}, "input_tensors":
                    {"dtype": "fp8_e4m3", "qscheme": "per_group", "group_size": 64, "ch_axis": -1, "is_dynamic": true}}}}}
            """#
        let read = try QuantizationConfiguration.read(JSONField(JSON(parsing: text), at: "config.json"))
        let configuration = try #require(read)
        #expect(configuration.scheme(ofLayer: "m.a")?.description == "w_mxfp4")
        #expect(configuration.scheme(ofLayer: "m.b")?.description == "w_fp8_e5m2_per_block_128x64_a_fp8_per_group_64")
        #expect(configuration.scheme(ofLayer: "x")?.description == "w_fp8_per_channel")
        #expect(configuration.scheme(ofLayer: "m.skip") == nil && configuration.scheme(ofLayer: "head") == nil)
        #expect(configuration.kvCache == nil && configuration.excluded == ["*.skip", "head"])
        #expect(try QuantizationConfiguration.read(JSONField(JSON(parsing: "{}"), at: "c")) == nil)
    }

    /// Blocks of 128 by 128 as DeepSeek's checkpoints have them, incomplete at the edges, and one scale for each row.
    @Test func blocksAndRows() throws {
        try Folder.withTemporary { folder in
            let config = #"""
                {"quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [2, 4],
                "ignored_layers": ["head"], "kv_cache_scheme": null}}
                """#
            try Folder.write(config, to: folder + "/config.json")
            let scales: [Float] = [1, 2, 3, 4, 5, 6]
            let tensors: [BadCheckpointTests.Tensor] = [
                ("a.weight", .f8e4m3, [3, 9], [UInt8](repeating: 0x38, count: 27)),
                ("a.weight_scale_inv", .f32, [2, 3], ElementType.f32.encode(scales)),
                ("head.weight", .bf16, [1, 2], ElementType.bf16.encode([1, 2])),
            ]
            try Folder.write(tensors, to: folder + "/model.safetensors")
            let checkpoint = try QuantizedCheckpoint(folder: folder)
            try checkpoint.validate()
            let layer = try checkpoint.linear("a")
            let first: [Float] = [1, 1, 1, 1, 2, 2, 2, 2, 3]
            #expect(layer.dequantized() == first + first + [4, 4, 4, 4, 5, 5, 5, 5, 6])
            var part = [Float](repeating: 0, count: 18)
            part.withUnsafeMutableBufferPointer { layer.dequantize(rows: 1..<3, into: $0) }
            #expect(part == first + [4, 4, 4, 4, 5, 5, 5, 5, 6])
            #expect(layer.inputScale == nil && layer.scheme.input?.isDynamic == true)
            #expect(try checkpoint.linear("head").dequantized() == [1, 2])
            #expect(try KVCacheScales.read(checkpoint, layers: 1) == nil)
        }
    }

    @Test func scalesOfTheCache() throws {
        try Folder.withTemporary { folder throws in
            let path = folder + "/kv_cache_scales.json"
            func attempt(_ text: String) throws -> String {
                try Folder.write(text, to: path)
                do throws(QuantizationError) {
                    let scales = try KVCacheScales(contentsOfFile: path, layers: 2, modelType: "llama")
                    return scales.layers.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                } catch {
                    return error.description
                }
            }
            func file(_ ranks: String, type: String = "llama", dtype: String = "float8_e4m3fn") -> String {
                #"{"model_type": "\#(type)", "kv_cache": {"dtype": "\#(dtype)", "scaling_factor": {\#(ranks)}}}"#
            }
            #expect(try attempt(file(#""0": {"0": 0.5, "1": 0.25}"#)) == "0.5 0.5, 0.25 0.25")
            #expect(try attempt(file(#""0": {"0": 0.5, "1": 2}, "1": {"1": 1, "0": 1}"#)) == "1.0 1.0, 2.0 2.0")
            #expect(try attempt(file("")).contains("\(path): kv_cache.scaling_factor: names no rank"))
            #expect(try attempt(file(#""0": {"0": 1}"#)).contains("has 1 layers, the model has 2"))
            #expect(try attempt(file(#""0": {"0": 1, "2": 1}"#)).contains("scaling_factor.0.1"))
            #expect(try attempt(file(#""1": {"0": 1, "1": 1}"#)).contains("scaling_factor.0"))
            #expect(
                try attempt(file(#""0": {"0": 1, "1": 0}"#)).contains("scaling_factor.0.1: expected a positive finite")
            )
            #expect(try attempt(file(#""0": {"0": 1, "1": -1}"#)).contains("expected a positive finite"))
            #expect(try attempt(file(#""0": {"0": 1, "1": 1e300}"#)).contains("expected a positive finite"))
            #expect(try attempt(file(#""0": {"0": 1, "1": 1}"#, type: "gpt2")).contains("model_type: expected"))
            #expect(try attempt(file(#""0": {"0": 1, "1": 1}"#, dtype: "fp8_e5m2")).contains("kv_cache.dtype"))
        }
    }

    @Test func scalesOfTheCacheThatAreMissing() throws {
        let one: [UInt8] = [0x80, 0x3F]
        func read(_ names: [String]) throws -> String {
            try Folder.withTemporary { folder in
                try Folder.write("{}", to: folder + "/config.json")
                let tensors = names.map { ($0, ElementType.bf16, [Int](), one) as BadCheckpointTests.Tensor }
                try Folder.write(tensors, to: folder + "/model.safetensors")
                let checkpoint = try QuantizedCheckpoint(folder: folder)
                do throws(QuantizationError) {
                    return try KVCacheScales.read(checkpoint, layers: 2).map { "\($0.layers.count)" } ?? "none"
                } catch {
                    return error.description
                }
            }
        }
        let attention = ["model.layers.0.self_attn", "model.layers.1.self_attn"]
        #expect(try read(["x"]) == "none")
        #expect(try read(attention.flatMap { [$0 + ".k_scale", $0 + ".v_scale"] }) == "2")
        #expect(try read(attention.map { $0 + ".kv_scale" }) == "2")
        #expect(try read([attention[0] + ".kv_scale"]).contains("tensor model.layers.1.self_attn.k_proj.output_scale"))
        #expect(try read([attention[0] + ".k_scale"]).contains("tensor model.layers.0.self_attn.v_scale: is missing"))
    }
}
