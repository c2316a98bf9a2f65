import CPluginAPI
import JSON
import Testing

/// Broken checkpoints are refused when the plugin is created, with the file and the field in the message.
@Suite struct BadModelTests {
    let golden: GoldenCheckpoint

    init() throws { golden = try #require(GoldenCheckpoint.own.first) }

    private func refusal(_ folder: String) -> String {
        do {
            _ = try LoadedPlugin(host: TestHost(), role: "worker", model: folder)
            return ""
        } catch { return "\(error)" }
    }

    static let configs: [(String, JSON?, String)] = [
        ("hidden_size", nil, "hidden_size: missing"),
        ("hidden_size", 0, "hidden_size"),
        ("hidden_size", "64", "hidden_size"),
        ("hidden_size", 65, "shape"),
        ("num_hidden_layers", -1, "num_hidden_layers"),
        ("num_hidden_layers", 3, "model.layers.2"),
        ("num_attention_heads", 1e30, "num_attention_heads"),
        ("num_attention_heads", .integer(1 << 40), "num_attention_heads"),
        ("num_key_value_heads", 3, "num_key_value_heads"),
        ("head_dim", 15, "head_dim"),
        ("intermediate_size", nil, "intermediate_size"),
        ("vocab_size", 1, "eos_token_id"),
        ("vocab_size", 1199, "shape"),
        ("max_position_embeddings", 0, "max_position_embeddings"),
        ("max_position_embeddings", 9_000_000_000_000_000_000, "max_position_embeddings"),
        ("rms_norm_eps", -1, "rms_norm_eps"),
        ("rms_norm_eps", "small", "rms_norm_eps"),
        ("hidden_act", "gelu", "hidden_act"),
        ("model_type", "mamba", "model_type"),
        ("quantization_config", ["quant_method": "fp8"], "quantization_config"),
        ("mlp_bias", true, "mlp_bias"),
        ("attention_bias", true, "q_proj.bias"),
        ("rope_theta", -5, "rope_theta"),
        ("rope_scaling", ["type": "dynamic", "factor": 2], "rope_scaling.type"),
        ("rope_scaling", ["rope_type": "yarn", "factor": 2], "rope_scaling.rope_type"),
        ("rope_scaling", ["rope_type": "linear"], "rope_scaling.factor"),
        ("rope_scaling", ["rope_type": "llama3", "factor": 8], "rope_scaling.low_freq_factor"),
        ("rope_scaling", 3, "rope_scaling"),
        ("rope_parameters", ["rope_type": "longrope"], "rope_parameters.rope_type"),
        ("tie_word_embeddings", "yes", "tie_word_embeddings"),
    ]

    @Test(arguments: configs)
    func configuration(_ field: String, _ value: JSON?, _ part: String) throws {
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("config.json", [(field, value)])
        let message = refusal(copy.folder)
        #expect(message.contains(part), "\(field) = \(value?.text() ?? "nothing"): \(message)")
        #expect(message.contains(copy.folder), "no file in: \(message)")
    }

    @Test func endTokensBeyondTheVocabulary() throws {
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("generation_config.json", [("eos_token_id", [2, 99_999_999])])
        let message = refusal(copy.folder)
        #expect(message.contains("generation_config.json") && message.contains("eos_token_id[1]"), "\(message)")
    }

    @Test func brokenFiles() throws {
        let files: [(String, [UInt8]?, String)] = [
            ("config.json", nil, "config.json"),
            ("config.json", Array("{".utf8), "config.json"),
            ("config.json", Array("[]".utf8), "expected an object"),
            ("config.json", [0xff, 0xfe, 0x00], "config.json"),
            ("generation_config.json", Array("{\"eos_token_id\": \"two\"}".utf8), "generation_config.json"),
            ("model.safetensors", [1, 2, 3], "model.safetensors"),
            ("model.safetensors", [255, 255, 255, 255, 255, 255, 255, 255, 123], "model.safetensors"),
        ]
        for (name, content, part) in files {
            let copy = try ScratchCheckpoint(of: golden.folder, leaving: content == nil ? [name] : [])
            if let content { try copy.write(name, content) }
            let message = refusal(copy.folder)
            #expect(message.contains(part), "\(name): \(message)")
        }
        #expect(refusal("/nonexistent/folder").contains("/nonexistent/folder"))
    }

    @Test func workersNeedAModelAndOneDevice() throws {
        #expect(throws: LoadedPlugin.Failure.self) { try LoadedPlugin(host: TestHost(), role: "worker", model: nil) }
        #expect {
            try LoadedPlugin(host: TestHost(), role: "worker", model: golden.folder, devices: 2)
        } throws: {
            "\($0)".contains("devices_per_instance")
        }
    }

    @Test func memoryThatIsNotThereIsAnError() throws {
        let plugin = try LoadedPlugin(
            host: TestHost(),
            role: "worker",
            model: golden.folder,
            options: [("kv_cache_tokens", .integer(1 << 32))]
        )
        #expect {
            try plugin.prepare()
        } throws: {
            "\($0)".contains("kv_cache_tokens")
        }
    }
}
