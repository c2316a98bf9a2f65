public import JSON
public import Numerics

/// `quantization_config` of a checkpoint's `config.json`: which layer is quantised how.
public struct QuantizationConfiguration: Sendable {
    /// Who wrote the checkpoint, and so what its tensors are called.
    public enum Layout: String, Sendable {
        /// AMD Quark: `weight_scale`, `input_scale`, `output_scale`.
        case quark
        /// vLLM's FP8 layout, also Quark's older export: `weight_scale` or `weight_scale_inv`, `input_scale`, `k_scale`.
        case fp8
        /// gpt-oss: experts as `_blocks` and `_scales`.
        case mxfp4
    }

    /// Who wrote the checkpoint.
    public let layout: Layout
    /// The scheme of layers that nothing else is said about, nil when they are not quantised.
    public let global: QuantizationScheme?
    /// The type of the KV cache, nil when the configuration says nothing about it.
    public let kvCache: ElementType?
    /// The patterns of the layers that are left alone.
    public var excluded: [String] { exclude.map(\.text) }

    private let layers: [(pattern: NamePattern, scheme: QuantizationScheme)]
    private let exclude: [NamePattern]

    /// The configuration of a model.
    ///
    /// - Parameter config: The whole of `config.json`.
    /// - Returns: nil when the model is not quantised.
    /// - Throws: `JSONError` when a scheme is unknown or a field is not as it should be.
    public static func read(_ config: JSONField) throws(JSONError) -> QuantizationConfiguration? {
        guard let field = try config["quantization_config"].optional else { return nil }
        let method = try field["quant_method"].string()
        switch method {
        case Layout.quark.rawValue: return try QuantizationConfiguration(quark: field)
        case Layout.fp8.rawValue: return try QuantizationConfiguration(fp8: field)
        case Layout.mxfp4.rawValue: return try QuantizationConfiguration(mxfp4: field)
        default:
            throw field["quant_method"].error("\(JSON.string(method)) is unknown; known are quark, fp8 and mxfp4")
        }
    }

    /// How a layer is quantised.
    ///
    /// - Parameter name: The layer, as `model.layers.0.mlp.up_proj`.
    /// - Returns: nil when it is left alone.
    public func scheme(ofLayer name: String) -> QuantizationScheme? {
        if exclude.contains(where: { $0.matches(name) }) { return nil }
        return layers.first { $0.pattern.matches(name) }?.scheme ?? global
    }

    private init(quark field: JSONField) throws(JSONError) {
        layout = .quark
        global = try field["global_quant_config"].optional.map(Self.scheme)
        exclude = try Self.patterns(field["exclude"])
        if let types = try field["layer_type_quant_config"].optional, try !types.object().isEmpty {
            throw types.error("schemes by type of layer are not supported; use layer_quant_config")
        }
        var layers: [(NamePattern, QuantizationScheme)] = []
        for (name, entry) in try field["layer_quant_config"].optional?.members() ?? [] {
            layers.append((try Self.pattern(name, entry), try Self.scheme(entry)))
        }
        self.layers = layers

        var kvCache: ElementType?
        if try field["export"].optional?["kv_cache_group"].optional?.array().isEmpty == false {
            var found = false
            for key in ["kv_cache_quant_config", "layer_quant_config"] where !found {
                for (name, entry) in try field[key].optional?.members() ?? [] {
                    guard name.hasSuffix("k_proj") || name.hasSuffix("v_proj") else { continue }
                    guard let output = try entry["output_tensors"].optional else { continue }
                    let scheme = try Self.tensor(output)
                    guard scheme.granularity == .perTensor, !scheme.isDynamic else {
                        throw output.error("the KV cache needs one stored scale per tensor")
                    }
                    guard kvCache == nil || kvCache == scheme.element else {
                        throw output["dtype"].error("keys and values of a KV cache have one element type, not two")
                    }
                    kvCache = scheme.element
                    found = true
                }
            }
            if !found {
                throw field["export"]["kv_cache_group"].error("no layer says how the KV cache is quantised")
            }
        }
        self.kvCache = kvCache
    }

    private init(fp8 field: JSONField) throws(JSONError) {
        layout = .fp8
        let activations = try field["activation_scheme"].string(oneOf: ["static", "dynamic"])
        var weight = TensorScheme.fp8PerTensor
        var input = TensorScheme(element: .f8e4m3, granularity: .perTensor, isDynamic: activations == "dynamic")
        if let block = try field["weight_block_size"].optional {
            let sizes = try block.array(count: 2)
            let columns = try sizes[1].int(in: 1...(1 << 20))
            weight.granularity = .perBlock(rows: try sizes[0].int(in: 1...(1 << 20)), columns: columns)
            input.granularity = .perGroup(columns)
        }
        global = QuantizationScheme(weight: weight, input: input)
        layers = []
        exclude = try Self.patterns(field["ignored_layers"])
        let cache = try field["kv_cache_scheme"].optional
        if let cache { _ = try cache.string(oneOf: ["static"]) }
        kvCache = cache == nil ? nil : .f8e4m3
    }

    private init(mxfp4 field: JSONField) throws(JSONError) {
        layout = .mxfp4
        // Its experts are no linear layers; what else there is, is left alone.
        global = nil
        layers = []
        exclude = try Self.patterns(field["modules_to_not_convert"])
        kvCache = nil
    }

    private static func patterns(_ field: JSONField) throws(JSONError) -> [NamePattern] {
        var patterns: [NamePattern] = []
        for entry in try field.optional?.array() ?? [] { patterns.append(try pattern(entry.string(), entry)) }
        return patterns
    }

    private static func pattern(_ text: String, _ field: JSONField) throws(JSONError) -> NamePattern {
        let pattern = NamePattern(text)
        if let fault = pattern.fault { throw field.error(fault) }
        return pattern
    }

    private static func scheme(_ field: JSONField) throws(JSONError) -> QuantizationScheme {
        if let bias = try field["bias"].optional { throw bias.error("quantised biases are not supported") }
        return QuantizationScheme(
            weight: try field["weight"].optional.map(tensor),
            input: try field["input_tensors"].optional.map(tensor),
            output: try field["output_tensors"].optional.map(tensor)
        )
    }

    private static let types: [String: ElementType] = [
        "fp4": .f4e2m1, "fp8_e4m3": .f8e4m3, "fp8_e5m2": .f8e5m2,
    ]

    /// One entry for a tensor.
    ///
    /// Keys differ between versions of Quark; those that are not read here say nothing about the bytes.
    private static func tensor(_ field: JSONField) throws(JSONError) -> TensorScheme {
        let name = try field["dtype"].string()
        guard let element = types[name] else {
            let known = types.keys.sorted().joined(separator: ", ")
            throw field["dtype"].error("scheme \(JSON.string(name)) is unknown; known are \(known)")
        }
        if try field["symmetric"].optional?.bool() == false {
            throw field["symmetric"].error("schemes with a zero point are not supported")
        }
        let isDynamic = try field["is_dynamic"].optional?.bool() ?? false
        let granularity: TensorScheme.Granularity
        let kind = try field["qscheme"].string()
        switch kind {
        case "per_tensor": granularity = .perTensor
        case "per_channel":
            if let axis = try field["ch_axis"].optional, try axis.int() != 0, !isDynamic {
                throw axis.error(expected: "0, the axis of the outputs")
            }
            granularity = .perChannel
        case "per_group":
            if let axis = try field["ch_axis"].optional, ![-1, 1].contains(try axis.int()) {
                throw axis.error(expected: "-1 or 1, the axis of the inputs")
            }
            granularity = .perGroup(try field["group_size"].int(in: 1...(1 << 20)))
        case "per_block":
            let sizes = try field["block_size"].array(count: 2)
            granularity = .perBlock(
                rows: try sizes[0].int(in: 1...(1 << 20)),
                columns: try sizes[1].int(in: 1...(1 << 20))
            )
        default:
            throw field["qscheme"].error(
                "scheme \(JSON.string(kind)) is unknown; known are per_tensor, per_channel, per_group, per_block"
            )
        }
        if element == .f4e2m1 {
            guard granularity == .perGroup(MXFP4.blockSize), try field["scale_format"].optional?.string() == "e8m0"
            else {
                throw field["dtype"].error("fp4 is supported as MXFP4 alone: per_group of 32 with scale_format e8m0")
            }
        }
        return TensorScheme(element: element, granularity: granularity, isDynamic: isDynamic)
    }
}

extension Optional where Wrapped == JSONField {
    /// `map` with the error's type.
    fileprivate func map<Result>(
        _ body: (JSONField) throws(JSONError) -> Result
    ) throws(JSONError) -> Result? {
        guard let self else { return nil }
        return try body(self)
    }
}
