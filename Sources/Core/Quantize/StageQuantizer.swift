import CPluginAPI
import Numerics
import Quantization

/// Takes the calibration samples through one stage and quantises its weights.
///
/// GPTQ goes input by input: the statistics of one input are collected with the weights before it quantised already, so
/// that no more than one Hessian is in memory, as Quark does. The scales of activations are those of the pass that makes
/// the next states: with GPTQ the quantised weights', without it the original ones', again as Quark.
struct StageQuantizer {
    let plan: QuantizationPlan
    let stage: Int
    let worker: LoadedInstance
    let states: CalibrationStates
    let method: QuantizeRequest.Method
    let gptq: GPTQ
    let pool: ThreadPool
    let progress: QuantizeProgress
    let output: String

    /// What a stage came to.
    struct Outcome {
        /// The weights that are quantised already; the others are rounded when they are written.
        var weights: [String: QuantizedTensor] = [:]
        /// The scales of activations, by layer.
        var scales: [String: QuarkCheckpointWriter.ActivationScales] = [:]
    }

    private var declared: StageDeclarations.Stage { plan.stages[stage] }
    private var isLast: Bool { stage == plan.stages.count - 1 }

    private func scheme(_ layer: StageDeclarations.Layer) -> QuantizationScheme? {
        plan.recipe.scheme(ofLayer: layer.name)
    }

    /// How many passes of every sample a stage takes.
    static func passes(_ plan: QuantizationPlan, stage: Int, _ method: QuantizeRequest.Method) -> Int {
        let inputs = Set(
            plan.stages[stage].layers.filter { plan.recipe.scheme(ofLayer: $0.name) != nil }.map(\.input)
        )
        return (method == .gptq ? inputs.count : 0) + (takesLastPass(plan, stage: stage) ? 1 : 0)
    }

    /// Whether the pass is taken that makes the next states and observes what static scales need.
    private static func takesLastPass(_ plan: QuantizationPlan, stage: Int) -> Bool {
        stage < plan.stages.count - 1
            || plan.stages[stage].layers.contains { layer in
                guard let scheme = plan.recipe.scheme(ofLayer: layer.name) else { return false }
                return scheme.storesInput || scheme.output != nil
            }
    }

    /// Does all of it; the states behind the stage are there afterwards, unless it is the last.
    func run() throws -> Outcome {
        let weights = try StageWeights(declared.tensors, of: plan.source)
        var outcome = Outcome()
        if method == .gptq {
            for input in Set(declared.layers.map(\.input)).sorted() {
                try quantize(input: input, weights, &outcome)
            }
        }
        outcome.scales = try advance(weights)
        return outcome
    }

    // MARK: GPTQ

    /// GPTQ for the layers that share an input.
    private func quantize(input: Int, _ weights: StageWeights, _ outcome: inout Outcome) throws {
        let positions = declared.layers.indices.filter {
            declared.layers[$0].input == input && scheme(declared.layers[$0]) != nil
        }
        guard let first = positions.first else { return }
        let size = declared.layers[first].inputs
        let hessian = Hessian(size: size)
        var wanted = [UInt8](repeating: 0, count: declared.layers.count)
        wanted[first] = UInt8(MLP_OBSERVE_INPUT)
        progress.enter("\(declared.layers[first].name): inputs for GPTQ", samples: states.sizes.count)
        try pass(weights, wanted, advances: false) { _, _, _, rows in
            try interruptible { try hessian.add(rows, parallel: $0) }
        }
        progress.enter("\(declared.layers[first].name): GPTQ", samples: 0)
        let factor = try QuantizeError.naming(.usage) {
            try interruptible { try gptq.factor(hessian, name: declared.layers[first].name, parallel: $0) }
        }
        for position in positions {
            let layer = declared.layers[position]
            guard let target = scheme(layer)?.weight else { continue }
            progress.enter("\(layer.name): GPTQ", samples: 0)
            try progress.checkInterrupt(output)
            let view = try plan.source.tensor(named: layer.name + ".weight")
            let result = try QuantizeError.naming(.usage) {
                try view.withFloats(pool) { values in
                    try interruptible { parallel in
                        try gptq.quantize(
                            values,
                            rows: layer.outputs,
                            columns: layer.inputs,
                            scheme: target,
                            factor: factor,
                            scaleType: plan.recipe.scaleType,
                            name: view.name,
                            parallel: parallel
                        )
                    }
                }
            }
            weights.replace(layer.weight, with: result, pool: pool)
            outcome.weights[layer.name] = result
        }
    }

    /// Computes on the pool until the end is asked for: what is left is then skipped, and what came out is not used.
    ///
    /// A factor of 28,672 inputs takes many minutes, too long to be waited for.
    private func interruptible<Result>(_ body: (_ parallel: ParallelFor) throws -> Result) throws -> Result {
        let parallel: ParallelFor = { count, run in
            pool.forEach(count) { index in
                if !progress.isEnding { run(index) }
            }
        }
        do {
            let result = try body(parallel)
            try progress.checkInterrupt(output)
            return result
        } catch {
            // Half a computation may fail in its own way.
            try progress.checkInterrupt(output)
            throw error
        }
    }

    // MARK: Passes

    /// The pass that makes the next states and observes what static scales need.
    private func advance(_ weights: StageWeights) throws -> [String: QuarkCheckpointWriter.ActivationScales] {
        let layers = declared.layers
        var wanted = [UInt8](repeating: 0, count: layers.count)
        // One layer stands for all that share its input.
        var standIns: [Int: Int] = [:]
        for (position, layer) in layers.enumerated() {
            guard let scheme = scheme(layer) else { continue }
            if scheme.storesInput, standIns[layer.input] == nil {
                standIns[layer.input] = position
                wanted[position] |= UInt8(MLP_OBSERVE_INPUT)
            }
            if scheme.output != nil { wanted[position] |= UInt8(MLP_OBSERVE_OUTPUT) }
        }
        var inputs = [AbsmaxObserver](repeating: AbsmaxObserver(), count: layers.count)
        var outputs = inputs
        if Self.takesLastPass(plan, stage: stage) {
            progress.enter("\(declared.name): activations", samples: states.sizes.count)
            try pass(weights, wanted, advances: !isLast) { _, layer, what, rows in
                if what == MLP_OBSERVE_INPUT { inputs[layer].observe(rows) } else { outputs[layer].observe(rows) }
            }
        }
        // Keys and values of one cache share a scale, as in Quark's export.
        if plan.recipe.kvCache != nil {
            for parent in Set(layers.filter(\.isCached).map(\.parent)) {
                let members = layers.indices.filter { layers[$0].isCached && layers[$0].parent == parent }
                var merged = AbsmaxObserver()
                for member in members { merged.observe(outputs[member]) }
                for member in members { outputs[member] = merged }
            }
        }
        var scales: [String: QuarkCheckpointWriter.ActivationScales] = [:]
        for (position, layer) in layers.enumerated() {
            guard let scheme = scheme(layer) else { continue }
            func scale(_ observer: AbsmaxObserver?, _ part: TensorScheme?) throws -> Float? {
                guard let part, !part.isDynamic, let observer else { return nil }
                return try QuantizeError.naming(.usage) {
                    try observer.scale(element: part.element, storedAs: plan.recipe.scaleType, name: layer.name)
                }
            }
            scales[layer.name] = .init(
                input: try scale(standIns[layer.input].map { inputs[$0] }, scheme.input),
                output: try scale(outputs[position], scheme.output)
            )
        }
        return scales
    }

    /// Takes every sample through the stage.
    private func pass(
        _ weights: StageWeights,
        _ wanted: [UInt8],
        advances: Bool,
        _ take: @escaping (_ sample: Int, _ layer: Int, _ what: Int, _ rows: UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let layers = declared.layers
        for sample in states.sizes.indices {
            try progress.checkInterrupt(output)
            try worker.advanceCalibration(
                stage: (stage, layers),
                before: states.before(stage: stage, sample: sample),
                after: advances ? states.before(stage: stage + 1, sample: sample) : nil,
                size: states.sizes[sample],
                tensors: weights.table,
                wanted: wanted
            ) { layer, what, rows in
                guard rows.largestMagnitude.isFinite else {
                    let side = what == MLP_OBSERVE_INPUT ? "what goes into" : "what comes out of"
                    throw QuantizeError(
                        "calibration sample \(sample): \(side) \(layers[layer].name) has infinities or NaN; "
                            + "check the model and this sample"
                    )
                }
                try take(sample, layer, what, rows)
            }
            progress.step()
        }
    }
}
