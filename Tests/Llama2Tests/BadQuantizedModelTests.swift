import JSON
import Numerics
import Testing

/// Quantised checkpoints with one fault each are refused before any sample is issued, with tensor and file in the message:
/// what the headers show when the plugin is created, what the numbers show when they are placed.
@Suite struct BadQuantizedModelTests {
    private func refusal(_ folder: String, _ options: [(String, JSON)] = []) -> (call: String, reason: String) {
        do {
            _ = try LoadedPlugin(host: TestHost(), role: "worker", model: folder, options: options)
            return ("", "no error")
        } catch let failure as LoadedPlugin.Failure {
            return (failure.call, failure.reason)
        } catch {
            return ("", "\(error)")
        }
    }

    private func check(
        _ scratch: QuantizedScratch,
        _ call: String,
        _ parts: String...,
        options: [(String, JSON)] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = refusal(scratch.folder, options)
        #expect(found.call == call, "\(found)", sourceLocation: sourceLocation)
        for part in parts { #expect(found.reason.contains(part), "\(found.reason)", sourceLocation: sourceLocation) }
        #expect(found.reason.contains(scratch.folder), "no file in \(found.reason)", sourceLocation: sourceLocation)
    }

    @Test func headers() throws {
        var scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("up_proj.weight_scale", nil)
        check(scratch, "create", "up_proj.weight_scale: is missing", "model.safetensors")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("q_proj.weight_scale") { $0.shape.reverse() }
        check(scratch, "create", "q_proj.weight_scale: has shape [2, 64]", "model.safetensors")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("down_proj.weight") { tensor in
            (tensor.shape, tensor.bytes) = ([64, 40], Array(tensor.bytes[..<2560]))
        }
        try scratch.copy.edit("config.json", [("intermediate_size", 80)])
        check(scratch, "create", "down_proj.weight: has 80 columns, which blocks of 32 do not divide")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("v_proj.output_scale", nil)
        check(scratch, "create", "v_proj.output_scale: is missing")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("o_proj.input_scale", nil)
        check(scratch, "create", "o_proj.input_scale: is missing")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("o_proj.input_scale") { ($0.shape, $0.bytes) = ([2], $0.bytes + $0.bytes) }
        check(scratch, "create", "o_proj.input_scale: has shape [2], one scale is needed")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("gate_proj.weight") { $0.type = .u8 }
        check(scratch, "create", "gate_proj.weight: is U8")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.copy.edit(["quantization_config"], ("exclude", ["lm_head", "*gate_proj"]))
        check(scratch, "create", "gate_proj", "not quantised")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.add(("stray.input_scale", .bf16, [], [0x80, 0x3F]))
        check(scratch, "create", "stray.input_scale: there is no quantised weight")
    }

    @Test func schemes() throws {
        var scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.copy.edit(["quantization_config"], ("quant_method", "awq"))
        check(scratch, "create", "quantization_config.quant_method", "\"awq\" is unknown")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.copy.edit(["quantization_config", "global_quant_config", "weight"], ("dtype", "int4"))
        check(scratch, "create", "global_quant_config.weight.dtype", "\"int4\" is unknown")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.copy.edit(["quantization_config", "global_quant_config", "input_tensors"], ("is_dynamic", false))
        check(scratch, "create", "self_attn.q_proj", "inputs", "activations=fast")
        #expect(refusal(scratch.folder, [("activations", "fast")]).reason == "no error")
    }

    /// Scales made for E5M2 are not those of an E4M3 cache, and keys and values are of one type.
    @Test func cacheInAnotherType() throws {
        let scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        for group in ["kv_cache_quant_config", "layer_quant_config"] {
            try scratch.copy.edit(["quantization_config", group, "*v_proj", "output_tensors"], ("dtype", "fp8_e5m2"))
        }
        check(scratch, "create", "config.json: quantization_config", "dtype: keys and values of a KV cache have one")
        for group in ["kv_cache_quant_config", "layer_quant_config"] {
            try scratch.copy.edit(["quantization_config", group, "*k_proj", "output_tensors"], ("dtype", "fp8_e5m2"))
        }
        for choice: JSON in ["auto", "fp8"] {
            check(scratch, "create", "config.json", "kv_cache=bf16 or f32", options: [("kv_cache", choice)])
        }
        for choice: JSON in ["bf16", "f32"] {
            #expect(refusal(scratch.folder, [("kv_cache", choice)]).reason == "no error")
        }
    }

    @Test func numbers() throws {
        var scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("k_proj.weight_scale") { $0.bytes[7] = 0xFF }
        check(scratch, "place", "k_proj.weight_scale: scale 7 is NaN", "model.safetensors")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("gate_proj.weight_scale") { $0.bytes[0] = 0xFF }
        check(scratch, "place", "gate_proj.weight_scale: scale 0 is NaN", "model.safetensors")

        scratch = try QuantizedScratch("mxfp4_kvfp8_ckpt")
        try scratch.change("k_proj.output_scale") { $0.bytes = [0x80, 0xBF] }
        check(scratch, "place", "k_proj.output_scale: scale 0 is -1.0", "model.safetensors")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("down_proj.weight") { $0.bytes[96 * 5 + 3] = 0xFF }
        check(scratch, "place", "down_proj.weight: row 5, column 3 is NaN", "model.safetensors")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("down_proj.weight_scale") { $0.bytes = [0, 0] }
        check(scratch, "place", "down_proj.weight_scale: scale 0 is 0.0", "model.safetensors")

        scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        try scratch.change("q_proj.input_scale") { $0.bytes = [0xC0, 0x7F] }
        check(scratch, "place", "q_proj.input_scale: scale 0 is nan", "model.safetensors")

        scratch = try QuantizedScratch("fp8_kvfp8_vllm_ckpt")
        try scratch.change("self_attn.v_scale") { $0.bytes = [0x80, 0x7F] }
        check(scratch, "place", "self_attn.v_scale: scale 0 is inf", "model.safetensors")
    }

    @Test func truncatedFile() throws {
        let scratch = try QuantizedScratch("fp8_kvfp8_ckpt")
        let original = "\(GoldenCheckpoint.ownRoot)/golden/quant/fp8_kvfp8_ckpt/model.safetensors"
        let bytes = try FileSystemProbe.bytes(original)
        try scratch.copy.write("model.safetensors", Array(bytes.dropLast(3)))
        check(scratch, "create", "model.safetensors", "cut short")
    }
}
