import Numerics
import PluginAPI
import Quantization
import TextGeneration

/// What the key-value cache holds, and under which scales.
struct KVCachePlan: Sendable {
    /// Where the scales of an FP8 cache come from.
    enum Scales: Sendable {
        /// There are none: a number is stored as it is, or a code times 1.
        case none
        /// By layer, the indices of the keys' and the values' scale among the scalars.
        case scalars([(key: Int, value: Int)])
        /// By layer.
        case known([KVCacheScales.Layer])
    }

    let type: KVCacheType
    let scales: Scales
    /// For people: `fp8 with the scales of the checkpoint`.
    let description: String

    /// Decides, and declares the tensors of the scales.
    ///
    /// `auto` is FP8 where config.json states an FP8 cache or the folder has vLLM's kv_cache_scales.json, else float32. An
    /// FP8 cache takes the scales of the checkpoint's tensors, then those of that file, then 1; a cache that config.json
    /// states must have scales.
    ///
    /// - Throws: `QuantizationError` for scales that are incomplete or a file that is not of vLLM's form; `PluginError` for
    ///   an FP8 cache where config.json states another type.
    init(
        _ choice: KVCacheChoice,
        _ configuration: LlamaConfiguration,
        _ checkpoint: QuantizedCheckpoint,
        _ table: inout WeightTable
    ) throws {
        let folder = checkpoint.checkpoint.folder
        let file = folder + (folder.hasSuffix("/") ? "" : "/") + "kv_cache_scales.json"
        let stated = configuration.quantization?.kvCache
        switch choice {
        case .f32: (type, scales, description) = (.float32, .none, "f32")
        case .bf16: (type, scales, description) = (.bfloat16, .none, "bf16")
        case .auto where stated == nil && !FileSystem.exists(file):
            (type, scales, description) = (.float32, .none, "f32")
        case .auto, .fp8:
            // Stored scales are made for the stated type: the largest number over that type's largest.
            if let stated, stated != .f8e4m3 {
                throw PluginError(
                    .unsupported,
                    "\(folder)/config.json: quantization_config: a key-value cache in \(stated) is not computed, and its "
                        + "scales are none for FP8 E4M3; choose model_config.kv_cache=bf16 or f32"
                )
            }
            type = .fp8
            let hasFile = FileSystem.exists(file)
            let tensors = try Self.scaleTensors(
                checkpoint,
                layers: configuration.layers,
                isStated: stated != nil,
                hasFile: hasFile
            )
            if let tensors {
                scales = .scalars(tensors.map { (table.scalar($0.key), table.scalar($0.value)) })
                description = "fp8 with the scales of the checkpoint"
            } else if hasFile {
                let known = try KVCacheScales(
                    contentsOfFile: file,
                    layers: configuration.layers,
                    modelType: "llama"
                )
                scales = .known(known.layers)
                description = "fp8 with the scales of kv_cache_scales.json"
            } else {
                scales = .none
                description = "fp8 with scale 1, for the checkpoint has no scales of it"
            }
        }
    }

    /// The tensors of the cache's scales, nil where they are not in the checkpoint's tensors.
    ///
    /// `k_scale`, `v_scale` and `kv_scale` are a cache's. The scales of k_proj's and v_proj's outputs are made for one only
    /// where config.json states it; otherwise kv_cache_scales.json comes before them.
    private static func scaleTensors(
        _ checkpoint: QuantizedCheckpoint,
        layers: Int,
        isStated: Bool,
        hasFile: Bool
    ) throws -> [(key: TensorView, value: TensorView)]? {
        func has(_ names: String...) -> Bool {
            (0..<layers).contains { layer in
                names.contains { checkpoint.checkpoint["model.layers.\(layer).self_attn.\($0)"] != nil }
            }
        }
        let hasOwn = has("k_scale", "v_scale", "kv_scale")
        if hasOwn && !isStated { return try KVCacheScales.tensors(checkpoint, layers: layers, ofOutputs: false) }
        if hasFile && !hasOwn && !(isStated && has("k_proj.output_scale", "v_proj.output_scale")) { return nil }
        return try KVCacheScales.tensors(checkpoint, layers: layers)
    }
}
