import CPluginAPI
import Numerics

extension ConformanceRule {
    static let quantisation: [ConformanceRule] = [
        ConformanceRule(
            "MLP-Q01",
            "Stages are whole: names, weights, inputs, flags; and the checkpoint has their tensors.",
            roles: ["worker"]
        ) { probe in
            let (instance, declared) = try stages(probe)
            if let model = try probe.request().model {
                let checkpoint = try Checkpoint(folder: model)
                for name in declared.firstTensors + declared.stages.flatMap(\.tensors) {
                    _ = try checkpoint.tensor(named: name)
                }
                for layer in declared.stages.flatMap(\.layers) {
                    let shape = try checkpoint.tensor(named: layer.name + ".weight").shape
                    try demand(
                        shape == [layer.outputs, layer.inputs],
                        "\(layer.name): [\(layer.outputs), \(layer.inputs)] is declared, the checkpoint has \(shape)"
                    )
                }
            }
            try instance.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-Q02",
            "A calibration sample gives what is wanted of each layer, and the same bits every time.",
            roles: ["worker"],
            timeLimit: 300
        ) { probe in
            let (worker, declared) = try stages(probe)
            let head = try probe.readyInstance(role: "head")
            // Another sample, of other numbers and as a rule of another size, comes between the calls that are compared.
            let indices = Array(0..<min(2, try head.datasetSize().performance))
            try head.load(indices)
            let payloads = try indices.map { index in
                guard let payload = head.payload(index)?.payload else { throw Breach("sample \(index) was not loaded") }
                return payload
            }
            let rehearsal = try CalibrationRehearsal(probe, worker, declared)
            var states = try payloads.map { try rehearsal.begin($0) }
            for (state, payload) in zip(states, payloads) {
                try demand(try rehearsal.begin(payload) == state, "begin: two states of one sample differ")
            }
            for stage in declared.stages.indices {
                let stageRehearsal = try rehearsal.stage(stage)
                // In between, the stages of a model are alike.
                if stage == 0 || stage == declared.stages.count - 1 { try check(stageRehearsal, states) }
                if stage < declared.stages.count - 1 {
                    states = try states.map { try stageRehearsal.advance($0, wanted: { _ in 0 }, advances: true).after }
                }
            }
            try head.unload(indices)
            try head.destroy()
            try worker.destroy()
            return .pass
        },
    ]

    /// Takes states through a stage, with everything wanted and with one thing alone.
    private static func check(_ stage: StageRehearsal, _ states: [[UInt8]]) throws {
        let (input, output) = (UInt8(MLP_OBSERVE_INPUT), UInt8(MLP_OBSERVE_OUTPUT))
        let first = try states.map { try stage.advance($0, wanted: { _ in input | output }, advances: true) }
        for (state, once) in zip(states, first) {
            let again = try stage.advance(state, wanted: { _ in input | output }, advances: true)
            try demand(again.after == once.after, "advance: two states behind \(stage.name) differ")
            try demand(
                again.rows == once.rows,
                "advance: the rows of a layer of \(stage.name) differ from call to call"
            )
            guard let last = stage.layers.indices.last else { continue }
            for what in [input, output] {
                let alone = try stage.advance(state, wanted: { $0 == last ? what : 0 }, advances: false)
                let key = [last, Int(what)]
                try demand(
                    alone.rows[key] == once.rows[key],
                    "advance: the rows of \(stage.layers[last].name) differ where nothing else is wanted"
                )
            }
        }
    }

    /// An instance in state created, and its stages.
    private static func stages(_ probe: ConformanceProbe) throws -> (LoadedInstance, StageDeclarations) {
        let instance = try probe.instance()
        guard let table = instance.tables.quantize else {
            throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_QUANTIZE)")
        }
        let declared = try StageDeclarations(table, library: instance.library)
        guard let first = declared.stages.first, !first.layers.isEmpty else {
            throw ConformanceProbe.Skip(reason: "it names no stage for this checkpoint")
        }
        return (instance, declared)
    }
}

/// Samples before the first stage.
private struct CalibrationRehearsal {
    private let worker: LoadedInstance
    private let declared: StageDeclarations
    private let model: String?
    private let first: RehearsalTensors

    init(_ probe: ConformanceProbe, _ worker: LoadedInstance, _ declared: StageDeclarations) throws {
        self.worker = worker
        self.declared = declared
        model = try probe.request().model
        first = try RehearsalTensors(declared.firstTensors, layers: [], model: model)
    }

    /// The state before the first stage.
    func begin(_ payload: mlp_bytes) throws -> [UInt8] {
        try guarded("begin", size: try worker.calibrationStateSize(payload)) {
            try worker.beginCalibration(payload, tensors: first.table, into: $0)
        }
    }

    /// A stage with its tensors.
    func stage(_ index: Int) throws -> StageRehearsal {
        let stage = declared.stages[index]
        return StageRehearsal(
            worker: worker,
            index: index,
            name: stage.name,
            layers: stage.layers,
            tensors: try RehearsalTensors(stage.tensors, layers: stage.layers, model: model)
        )
    }
}

/// One stage and what it needs.
private struct StageRehearsal {
    let worker: LoadedInstance
    let index: Int
    let name: String
    let layers: [StageDeclarations.Layer]
    let tensors: RehearsalTensors

    /// The state behind the stage, and what was wanted, by layer and MLP_OBSERVE_...
    func advance(
        _ state: [UInt8],
        wanted: (Int) -> UInt8,
        advances: Bool
    ) throws -> (after: [UInt8], rows: [[Int]: [UInt8]]) {
        var rows: [[Int]: [UInt8]] = [:]
        let after = try state.withUnsafeBytes { before in
            try guarded("advance", size: state.count) { after in
                guard let before = before.baseAddress else { return }
                try worker.advanceCalibration(
                    stage: (index, layers),
                    before: before,
                    after: advances ? after : nil,
                    size: state.count,
                    tensors: tensors.table,
                    wanted: layers.indices.map { wanted($0) }
                ) { layer, what, values in
                    rows[[layer, what]] = Array(UnsafeRawBufferPointer(values))
                }
            }
        }
        return (advances ? after : [], rows)
    }
}

/// Runs `body` on memory for a state with a guard behind it.
private func guarded(_ call: String, size: Int, _ body: (UnsafeMutableRawPointer) throws -> Void) throws -> [UInt8] {
    let slack = 4096
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size + slack, alignment: 64)
    defer { memory.deallocate() }
    guard let start = memory.baseAddress else { return [] }
    memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
    try body(start)
    try demand(memory[size...].allSatisfy { $0 == 0xA5 }, "\(call): wrote past the state's \(size) bytes")
    return Array(memory[..<size])
}

/// Tensors from the model, or zeros where there is none.
private final class RehearsalTensors {
    let table: [mlp_quantize_tensor]
    private let weights: StageWeights?
    private let zeros: [UnsafeMutableRawPointer]

    init(_ names: [String], layers: [StageDeclarations.Layer], model: String?) throws {
        if let model {
            let weights = try StageWeights(names, of: try Checkpoint(folder: model))
            (self.weights, zeros, table) = (weights, [], weights.table)
            return
        }
        let sizes = try names.indices.map { index in
            guard let layer = layers.first(where: { $0.weight == index }) else {
                throw ConformanceProbe.Skip(reason: "needs a model: \(names[index])")
            }
            return layer.outputs * layer.inputs * MemoryLayout<Float>.stride
        }
        let zeros = sizes.map { size in
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            return memory
        }
        (weights, self.zeros) = (nil, zeros)
        table = zip(zeros, sizes).map {
            mlp_quantize_tensor(data: $0, size: UInt64($1), dtype: Int32(MLP_F32), reserved: 0)
        }
    }

    deinit { for memory in zeros { memory.deallocate() } }
}
