import Kernels
import Numerics
import PluginAPI
import Quantization
import TextGeneration

/// The tensors of a Llama checkpoint: what is declared to the host, and where each stands in that declaration.
///
/// Names and shapes follow from the configuration; element types are the file's, and may differ from tensor to tensor,
/// as may the schemes of quantised layers. Tensors that the files hold besides (`rotary_emb.inv_freq` in older ones) are
/// left alone.
struct LlamaTensors: Sendable {
    /// The projections in front of the attention.
    enum Attention: Sendable {
        /// One product whose outputs are queries, keys and values, one after the other.
        case fused(LinearLayer)
        case separate(query: LinearLayer, key: LinearLayer, value: LinearLayer)
    }

    /// The two projections of the gated MLP.
    enum Gate: Sendable {
        /// Packed together, for one launch.
        case packed(LinearLayer)
        /// Row-major with one type, for one launch if the scales of their inputs are equal, which numbers show.
        case paired(gate: LinearLayer, up: LinearLayer)
        case separate(gate: LinearLayer, up: LinearLayer)
    }

    /// The tensors of one layer.
    struct Layer: Sendable {
        var inputNorm: LinearLayer.Vector
        var attention: Attention
        var output: LinearLayer
        var postNorm: LinearLayer.Vector
        var gate: Gate
        var down: LinearLayer
    }

    /// What the host is told.
    let declarations: [TensorDeclaration]
    /// What the host is told of placements, in step with `fills`.
    let placements: [PlacementDeclaration]
    /// How each placement is made.
    let fills: [PlacementFill]
    /// The placement of the scales that stand alone, nil if there are none.
    let scalars: Int?
    /// How many those are.
    var scalarCount: Int { scalars.map { placements[$0].sources.count } ?? 0 }
    /// From the first layer to the last.
    let layers: [Layer]
    let embedding: LinearLayer.Vector
    let norm: LinearLayer.Vector
    /// The output head; its weight is the embedding itself if they are tied.
    let head: LinearLayer
    /// What the key-value cache holds.
    let cache: KVCachePlan
    /// How many linear layers are computed in which way, for people.
    let summary: String

    /// Declares the tensors.
    ///
    /// - Parameters:
    ///   - configuration: The sizes.
    ///   - checkpoint: The files; headers are read, no tensor.
    ///   - activations: What goes into products with quantised weights.
    ///   - kvCache: What the cache is to hold.
    ///   - backend: What weights that are packed are laid out for.
    /// - Throws: `SafetensorsError` or `QuantizationError` for a tensor that is missing, has another shape, or a type that
    ///   is not that of its scheme; `PluginError` for what is not computed.
    init(
        _ configuration: LlamaConfiguration,
        checkpoint: QuantizedCheckpoint,
        activations: ActivationChoice,
        kvCache: KVCacheChoice,
        backend: podium_backend
    ) throws {
        try checkpoint.validate(readsScales: false)
        var table = WeightTable()
        var linear = LinearLayers(checkpoint, activations, backend)
        func vector(_ name: String, _ shape: Int...) throws -> LinearLayer.Vector {
            let tensor = try checkpoint.checkpoint.tensor(named: name)
            func fault(_ reason: String) -> SafetensorsError {
                SafetensorsError(file: tensor.path, tensor: name, reason: reason)
            }
            guard tensor.shape == shape else {
                throw fault("has shape \(tensor.shape), but config.json asks for \(shape)")
            }
            guard let type = tensor.type.podium, type != PODIUM_F8E4M3 else {
                let reason = fault("has dtype \(tensor.type); this plugin computes with F32, BF16 and F16")
                throw PluginError(.unsupported, reason.description)
            }
            return LinearLayer.Vector(location: .tensor(table.bind(tensor)), type: type)
        }

        let hidden = configuration.hidden
        embedding = try vector("model.embed_tokens.weight", configuration.vocabulary, hidden)
        cache = try KVCachePlan(kvCache, configuration, checkpoint, &table)
        var layers: [Layer] = []
        for index in 0..<configuration.layers {
            let prefix = "model.layers.\(index)."
            layers.append(
                Layer(
                    inputNorm: try vector(prefix + "input_layernorm.weight", hidden),
                    attention: try Self.attention(prefix + "self_attn.", configuration, cache.type, &linear, &table),
                    output: try linear.declare(
                        linear.find(
                            prefix + "self_attn.o_proj",
                            outputs: hidden,
                            inputs: configuration.attentionWidth,
                            bias: configuration.attentionBias,
                            &table
                        ),
                        &table
                    ),
                    postNorm: try vector(prefix + "post_attention_layernorm.weight", hidden),
                    gate: try Self.gate(prefix + "mlp.", configuration, &linear, &table),
                    down: try linear.declare(
                        linear.find(
                            prefix + "mlp.down_proj",
                            outputs: hidden,
                            inputs: configuration.intermediate,
                            &table
                        ),
                        &table
                    )
                )
            )
        }
        self.layers = layers
        norm = try vector("model.norm.weight", hidden)
        if configuration.tiedHead {
            linear.countTied(try checkpoint.checkpoint.tensor(named: "model.embed_tokens.weight").type)
            head = LinearLayer(
                outputs: configuration.vocabulary,
                inputs: hidden,
                weight: .rows(embedding, scales: nil),
                input: .asItIs
            )
        } else {
            let found = try linear.find("lm_head", outputs: configuration.vocabulary, inputs: hidden, &table)
            head = try linear.declare(found, &table)
        }
        table.finish()
        declarations = table.tensors
        placements = table.placements
        fills = table.fills
        scalars = table.scalars
        summary = linear.counts.map { "\($0.count) linear layer\($0.count == 1 ? "" : "s") \($0.what)" }
            .joined(separator: "; ")
    }

    private static func attention(
        _ prefix: String,
        _ configuration: LlamaConfiguration,
        _ cache: KVCacheType,
        _ linear: inout LinearLayers,
        _ table: inout WeightTable
    ) throws -> Attention {
        // Where the checkpoint states a key-value cache, the scales of k_proj's and v_proj's outputs are the cache's, and it
        // is the cache that rounds. A cache that does not leaves the rounding to the outputs, if the scheme has any.
        let quantization = configuration.quantization
        let isCached = quantization?.kvCache != nil && (cache == .fp8 || quantization?.global?.output == nil)
        var found: [LinearLayers.Found] = []
        for (name, width) in [
            ("q_proj", configuration.attentionWidth), ("k_proj", configuration.kvWidth),
            ("v_proj", configuration.kvWidth),
        ] {
            found.append(
                try linear.find(
                    prefix + name,
                    outputs: width,
                    inputs: configuration.hidden,
                    bias: configuration.attentionBias,
                    isCached: isCached && name != "q_proj",
                    &table
                )
            )
        }
        if found.allSatisfy({ $0.isPacked && $0.isFree && $0.input == found[0].input }) {
            return .fused(try linear.declarePacked(found, prefix + "qkv_proj", &table))
        }
        return .separate(
            query: try linear.declare(found[0], &table),
            key: try linear.declare(found[1], &table),
            value: try linear.declare(found[2], &table)
        )
    }

    private static func gate(
        _ prefix: String,
        _ configuration: LlamaConfiguration,
        _ linear: inout LinearLayers,
        _ table: inout WeightTable
    ) throws -> Gate {
        let found = try ["gate_proj", "up_proj"].map { name in
            try linear.find(
                prefix + name,
                outputs: configuration.intermediate,
                inputs: configuration.hidden,
                &table
            )
        }
        if found.allSatisfy({ $0.isPacked && $0.isFree && $0.input == found[0].input }) {
            return .packed(linear.declarePackedPair(found[0], found[1], prefix + "gate_up_proj", &table))
        }
        let (gate, up) = (try linear.declare(found[0], &table), try linear.declare(found[1], &table))
        if case .rows(let first, _) = gate.weight, case .rows(let second, _) = up.weight, first.type == second.type,
            gate.input.isLike(up.input), found.allSatisfy(\.isFree)
        {
            return .paired(gate: gate, up: up)
        }
        return .separate(gate: gate, up: up)
    }
}
