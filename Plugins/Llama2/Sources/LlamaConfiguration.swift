import JSON
import PluginAPI
import Quantization
import TextGeneration

/// The sizes and switches of a Llama checkpoint, read from its config.json and checked.
///
/// Keys are those of Hugging Face's `LlamaConfig`; both the older ones (`rope_theta`, `rope_scaling`) and the newer
/// (`rope_parameters`) are understood.
struct LlamaConfiguration: Sendable {
    var hidden: Int
    var layers: Int
    var heads: Int
    var kvHeads: Int
    var headDimension: Int
    var intermediate: Int
    var vocabulary: Int
    var context: Int
    var epsilon: Float
    var ropeBase: Double
    var ropeScaling: RotaryScaling
    var tiedHead: Bool
    var attentionBias: Bool
    /// Tokens that end a text; empty if the checkpoint names none.
    var endTokens: [Int32]
    /// How the linear layers are quantised; nil if they are not.
    var quantization: QuantizationConfiguration?

    /// Reads config.json and, for the end tokens, generation_config.json where there is one.
    ///
    /// - Parameter folder: The checkpoint.
    /// - Throws: `JSONError` that names file and field.
    init(folder: String) throws {
        let config = JSONField(
            try JSON(contentsOfFile: folder + "/config.json"),
            at: folder + "/config.json"
        )
        try self.init(config)
        let generationPath = folder + "/generation_config.json"
        if FileSystem.exists(generationPath) {
            let generation = JSONField(try JSON(contentsOfFile: generationPath), at: generationPath)
            if let named = try generation["eos_token_id"].optional {
                endTokens = try Self.endTokens(named, vocabulary: vocabulary)
            }
        }
    }

    /// Reads the fields of a config.json.
    init(_ config: JSONField) throws {
        try Self.require(config["model_type"], oneOf: ["llama"])
        try Self.require(config["hidden_act"], oneOf: ["silu", "swish"])
        quantization = try QuantizationConfiguration.read(config)
        hidden = try config["hidden_size"].int(in: 1...1 << 20)
        layers = try config["num_hidden_layers"].int(in: 1...4096)
        heads = try config["num_attention_heads"].int(in: 1...1 << 14)
        kvHeads = try config["num_key_value_heads"].optional?.int(in: 1...1 << 14) ?? heads
        guard heads % kvHeads == 0 else {
            throw config["num_key_value_heads"].error(
                "expected a divisor of the \(heads) attention heads, found \(kvHeads)"
            )
        }
        if let given = try config["head_dim"].optional {
            headDimension = try given.int(in: 2...4096)
        } else {
            guard hidden % heads == 0 else {
                throw config["num_attention_heads"].error(
                    "expected a divisor of hidden_size \(hidden), found \(heads); or give head_dim"
                )
            }
            headDimension = hidden / heads
        }
        guard headDimension % 2 == 0, headDimension <= 4096 else {
            throw config["head_dim"].error("expected an even size of at most 4096, found \(headDimension)")
        }
        guard heads * headDimension <= 1 << 20 else {
            throw config["num_attention_heads"].error(
                "\(heads) heads of \(headDimension) are more than this plugin computes"
            )
        }
        intermediate = try config["intermediate_size"].int(in: 1...1 << 22)
        vocabulary = try config["vocab_size"].int(in: 1...1 << 24)
        context = try config["max_position_embeddings"].int(in: 2...1 << 24)
        let epsilon = try config["rms_norm_eps"].double()
        guard epsilon >= 0, epsilon < 1 else {
            throw config["rms_norm_eps"].error(expected: "a number from 0 to below 1")
        }
        self.epsilon = Float(epsilon)
        tiedHead = try config["tie_word_embeddings"].optional?.bool() ?? false
        attentionBias = try config["attention_bias"].optional?.bool() ?? false
        if let bias = try config["mlp_bias"].optional, try bias.bool() {
            throw Self.unsupported(bias, "biases in the MLP are not computed")
        }
        if let share = try config["partial_rotary_factor"].optional, try share.double() != 1 {
            throw Self.unsupported(share, "expected 1: every element of a head is rotated")
        }
        (ropeBase, ropeScaling) = try Self.rotary(config)
        let end = try config["eos_token_id"].optional
        endTokens = if let end { try Self.endTokens(end, vocabulary: vocabulary) } else { [] }
    }

    /// A valid wish that this plugin cannot fulfil, with the field that makes it.
    private static func unsupported(_ field: JSONField, _ reason: String) -> PluginError {
        PluginError(.unsupported, field.error(reason).description)
    }

    /// Checks a field that may be absent against the only words that are understood.
    private static func require(_ field: JSONField, oneOf words: [String]) throws {
        guard let given = try field.optional else { return }
        let word = try given.string()
        guard words.contains(word) else {
            throw unsupported(given, "expected \(words.joined(separator: " or ")), found \"\(word)\"")
        }
    }

    private static func rotary(_ config: JSONField) throws -> (Double, RotaryScaling) {
        let parameters = try config["rope_parameters"].optional
        let scaling = try parameters ?? config["rope_scaling"].optional
        let baseField = try parameters?["rope_theta"].optional ?? config["rope_theta"].optional
        let base = try baseField?.double() ?? 10000
        if let baseField, !(base > 1 && base <= 1e12) {
            throw baseField.error(expected: "a number above 1 and up to 1e12")
        }
        guard let scaling else { return (base, .none) }
        let typeField = try scaling["rope_type"].optional ?? scaling["type"].optional
        guard let typeField else { return (base, .none) }
        func factor(_ key: String) throws -> Double {
            let value = try scaling[key].double()
            guard value > 0, value <= 1e9 else { throw scaling[key].error(expected: "a number above 0 and up to 1e9") }
            return value
        }
        switch try typeField.string() {
        case "default":
            return (base, .none)
        case "linear":
            return (base, .linear(factor: try factor("factor")))
        case "llama3":
            let low = try factor("low_freq_factor")
            let high = try factor("high_freq_factor")
            guard high > low else {
                throw scaling["high_freq_factor"].error("expected more than low_freq_factor \(low), found \(high)")
            }
            return (
                base,
                .llama3(
                    factor: try factor("factor"),
                    lowFrequencyFactor: low,
                    highFrequencyFactor: high,
                    originalContext: try scaling["original_max_position_embeddings"].int(in: 1...1 << 24)
                )
            )
        case let type:
            throw Self.unsupported(typeField, "expected \"default\", \"linear\" or \"llama3\", found \"\(type)\"")
        }
    }

    /// One id or a list of ids.
    private static func endTokens(_ field: JSONField, vocabulary: Int) throws -> [Int32] {
        func token(_ field: JSONField) throws -> Int32 { Int32(try field.int(in: 0...(vocabulary - 1))) }
        if case .array = try field.value {
            let fields = try field.array()
            guard fields.count <= 1024 else { throw field.error("expected at most 1024 ids, found \(fields.count)") }
            return try fields.map(token)
        }
        return [try token(field)]
    }

    /// Width of the queries.
    var attentionWidth: Int { heads * headDimension }
    /// Width of the keys, and of the values.
    var kvWidth: Int { kvHeads * headDimension }

    /// What the engine needs to know.
    var geometry: ModelGeometry {
        ModelGeometry(
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDimension: headDimension,
            vocabulary: vocabulary,
            context: context
        )
    }
}
