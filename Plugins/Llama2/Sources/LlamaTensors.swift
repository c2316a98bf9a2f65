import CPluginAPI
import Kernels
import Numerics
import PluginAPI

/// The tensors of a Llama checkpoint: what is declared to the host, and where each stands in that declaration.
///
/// Names and shapes follow from the configuration; the element type is the file's, float32, bfloat16 or float16, and
/// may differ from tensor to tensor. Tensors that the files hold besides (`rotary_emb.inv_freq` in older ones) are left
/// alone.
struct LlamaTensors: Sendable {
    /// One tensor: its place in the declaration and its element type.
    struct Reference: Sendable {
        var index: Int
        var type: podium_dtype
    }

    /// The tensors of one layer.
    struct Layer: Sendable {
        var inputNorm: Reference
        var query: Reference
        var queryBias: Reference?
        var key: Reference
        var keyBias: Reference?
        var value: Reference
        var valueBias: Reference?
        var output: Reference
        var outputBias: Reference?
        var postNorm: Reference
        var gate: Reference
        var up: Reference
        var down: Reference
    }

    private(set) var declarations: [TensorDeclaration] = []
    private(set) var layers: [Layer] = []
    let embedding: Reference
    let norm: Reference
    /// The output head; the embedding itself if they are tied.
    let head: Reference

    /// Declares the tensors.
    ///
    /// - Parameters:
    ///   - configuration: The sizes.
    ///   - checkpoint: The files, for the element types.
    /// - Throws: `SafetensorsError` for a tensor that is missing, has another shape, or a type that is not computed.
    init(_ configuration: LlamaConfiguration, checkpoint: Checkpoint) throws {
        var declarations: [TensorDeclaration] = []
        func declare(_ name: String, _ shape: Int...) throws -> Reference {
            let tensor = try checkpoint.tensor(named: name)
            guard tensor.shape == shape else {
                throw SafetensorsError(
                    file: checkpoint.folder,
                    tensor: name,
                    reason: "has shape \(tensor.shape), but config.json asks for \(shape)"
                )
            }
            let type: (podium_dtype, Int)
            switch tensor.type {
            case .f32: type = (PODIUM_F32, MLP_F32)
            case .bf16: type = (PODIUM_BF16, MLP_BF16)
            case .f16: type = (PODIUM_F16, MLP_F16)
            default:
                let fault = SafetensorsError(
                    file: checkpoint.folder,
                    tensor: name,
                    reason: "has dtype \(tensor.type); this plugin computes with F32, BF16 and F16 weights"
                )
                throw PluginError(.unsupported, fault.description)
            }
            declarations.append(TensorDeclaration(name: name, shape: shape.map(UInt64.init), dtype: Int32(type.1)))
            return Reference(index: declarations.count - 1, type: type.0)
        }
        /// Two tensors that one launch takes together, with one element type.
        func sameType(_ reference: Reference, as other: Reference) throws -> Reference {
            guard reference.type == other.type else {
                throw SafetensorsError(
                    file: checkpoint.folder,
                    tensor: declarations[reference.index].name,
                    reason: "and \(declarations[other.index].name) have different dtypes"
                )
            }
            return reference
        }

        let hidden = configuration.hidden
        let width = configuration.heads * configuration.headDimension
        let kvWidth = configuration.kvHeads * configuration.headDimension
        embedding = try declare("model.embed_tokens.weight", configuration.vocabulary, hidden)
        for layer in 0..<configuration.layers {
            let prefix = "model.layers.\(layer)."
            func bias(_ name: String, _ size: Int, of weight: Reference) throws -> Reference? {
                guard configuration.attentionBias else { return nil }
                return try sameType(try declare(prefix + name, size), as: weight)
            }
            let query = try declare(prefix + "self_attn.q_proj.weight", width, hidden)
            let key = try declare(prefix + "self_attn.k_proj.weight", kvWidth, hidden)
            let value = try declare(prefix + "self_attn.v_proj.weight", kvWidth, hidden)
            let output = try declare(prefix + "self_attn.o_proj.weight", hidden, width)
            let gate = try declare(prefix + "mlp.gate_proj.weight", configuration.intermediate, hidden)
            layers.append(
                Layer(
                    inputNorm: try declare(prefix + "input_layernorm.weight", hidden),
                    query: query,
                    queryBias: try bias("self_attn.q_proj.bias", width, of: query),
                    key: key,
                    keyBias: try bias("self_attn.k_proj.bias", kvWidth, of: key),
                    value: value,
                    valueBias: try bias("self_attn.v_proj.bias", kvWidth, of: value),
                    output: output,
                    outputBias: try bias("self_attn.o_proj.bias", hidden, of: output),
                    postNorm: try declare(prefix + "post_attention_layernorm.weight", hidden),
                    gate: gate,
                    up: try sameType(
                        try declare(prefix + "mlp.up_proj.weight", configuration.intermediate, hidden),
                        as: gate
                    ),
                    down: try declare(prefix + "mlp.down_proj.weight", hidden, configuration.intermediate)
                )
            )
        }
        norm = try declare("model.norm.weight", hidden)
        head = configuration.tiedHead ? embedding : try declare("lm_head.weight", configuration.vocabulary, hidden)
        self.declarations = declarations
    }
}
