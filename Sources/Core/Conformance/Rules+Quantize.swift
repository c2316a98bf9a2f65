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
            try head.load([0])
            guard let payload = head.payload(0)?.payload else { throw Breach("sample 0 was not loaded") }
            let rehearsal = try CalibrationRehearsal(probe, worker, declared, payload)
            let first = try rehearsal.begin()
            try demand(try rehearsal.begin() == first, "begin: two states of one sample differ")
            let once = try rehearsal.advance(first, wanted: { _ in true }, advances: true)
            let twice = try rehearsal.advance(first, wanted: { _ in true }, advances: true)
            try demand(once.after == twice.after, "advance: two states behind one differ")
            try demand(once.rows == twice.rows, "advance: the rows of a layer differ from call to call")
            let last = declared.stages[0].layers.count - 1
            let alone = try rehearsal.advance(first, wanted: { $0 == last }, advances: false)
            try demand(
                alone.rows[last] == once.rows[last],
                "advance: the rows of \(declared.stages[0].layers[last].name) differ where nothing else is wanted"
            )
            try head.unload([0])
            try head.destroy()
            try worker.destroy()
            return .pass
        },
    ]

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

/// One sample before the first stage and through it, with guards around what the plugin writes.
private struct CalibrationRehearsal {
    private let worker: LoadedInstance
    private let declared: StageDeclarations
    private let payload: mlp_bytes
    private let size: Int
    private let first: Tensors
    private let stage: Tensors

    init(
        _ probe: ConformanceProbe,
        _ worker: LoadedInstance,
        _ declared: StageDeclarations,
        _ payload: mlp_bytes
    ) throws {
        self.worker = worker
        self.declared = declared
        self.payload = payload
        size = try worker.calibrationStateSize(payload)
        let model = try probe.request().model
        first = try Tensors(declared.firstTensors, layers: [], model: model)
        stage = try Tensors(declared.stages[0].tensors, layers: declared.stages[0].layers, model: model)
    }

    /// The state before the first stage.
    func begin() throws -> [UInt8] {
        try guarded("begin") { try worker.beginCalibration(payload, tensors: first.table, into: $0) }
    }

    /// The state behind the first stage, and the inputs that were wanted.
    func advance(
        _ state: [UInt8],
        wanted: (Int) -> Bool,
        advances: Bool
    ) throws -> (after: [UInt8], rows: [Int: [UInt8]]) {
        let layers = declared.stages[0].layers
        var rows: [Int: [UInt8]] = [:]
        let after = try state.withUnsafeBytes { before in
            try guarded("advance") { after in
                guard let before = before.baseAddress else { return }
                try worker.advanceCalibration(
                    stage: (0, layers),
                    before: before,
                    after: advances ? after : nil,
                    size: size,
                    tensors: stage.table,
                    wanted: layers.indices.map { wanted($0) ? UInt8(MLP_OBSERVE_INPUT) : 0 }
                ) { layer, _, values in
                    rows[layer] = Array(UnsafeRawBufferPointer(values))
                }
            }
        }
        return (advances ? after : [], rows)
    }

    /// Runs `body` on memory for a state with a guard behind it.
    private func guarded(_ call: String, _ body: (UnsafeMutableRawPointer) throws -> Void) throws -> [UInt8] {
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
    private final class Tensors {
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
}
