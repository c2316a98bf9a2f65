import CPluginAPI
import PluginAPI

/// The linear layers of a Llama checkpoint as stages for the quantiser: each decoder layer, then the head.
struct LlamaStages: Sendable {
    /// Where the tensors of a decoder layer stand in its stage.
    enum Tensor {
        static let inputNorm = 0
        static let query = 1
        static let key = 2
        static let value = 3
        static let output = 4
        static let postNorm = 5
        static let gate = 6
        static let up = 7
        static let down = 8
        /// The first bias; those of query, key, value and output follow each other.
        static let biases = 9
    }

    /// Where the linear layers stand in a decoder layer's stage.
    enum Layer {
        static let query = 0
        static let key = 1
        static let value = 2
        static let output = 3
        static let gate = 4
        static let up = 5
        static let down = 6
    }

    /// The stages, in the order of computation.
    let stages: [QuantizationStage]
    /// What the embedding is read from.
    let firstTensors = ["model.embed_tokens.weight"]

    /// The stages of a model of these sizes.
    init(_ configuration: LlamaConfiguration) {
        var stages = (0..<configuration.layers).map { Self.decoder($0, configuration) }
        if !configuration.tiedHead {
            stages.append(
                QuantizationStage(
                    name: "lm_head",
                    tensors: ["model.norm.weight", "lm_head.weight"],
                    layers: [
                        QuantizationStage.Layer(
                            name: "lm_head",
                            weight: 1,
                            input: 0,
                            outputs: UInt64(configuration.vocabulary),
                            inputs: UInt64(configuration.hidden),
                            flags: UInt32(MLP_LAYER_EXCLUDED)
                        )
                    ]
                )
            )
        }
        self.stages = stages
    }

    private static func decoder(_ index: Int, _ configuration: LlamaConfiguration) -> QuantizationStage {
        let prefix = "model.layers.\(index)"
        let hidden = UInt64(configuration.hidden)
        let width = UInt64(configuration.attentionWidth)
        let kvWidth = UInt64(configuration.kvWidth)
        let intermediate = UInt64(configuration.intermediate)
        var tensors = [
            "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
        ].map { "\(prefix).\($0).weight" }
        if configuration.attentionBias {
            tensors += ["q_proj", "k_proj", "v_proj", "o_proj"].map { "\(prefix).self_attn.\($0).bias" }
        }
        func layer(
            _ tensor: Int,
            input: UInt32,
            _ outputs: UInt64,
            _ inputs: UInt64,
            flags: Int = 0
        ) -> QuantizationStage.Layer {
            QuantizationStage.Layer(
                name: String(tensors[tensor].dropLast(".weight".count)),
                weight: UInt32(tensor),
                input: input,
                outputs: outputs,
                inputs: inputs,
                flags: UInt32(flags)
            )
        }
        return QuantizationStage(
            name: prefix,
            tensors: tensors,
            layers: [
                layer(Tensor.query, input: 0, width, hidden),
                layer(Tensor.key, input: 0, kvWidth, hidden, flags: MLP_LAYER_KEYS),
                layer(Tensor.value, input: 0, kvWidth, hidden, flags: MLP_LAYER_VALUES),
                layer(Tensor.output, input: 1, hidden, width),
                layer(Tensor.gate, input: 2, intermediate, hidden),
                layer(Tensor.up, input: 2, intermediate, hidden),
                layer(Tensor.down, input: 3, hidden, intermediate),
            ]
        )
    }
}
