import Glibc
import JSON
import Numerics
import Quantization

/// What is decided before anything is written: the source, its stages, and what becomes of each layer.
struct QuantizationPlan {
    let source: Checkpoint
    let config: JSONObject
    let recipe: QuantizationRecipe
    /// The stages up to the last with a layer that is quantised.
    let stages: [StageDeclarations.Stage]
    /// Every linear layer of the model.
    let linears: [String]

    /// Reads the model folder and applies the request to the plugin's stages.
    ///
    /// - Parameters:
    ///   - request: What is asked for.
    ///   - model: The model folder.
    ///   - declared: The plugin's stages.
    /// - Throws: `QuantizeError` for a checkpoint that cannot become what is asked for.
    init(_ request: QuantizeRequest, model: String, declared: StageDeclarations) throws {
        config = try Self.config(of: model)
        let source = try QuantizeError.naming(.usage) { try Checkpoint(folder: model) }
        self.source = source
        let layers = declared.stages.flatMap(\.layers)
        for pattern in request.exclude where !layers.contains(where: { NamePattern(pattern).matches($0.name) }) {
            throw QuantizeError(
                "--exclude \(pattern): no linear layer has this name; the first is \(layers.first?.name ?? "none")"
            )
        }
        let flagged = layers.filter(\.isExcluded).map(\.name)
        var recipe = QuantizationRecipe(
            linear: request.scheme.quantization,
            kvCache: request.kvCache == .fp8 ? .f8e4m3 : nil,
            exclude: flagged + request.exclude.filter { !flagged.contains($0) }
        )
        let cached = layers.filter { $0.isCached }
        let matched = layers.filter { layer in recipe.kvCacheGroup.contains { NamePattern($0).matches(layer.name) } }
        if matched.map(\.name) != cached.map(\.name) { recipe.kvCacheGroup = cached.map(\.name) }
        if recipe.kvCache != nil {
            guard !cached.isEmpty else {
                throw QuantizeError("--kv-cache fp8: the plugin names no layer that makes keys or values")
            }
            if let left = cached.first(where: { recipe.scheme(ofLayer: $0.name) == nil }) {
                throw QuantizeError(
                    "\(left.name) is excluded, but the scale of the FP8 KV cache is stored beside its weight; "
                        + "use --kv-cache none, or do not exclude it"
                )
            }
        }
        for layer in layers {
            let weight = try QuantizeError.naming(.usage) { try source.tensor(named: layer.name + ".weight") }
            guard weight.shape == [layer.outputs, layer.inputs] else {
                throw QuantizeError(
                    "\(weight.path): tensor \(weight.name): has shape \(weight.shape), but the plugin says "
                        + "[\(layer.outputs), \(layer.inputs)]"
                )
            }
            if recipe.scheme(ofLayer: layer.name) != nil, weight.type.contractFloat != nil {
                recipe.scaleType = weight.type
            }
        }
        if request.method == .gptq { recipe.algorithm = Self.algorithm(request, declared, recipe) }
        self.recipe = recipe
        linears = layers.map(\.name)
        let last = declared.stages.lastIndex { stage in
            stage.layers.contains { recipe.scheme(ofLayer: $0.name) != nil }
        }
        guard let last else { throw QuantizeError("every linear layer is excluded: there is nothing to quantise") }
        stages = Array(declared.stages[...last])
    }

    /// GPTQ's settings in Quark's words.
    private static func algorithm(
        _ request: QuantizeRequest,
        _ declared: StageDeclarations,
        _ recipe: QuantizationRecipe
    ) -> JSON {
        var inside: [String] = []
        for stage in declared.stages {
            for layer in stage.layers where recipe.scheme(ofLayer: layer.name) != nil {
                let prefix = stage.name + "."
                let name = layer.name.hasPrefix(prefix) ? String(layer.name.dropFirst(prefix.count)) : layer.name
                if !inside.contains(name) { inside.append(name) }
            }
        }
        let first = declared.stages.first?.name ?? ""
        let isOrdered = request.order == .activation
        let algorithm: JSON = [
            "block_size": JSON(GPTQ().blockSize), "damp_percent": .number(request.damping),
            "desc_act": .bool(isOrdered), "inside_layer_modules": .array(inside.map { .string($0) }),
            "model_decoder_layers": .string(first.lastIndex(of: ".").map { String(first[..<$0]) } ?? first),
            "name": "gptq", "static_groups": .bool(isOrdered),
        ]
        return [algorithm]
    }

    /// The model's config.json; a checkpoint that is quantised already is refused.
    private static func config(of model: String) throws -> JSONObject {
        let path = model + "/config.json"
        do throws(JSONError) {
            guard case .object(let config) = try JSON(contentsOfFile: path) else {
                throw JSONField(.null, at: path).error(expected: "an object")
            }
            if let quantization = config["quantization_config"], quantization != .null {
                let method = try JSONField(quantization, at: path)["quant_method"].optional?.string()
                throw JSONField(quantization, at: path).error(
                    "the checkpoint is quantised already (\(method ?? "no quant_method")); give the original one"
                )
            }
            return config
        } catch {
            throw QuantizeError(error.description)
        }
    }

    /// Whether anything has to be observed, that is, whether calibration data is needed.
    func needsCalibration(_ method: QuantizeRequest.Method) -> Bool {
        method == .gptq
            || stages.contains { stage in
                stage.layers.contains { layer in
                    guard let scheme = recipe.scheme(ofLayer: layer.name) else { return false }
                    return scheme.output != nil || scheme.storesInput
                }
            }
    }
}

extension QuantizationScheme {
    /// Whether the scale of what comes in is stored, and so has to be observed.
    var storesInput: Bool { input.map { !$0.isDynamic } ?? false }
}
