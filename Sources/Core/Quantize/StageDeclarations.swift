import CPluginAPI

/// The stages of "mlp.quantize/1" as declared, checked and copied.
struct StageDeclarations {
    /// A linear layer.
    struct Layer {
        let name: String
        /// Position of the weight among the stage's tensors.
        let weight: Int
        /// Layers with the same number have the same input rows.
        let input: Int
        let outputs: Int
        let inputs: Int
        let flags: UInt32

        var isExcluded: Bool { flags & UInt32(MLP_LAYER_EXCLUDED) != 0 }
        /// Whether its output goes into the KV cache.
        var isCached: Bool { flags & UInt32(MLP_LAYER_KEYS | MLP_LAYER_VALUES) != 0 }
        /// The module that the layer is a part of: `model.layers.0.self_attn`.
        var parent: Substring { name.lastIndex(of: ".").map { name[..<$0] } ?? "" }
    }

    /// A stage.
    struct Stage {
        let name: String
        /// Names in the checkpoint.
        let tensors: [String]
        let layers: [Layer]
    }

    let stages: [Stage]
    /// What begin() reads.
    let firstTensors: [String]

    /// Checks a table.
    ///
    /// - Parameters:
    ///   - table: The plugin's answer.
    ///   - library: Whose, for messages.
    /// - Throws: `PluginFault` that names stage and layer.
    init(_ table: UnsafePointer<mlp_quantize>, library: String) throws {
        func broken(_ reason: String) -> PluginFault {
            PluginFault(.contract, library: library, call: MLP_QUANTIZE, reason: reason)
        }
        func strings(_ list: UnsafePointer<UnsafePointer<CChar>?>?, _ count: UInt32, _ of: String) throws -> [String] {
            guard count == 0 || list != nil else { throw broken("\(of): \(count) tensors at NULL") }
            return try (0..<Int(count)).map { index in
                guard let name = list?[index] else { throw broken("\(of): tensor \(index) has no name") }
                return String(cString: name)
            }
        }
        let table = table.pointee
        guard table.stage_count == 0 || table.stages != nil else {
            throw broken("\(table.stage_count) stages at NULL")
        }
        firstTensors = try strings(table.first_tensors, table.first_tensor_count, "begin")
        var seen: Set<String> = []
        var stages: [Stage] = []
        for index in 0..<Int(table.stage_count) {
            guard let stage = table.stages?[index], let name = stage.name.map({ String(cString: $0) }) else {
                throw broken("stage \(index) has no name")
            }
            let tensors = try strings(stage.tensors, stage.tensor_count, name)
            guard stage.layer_count == 0 || stage.layers != nil else {
                throw broken("\(name): \(stage.layer_count) layers at NULL")
            }
            var layers: [Layer] = []
            var widths: [Int: Int] = [:]
            for position in 0..<Int(stage.layer_count) {
                guard let layer = stage.layers?[position], let title = layer.name.map({ String(cString: $0) }) else {
                    throw broken("\(name): layer \(position) has no name")
                }
                guard seen.insert(title).inserted else { throw broken("layer \(title) is declared twice") }
                guard Int(layer.weight) < tensors.count, tensors[Int(layer.weight)] == title + ".weight" else {
                    throw broken("layer \(title): tensor \(layer.weight) of \(name) is not \(title).weight")
                }
                guard (1...1 << 31).contains(layer.outputs), (1...1 << 31).contains(layer.inputs) else {
                    throw broken("layer \(title): a weight of \(layer.outputs) by \(layer.inputs)")
                }
                let known = UInt32(MLP_LAYER_EXCLUDED | MLP_LAYER_KEYS | MLP_LAYER_VALUES)
                guard layer.flags & ~known == 0 else { throw broken("layer \(title): unknown flags \(layer.flags)") }
                let width = widths[Int(layer.input)] ?? Int(layer.inputs)
                guard width == Int(layer.inputs) else {
                    throw broken("layer \(title): input \(layer.input) has \(width) values, and \(layer.inputs) here")
                }
                widths[Int(layer.input)] = width
                layers.append(
                    Layer(
                        name: title,
                        weight: Int(layer.weight),
                        input: Int(layer.input),
                        outputs: Int(layer.outputs),
                        inputs: Int(layer.inputs),
                        flags: layer.flags
                    )
                )
            }
            stages.append(Stage(name: name, tensors: tensors, layers: layers))
        }
        self.stages = stages
    }
}
