internal import JSON
public import Numerics

/// The scales of an FP8 KV cache: for each layer one of the keys and one of the values; a number is code times scale.
public struct KVCacheScales: Sendable, Equatable {
    /// The scales of one layer.
    public struct Layer: Sendable, Equatable {
        /// The scale of the keys, calibrated before the rotary embedding.
        public var key: Float
        /// The scale of the values.
        public var value: Float

        /// The scales of one layer.
        ///
        /// - Parameters:
        ///   - key: The scale of the keys.
        ///   - value: The scale of the values.
        public init(key: Float, value: Float) {
            self.key = key
            self.value = value
        }
    }

    /// By layer.
    public let layers: [Layer]

    /// Scales that are known.
    ///
    /// - Parameter layers: By layer.
    public init(layers: [Layer]) { self.layers = layers }

    /// The scales in a checkpoint: Quark's `k_proj.output_scale` and `v_proj.output_scale`, or the older `k_scale` and
    /// `v_scale`, or one `kv_scale` for both.
    ///
    /// - Parameters:
    ///   - checkpoint: The checkpoint.
    ///   - count: The layers of the model.
    ///   - attention: The name of a layer's attention, as `model.layers.3.self_attn`.
    /// - Returns: nil when no layer has any.
    /// - Throws: `QuantizationError` when only some have, or a scale is not a positive finite number.
    public static func read(
        _ checkpoint: QuantizedCheckpoint,
        layers count: Int,
        attention: (Int) -> String = { "model.layers.\($0).self_attn" }
    ) throws(QuantizationError) -> KVCacheScales? {
        guard let tensors = try tensors(checkpoint, layers: count, attention: attention) else { return nil }
        var layers: [Layer] = []
        for (key, value) in tensors { layers.append(Layer(key: try key.scale(), value: try value.scale())) }
        return KVCacheScales(layers: layers)
    }

    /// The tensors that `read` reads, by layer, from the headers alone.
    ///
    /// - Parameters:
    ///   - checkpoint: The checkpoint.
    ///   - count: The layers of the model.
    ///   - ofOutputs: Whether `k_proj.output_scale` and `v_proj.output_scale` count. They are a cache's where `config.json`
    ///     states one; else they may be those of quantised outputs.
    ///   - attention: The name of a layer's attention.
    /// - Returns: nil when no layer has any. The two of a layer are the same where one scale serves both.
    /// - Throws: `QuantizationError` when only some have, or one is not a scalar of a type that scales have.
    public static func tensors(
        _ checkpoint: QuantizedCheckpoint,
        layers count: Int,
        ofOutputs: Bool = true,
        attention: (Int) -> String = { "model.layers.\($0).self_attn" }
    ) throws(QuantizationError) -> [(key: TensorView, value: TensorView)]? {
        var layers: [(key: TensorView, value: TensorView)] = []
        var missing: String?
        var pairs = [("k_scale", "v_scale"), ("kv_scale", "kv_scale")]
        if ofOutputs { pairs.insert(("k_proj.output_scale", "v_proj.output_scale"), at: 0) }
        for index in 0..<count {
            let name = attention(index)
            var found: (key: TensorView, value: TensorView)?
            for (key, value) in pairs where found == nil {
                let names = ["\(name).\(key)", "\(name).\(value)"]
                let tensors = names.map { checkpoint.checkpoint[$0] }
                if let keys = tensors[0], let values = tensors[1] {
                    try keys.checkScaleStandsAlone()
                    try values.checkScaleStandsAlone()
                    found = (keys, values)
                } else if tensors[0] != nil || tensors[1] != nil {
                    throw QuantizationError(
                        file: checkpoint.checkpoint.folder,
                        tensor: names[tensors[0] == nil ? 0 : 1],
                        reason: "is missing, but its partner is there"
                    )
                }
            }
            if let found { layers.append(found) } else { missing = missing ?? "\(name).\(pairs[0].0)" }
        }
        if let missing {
            if layers.isEmpty, checkpoint.configuration?.kvCache == nil { return nil }
            throw QuantizationError(
                file: checkpoint.checkpoint.folder,
                tensor: missing,
                reason: "is missing, nor is there another scale of this layer's KV cache"
            )
        }
        return layers.isEmpty ? nil : layers
    }

    /// vLLM's `kv_cache_scales.json`: a scale for keys and values together, by tensor-parallel rank and layer.
    ///
    /// With several ranks, a layer gets the largest of its scales, which covers the heads of all of them.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - count: The layers of the model.
    ///   - modelType: What the file must say about the model, nil to take any.
    /// - Throws: `QuantizationError` when the file is not of this form, belongs to another type of model or cache, lacks a
    ///   layer, or has a scale that is not a positive finite number.
    public init(contentsOfFile path: String, layers count: Int, modelType: String? = nil) throws(QuantizationError) {
        do throws(JSONError) {
            let file = JSONField(try JSON(contentsOfFile: path), at: path)
            if let modelType, let stated = try file["model_type"].optional, try stated.string() != modelType {
                throw stated.error(expected: JSON.string(modelType).text())
            }
            let cache = file["kv_cache"]
            _ = try cache["dtype"].string(oneOf: ["float8_e4m3fn"])
            let ranks = try cache["scaling_factor"].members()
            guard !ranks.isEmpty else { throw cache["scaling_factor"].error("names no rank") }
            var largest = [Float](repeating: 0, count: count)
            for rank in 0..<ranks.count {
                let scales = cache["scaling_factor"]["\(rank)"]
                let named = try scales.members().count
                guard named == count else { throw scales.error("has \(named) layers, the model has \(count)") }
                for layer in 0..<count {
                    let field = scales["\(layer)"]
                    let scale = Float(try field.double())
                    guard scale > 0, scale.isFinite else { throw field.error(expected: "a positive finite number") }
                    largest[layer] = max(largest[layer], scale)
                }
            }
            layers = largest.map { Layer(key: $0, value: $0) }
        } catch {
            throw QuantizationError(
                file: path,
                reason: error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)"
            )
        }
    }
}
