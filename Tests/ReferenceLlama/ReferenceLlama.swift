internal import JSON
internal import Numerics
private import Quantization

/// A Llama of a few layers in plain loops, to see what a quantised checkpoint means.
public struct ReferenceLlama {
    private let checkpoint: QuantizedCheckpoint
    /// Whether activations are quantised as each layer's scheme says, rather than weights alone.
    private let quantizesActivations: Bool
    private let hidden: Int
    private let layers: Int
    private let heads: Int
    private let keyHeads: Int
    private let headSize: Int
    private let epsilon: Double
    private let theta: Double

    /// Reads a checkpoint folder.
    public init(folder: String, quantizesActivations: Bool) throws {
        checkpoint = try QuantizedCheckpoint(folder: folder)
        self.quantizesActivations = quantizesActivations
        let config = JSONField(try JSON(contentsOfFile: folder + "/config.json"), at: folder)
        hidden = try config["hidden_size"].int()
        layers = try config["num_hidden_layers"].int()
        heads = try config["num_attention_heads"].int()
        keyHeads = try config["num_key_value_heads"].int()
        headSize = try config["head_dim"].int()
        epsilon = try config["rms_norm_eps"].double()
        theta = try (config["rope_parameters"].optional?["rope_theta"] ?? config["rope_theta"]).double()
    }

    /// The logits of each position.
    ///
    /// - Parameters:
    ///   - tokens: The sequence.
    ///   - observe: Sees the output rows of each linear layer.
    /// - Returns: A row of the vocabulary's width for each token.
    /// - Throws: What is wrong with the checkpoint.
    public func logits(
        _ tokens: [Int],
        observe: (_ layer: String, _ output: [Float]) -> Void = { _, _ in }
    ) throws -> [[Float]] {
        func linear(_ rows: [[Float]], _ name: String) throws -> [[Float]] {
            let result = try self.linear(rows, name)
            for row in result { observe(name, row) }
            return result
        }
        let embedding = try checkpoint.checkpoint.tensor(named: "model.embed_tokens.weight").floats()
        var x = tokens.map { Array(embedding[$0 * hidden..<($0 + 1) * hidden]) }
        let kvScales = quantizesActivations ? try KVCacheScales.read(checkpoint, layers: layers) : nil
        for layer in 0..<layers {
            let name = "model.layers.\(layer)"
            let normed = try x.map { try norm($0, "\(name).input_layernorm") }
            let q = try linear(normed, "\(name).self_attn.q_proj")
            var k = try linear(normed, "\(name).self_attn.k_proj")
            var v = try linear(normed, "\(name).self_attn.v_proj")
            if let scales = kvScales?.layers[layer] {
                k = k.map { fakeFP8($0, scales.key) }
                v = v.map { fakeFP8($0, scales.value) }
            }
            let mixed = attention(q.enumerated().map { rotate($1, $0) }, k.enumerated().map { rotate($1, $0) }, v)
            x = add(x, try linear(mixed, "\(name).self_attn.o_proj"))
            let second = try x.map { try norm($0, "\(name).post_attention_layernorm") }
            let gate = try linear(second, "\(name).mlp.gate_proj")
            let up = try linear(second, "\(name).mlp.up_proj")
            let inner = zip(gate, up).map { gate, up in
                zip(gate, up).map { g, u in Float(Double(g) / (1 + exponential(-Double(g))) * Double(u)) }
            }
            x = add(x, try linear(inner, "\(name).mlp.down_proj"))
        }
        return try linear(x.map { try norm($0, "model.norm") }, "lm_head")
    }

    private func linear(_ rows: [[Float]], _ name: String) throws -> [[Float]] {
        let layer = try checkpoint.linear(name)
        let weights = layer.dequantized()
        return rows.map { row in
            var row = row
            if quantizesActivations, let scheme = layer.scheme.input {
                if let scale = layer.inputScale {
                    row = fakeFP8(row, scale)
                } else {
                    let quantized = try? row.withUnsafeBufferPointer {
                        try scheme.quantize($0, rows: 1, columns: row.count)
                    }
                    row = quantized?.dequantized() ?? []
                }
            }
            var result = (0..<layer.outputs).map { output in
                var sum = 0.0
                for input in 0..<layer.inputs {
                    sum += Double(weights[output * layer.inputs + input]) * Double(row[input])
                }
                return Float(sum)
            }
            if quantizesActivations, let scale = layer.outputScale { result = fakeFP8(result, scale) }
            return result
        }
    }

    private func fakeFP8(_ values: [Float], _ scale: Float) -> [Float] {
        let codes = ElementType.f8e4m3.encode(values.map { $0 / scale }, overflow: .saturates)
        return codes.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: values.count) }.map { $0 * scale }
    }

    private func norm(_ values: [Float], _ name: String) throws -> [Float] {
        let weights = try checkpoint.checkpoint.tensor(named: name + ".weight").floats()
        let mean = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
        let factor = 1 / (mean + epsilon).squareRoot()
        return zip(values, weights).map { Float(Double($0) * factor) * $1 }
    }

    private func rotate(_ values: [Float], _ position: Int) -> [Float] {
        var result = values
        for start in stride(from: 0, to: values.count, by: headSize) {
            for i in 0..<headSize / 2 {
                let angle = Double(position) * power(theta, -2 * Double(i) / Double(headSize))
                let (a, b) = (Double(values[start + i]), Double(values[start + i + headSize / 2]))
                result[start + i] = Float(a * cosine(angle) - b * sine(angle))
                result[start + i + headSize / 2] = Float(b * cosine(angle) + a * sine(angle))
            }
        }
        return result
    }

    private func attention(_ q: [[Float]], _ k: [[Float]], _ v: [[Float]]) -> [[Float]] {
        q.indices.map { position in
            var result = [Float](repeating: 0, count: heads * headSize)
            for head in 0..<heads {
                let from = head * headSize
                let shared = head / (heads / keyHeads) * headSize
                var weights = (0...position).map { other in
                    (0..<headSize).reduce(0.0) { $0 + Double(q[position][from + $1]) * Double(k[other][shared + $1]) }
                        / Double(headSize).squareRoot()
                }
                let largest = weights.max() ?? 0
                weights = weights.map { exponential($0 - largest) }
                let sum = weights.reduce(0, +)
                for i in 0..<headSize {
                    result[from + i] = Float(
                        (0...position).reduce(0.0) { $0 + weights[$1] / sum * Double(v[$1][shared + i]) }
                    )
                }
            }
            return result
        }
    }

    private func add(_ a: [[Float]], _ b: [[Float]]) -> [[Float]] { zip(a, b).map { zip($0, $1).map { $0 + $1 } } }
}
