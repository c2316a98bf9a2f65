import JSON
import Kernels
import Numerics
import Testing

/// Checkpoints that say the same thing in other words compute the same tokens.
@Suite struct ConfigurationVariantTests {
    @Test(arguments: GoldenCheckpoint.own)
    func newAndOldKeysAgree(_ golden: GoldenCheckpoint) throws {
        let prompt = try golden.prompts[2]
        let config = JSONField(try JSON(contentsOfFile: golden.folder + "/config.json"), at: "config.json")
        var parameters: JSONObject = ["rope_theta": .number(try config["rope_theta"].double())]
        if let scaling = try config["rope_scaling"].optional {
            for (key, value) in try scaling.object() { parameters.updateValue(value, forKey: key) }
        } else {
            parameters.updateValue("default", forKey: "rope_type")
        }
        let renamed = try ScratchCheckpoint(of: golden.folder)
        try renamed.edit(
            "config.json",
            [("rope_theta", nil), ("rope_scaling", nil), ("rope_parameters", .object(parameters))]
        )
        #expect(try generate([prompt.ids], model: renamed.folder)[0].tokens == prompt.greedy)

        let derived = try ScratchCheckpoint(of: golden.folder, leaving: ["generation_config.json"])
        try derived.edit("config.json", [("head_dim", nil), ("attention_bias", nil), ("tie_word_embeddings", nil)])
        #expect(try generate([prompt.ids], model: derived.folder)[0].tokens == prompt.greedy)
    }

    /// Linear scaling by s at position p is no scaling at position p / s, so a frequency is exactly 1/s of what it was.
    @Test(arguments: GoldenCheckpoint.own)
    func linearScaling(_ golden: GoldenCheckpoint) throws {
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("config.json", [("rope_scaling", ["type": "linear", "factor": 2.0])])
        let plain = try ScratchCheckpoint(of: golden.folder)
        try plain.edit("config.json", [("rope_scaling", .null)])
        func frequencies(_ folder: String) throws -> [Float] {
            let host = TestHost()
            var found: [Float] = []
            host.tap = { kernel, arguments in
                guard kernel == PODIUM_ROPE_TABLES else { return }
                found = Array(UnsafeBufferPointer(start: arguments.floats(3), count: Int(arguments.int(6))))
            }
            _ = try generate([[1]], model: folder, host: host, options: [("max_new_tokens", 1)])
            return found
        }
        #expect(try frequencies(copy.folder) == frequencies(plain.folder).map { $0 / 2 })
    }

    /// A tied head is the embedding: the same as a checkpoint whose lm_head holds a copy of it.
    @Test func tiedHead() throws {
        let golden = try #require(GoldenCheckpoint.own.first { FileSystemProbe.has("\($0.folder)/model.safetensors") })
        let file = try SafetensorsFile(path: golden.folder + "/model.safetensors")
        let embedding = try file.tensor(named: "model.embed_tokens.weight")
        func write(_ copy: ScratchCheckpoint, _ keep: (TensorView) -> [UInt8]?) throws {
            try copy.write(
                "model.safetensors",
                safetensors(file.tensors.compactMap { view in keep(view).map { (view, $0) } })
            )
        }
        let copied = try ScratchCheckpoint(of: golden.folder)
        try write(copied) { Array($0.name == "lm_head.weight" ? embedding.bytes : $0.bytes) }
        let tied = try ScratchCheckpoint(of: golden.folder)
        try write(tied) { $0.name == "lm_head.weight" ? nil : Array($0.bytes) }
        try tied.edit("config.json", [("tie_word_embeddings", true)])
        let prompts = try golden.prompts.map(\.ids)
        let expected = try generate(prompts, model: copied.folder).map(\.tokens)
        let host = TestHost()
        #expect(try generate(prompts, model: tied.folder, host: host).map(\.tokens) == expected)
        let config = JSONField(try JSON(contentsOfFile: tied.folder + "/config.json"), at: "config.json")
        let layers = try config["num_hidden_layers"].int()
        let products = 7 * layers + 1
        #expect(host.allMessages.contains { $0.contains(" \(products) linear layers ") }, "\(host.allMessages)")
        #expect(try generate(prompts, model: golden.folder).map(\.tokens) != expected)
    }

    /// Float16 weights, in all tensors or beside float32, give the logits of the same values in float32, to the bit.
    @Test(arguments: GoldenCheckpoint.own.filter { FileSystemProbe.has("\($0.folder)/model.safetensors") })
    func float16(_ golden: GoldenCheckpoint) throws {
        let file = try SafetensorsFile(path: golden.folder + "/model.safetensors")
        let prompts = try golden.prompts.map(\.ids)
        func logits(isHalf: (String) -> Bool) throws -> [UInt32] {
            let tensors = try file.tensors.map { view in
                let half = ElementType.f16.encode(try view.floats())
                if isHalf(view.name) { return (view.name, ElementType.f16, view.shape, half) }
                let rounded = half.withUnsafeBytes { ElementType.f16.decode($0, count: half.count / 2) }
                return (view.name, .f32, view.shape, ElementType.f32.encode(rounded))
            }
            let copy = try ScratchCheckpoint(of: golden.folder)
            try copy.write("model.safetensors", safetensors(tensors))
            let host = TestHost()
            var bits: [UInt32] = []
            host.tap = { kernel, arguments in
                guard kernel == PODIUM_ARGMAX else { return }
                let count = Int(arguments.ints(2)![0]) * Int(arguments.int(4))
                bits += UnsafeBufferPointer(start: arguments.floats(1), count: count).map(\.bitPattern)
            }
            _ = try generate(prompts, model: copy.folder, host: host, options: [("max_batch", 1)])
            return bits
        }
        let expected = try logits { _ in false }
        #expect(!expected.isEmpty)
        let sameInHalf = try logits { _ in true } == expected
        #expect(sameInHalf, "all tensors in float16")
        let sameMixed = try logits { !$0.contains("norm") && !$0.contains("q_proj") } == expected
        #expect(sameMixed, "some tensors in float16")
    }

    /// Zero biases change nothing; a bias on v that is not zero changes the tokens; and both run.
    @Test func attentionBias() throws {
        let golden = try #require(GoldenCheckpoint.own.first { FileSystemProbe.has("\($0.folder)/model.safetensors") })
        let file = try SafetensorsFile(path: golden.folder + "/model.safetensors")
        let prompts = try golden.prompts.map(\.ids)
        func tokens(valueBias: Float) throws -> [[Int32]] {
            var tensors = file.tensors.map { ($0.name, $0.type, $0.shape, Array($0.bytes)) }
            for view in file.tensors where view.name.contains("self_attn") {
                let name = view.name.replacing("weight", with: "bias")
                let value = view.name.contains("v_proj") ? valueBias : 0
                let size = view.shape[0]
                let bytes =
                    view.type == .f32
                    ? (0..<size).flatMap { _ in withUnsafeBytes(of: value) { Array($0) } }
                    : (0..<size).flatMap { _ in withUnsafeBytes(of: value) { Array($0[2...]) } }
                tensors.append((name, view.type, [size], bytes))
            }
            let copy = try ScratchCheckpoint(of: golden.folder)
            try copy.write("model.safetensors", safetensors(tensors))
            try copy.edit("config.json", [("attention_bias", true)])
            return try generate(prompts, model: copy.folder).map(\.tokens)
        }
        let greedy = try golden.prompts.map(\.greedy)
        #expect(try tokens(valueBias: 0) == greedy)
        #expect(try tokens(valueBias: 4) != greedy)
    }
}

/// A safetensors file of tensors and their bytes.
func safetensors(_ tensors: [(TensorView, [UInt8])]) -> [UInt8] {
    safetensors(tensors.map { ($0.0.name, $0.0.type, $0.0.shape, $0.1) })
}

func safetensors(_ tensors: [(String, ElementType, [Int], [UInt8])]) -> [UInt8] {
    var header = JSONObject()
    var data: [UInt8] = []
    for (name, type, shape, bytes) in tensors {
        header.updateValue(
            [
                "dtype": .string(type.rawValue), "shape": .array(shape.map { JSON($0) }),
                "data_offsets": [JSON(data.count), JSON(data.count + bytes.count)],
            ],
            forKey: name
        )
        data += bytes
    }
    let text = Array(JSON.object(header).text().utf8)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data
}
