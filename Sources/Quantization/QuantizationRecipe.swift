public import JSON
public import Numerics

/// What a checkpoint is to become: the scheme of its linear layers, of its KV cache, and which layers stay as they are.
public struct QuantizationRecipe: Sendable, Equatable {
    /// The scheme of each linear layer.
    public var linear: QuantizationScheme
    /// The type of the KV cache, nil to leave it alone.
    public var kvCache: ElementType?
    /// The patterns of the layers that stay as they are.
    public var exclude: [String]
    /// The patterns of the layers that make keys and values.
    public var kvCacheGroup: [String]
    /// The type that FP8's scales are stored in.
    public var scaleType: ElementType
    /// `algo_config`: how the weights were rounded, for people; null where each went to the nearest.
    public var algorithm: JSON = nil

    /// A recipe.
    ///
    /// - Parameters:
    ///   - linear: The scheme of each linear layer.
    ///   - kvCache: The type of the KV cache, nil to leave it alone.
    ///   - exclude: The patterns of the layers that stay as they are.
    ///   - kvCacheGroup: The patterns of the layers that make keys and values.
    ///   - scaleType: The type that FP8's scales are stored in; Quark takes that of the model.
    public init(
        linear: QuantizationScheme,
        kvCache: ElementType? = nil,
        exclude: [String] = ["lm_head"],
        kvCacheGroup: [String] = ["*k_proj", "*v_proj"],
        scaleType: ElementType = .bf16
    ) {
        self.linear = linear
        self.kvCache = kvCache
        self.exclude = exclude
        self.kvCacheGroup = kvCacheGroup
        self.scaleType = scaleType
    }

    /// How a linear layer is quantised; keys and values have an output scale when the KV cache is quantised.
    ///
    /// - Parameter name: The layer.
    /// - Returns: nil when it stays as it is.
    public func scheme(ofLayer name: String) -> QuantizationScheme? {
        if exclude.contains(where: { NamePattern($0).matches(name) }) { return nil }
        var scheme = linear
        if let kvCache, kvCacheGroup.contains(where: { NamePattern($0).matches(name) }) {
            scheme.output = TensorScheme(element: kvCache, granularity: .perTensor)
        }
        return scheme
    }

    /// `quantization_config` as Quark 0.13 writes it.
    ///
    /// - Returns: The object.
    /// - Throws: `QuantizationError` when Quark has no word for the scheme.
    public func quarkConfiguration() throws(QuantizationError) -> JSON {
        let global = try layer(linear)
        var grouped: [(String, JSON)] = []
        if let kvCache {
            var scheme = linear
            scheme.output = TensorScheme(element: kvCache, granularity: .perTensor)
            let entry = try layer(scheme)
            grouped = kvCacheGroup.map { ($0, entry) }
        }
        let group: [JSON] = kvCache == nil ? [] : kvCacheGroup.map { .string($0) }
        return [
            "algo_config": algorithm,
            "exclude": .array(exclude.map { .string($0) }),
            "export": [
                "kv_cache_group": .array(group), "min_kv_scale": 0.0, "pack_method": "reorder",
                "weight_format": "real_quantized", "weight_merge_groups": nil,
            ],
            "global_quant_config": global,
            "kv_cache_post_rope": false,
            "kv_cache_quant_config": .object(JSONObject(grouped)),
            "layer_quant_config": .object(JSONObject(grouped)),
            "layer_type_quant_config": .object(JSONObject()),
            "quant_method": "quark",
            "quant_mode": "eager_mode",
            "softmax_quant_spec": nil,
            "version": "0.13",
        ]
    }

    private func layer(_ scheme: QuantizationScheme) throws(QuantizationError) -> JSON {
        // With quantised outputs everywhere, Quark 0.13 leaves the type of the scales open.
        let scaleWord: JSON = linear.output == nil ? "float" : nil
        return [
            "bias": nil,
            "input_tensors": try tensor(scheme.input, scaleWord),
            "output_tensors": try tensor(scheme.output, nil),
            "target_device": nil,
            "weight": try tensor(scheme.weight, scaleWord),
        ]
    }

    private func tensor(_ scheme: TensorScheme?, _ scaleWord: JSON) throws(QuantizationError) -> JSON {
        guard let scheme else { return nil }
        let word: JSON
        switch scheme.element {
        case .f4e2m1: word = "fp4"
        case .f8e4m3: word = "fp8_e4m3"
        case .f8e5m2: word = "fp8_e5m2"
        default:
            throw QuantizationError(file: "quantisation", reason: "Quark's layout has no word for \(scheme.element)")
        }
        let isMXFP4 = scheme.element == .f4e2m1
        var kind: JSON = "per_tensor"
        var axis: JSON = nil
        var group: JSON = nil
        var block: JSON = nil
        var observer: JSON = "PerTensorMinMaxObserver"
        switch scheme.granularity {
        case .perTensor: break
        case .perChannel: (kind, axis, observer) = ("per_channel", 0, "PerChannelMinMaxObserver")
        case .perGroup(let size):
            (kind, axis, group) = ("per_group", -1, JSON(size))
            observer = isMXFP4 ? "PerBlockMXObserver" : "PerGroupMinMaxObserver"
        case .perBlock(let rows, let columns):
            (kind, block, observer) = ("per_block", [JSON(rows), JSON(columns)], "PerBlock2DMinMaxObserver")
        }
        return [
            "block_size": block, "ch_axis": axis, "dtype": word, "enable_buffer_reuse": false, "group_size": group,
            "is_dynamic": .bool(scheme.isDynamic), "is_scale_quant": false, "max_input_numel": 4_194_304,
            "mx_element_dtype": nil, "observer_cls": observer, "qscheme": kind, "round_method": "half_even",
            "scale_calculation_mode": isMXFP4 ? "even" : nil, "scale_format": isMXFP4 ? "e8m0" : nil,
            "scale_type": scaleWord, "symmetric": isMXFP4 ? nil : true, "zero_point_type": "int32",
        ]
    }
}
