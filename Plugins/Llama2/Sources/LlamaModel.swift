import CPluginAPI
import Kernels
import PluginAPI
import TextGeneration

/// Llama's decoder: x += Attention(Norm(x)); x += MLP(Norm(x)); logits = Head(Norm(x)).
///
/// Weights are used where the host put them, in the files' own layout; activations are float32.
final class LlamaModel: CausalLanguageModel {
    private let configuration: LlamaConfiguration
    private let tensors: LlamaTensors
    private let weights: [UnsafeRawPointer]
    private let weightBytes: Int
    private var activations: Activations?

    /// What a step computes with, on the device; float32 `[rows, width]` each.
    private struct Activations {
        var stream: UnsafeMutablePointer<Float>
        var normed: UnsafeMutablePointer<Float>
        var query: UnsafeMutablePointer<Float>
        var key: UnsafeMutablePointer<Float>
        var value: UnsafeMutablePointer<Float>
        var attended: UnsafeMutablePointer<Float>
        var gated: UnsafeMutablePointer<Float>
        var cosines: UnsafeMutablePointer<Float>
        var sines: UnsafeMutablePointer<Float>
        var frequencies: UnsafeMutablePointer<Float>
        var lastNormed: UnsafeMutablePointer<Float>
        var logits: UnsafeMutablePointer<Float>
    }

    /// A model over bound weights.
    ///
    /// - Parameters:
    ///   - configuration: The sizes.
    ///   - tensors: Where each tensor stands.
    ///   - bound: The addresses that the host gave, in the order of the declaration.
    /// - Throws: `PluginError` when one is missing.
    init(
        configuration: LlamaConfiguration,
        tensors: LlamaTensors,
        bound: UnsafeBufferPointer<mlp_bound>
    ) throws {
        self.configuration = configuration
        self.tensors = tensors
        guard bound.count == tensors.declarations.count else {
            throw PluginError(
                .invalidArgument,
                "bind: \(bound.count) tensors for the \(tensors.declarations.count) declared"
            )
        }
        weights = try bound.indices.map { index in
            guard let data = bound[index].data else {
                throw PluginError(.invalidArgument, "bind: no memory for \(tensors.declarations[index].name)")
            }
            return UnsafeRawPointer(data)
        }
        weightBytes = bound.reduce(0) { $0 + Int(clamping: $1.size) }
    }

    var geometry: ModelGeometry {
        var geometry = configuration.geometry
        geometry.weightBytes = weightBytes
        return geometry
    }

    func allocateActivations(in memory: DeviceMemory, rows: Int, logitRows: Int) throws {
        func allocate(_ rows: Int, _ width: Int) throws -> UnsafeMutablePointer<Float> {
            try memory.allocate(
                Float.self,
                rows,
                width,
                purpose: "activations of \(rows) rows (model_config.prefill_chunk, max_batch)"
            )
        }
        let pairs = configuration.headDimension / 2
        let frequencies = try memory.allocatePinned(Float.self, pairs, purpose: "rotary frequencies")
        let values = rotaryFrequencies(
            headDimension: configuration.headDimension,
            base: configuration.ropeBase,
            scaling: configuration.ropeScaling
        )
        for (index, value) in values.enumerated() { frequencies[index] = value }
        activations = Activations(
            stream: try allocate(rows, configuration.hidden),
            normed: try allocate(rows, configuration.hidden),
            query: try allocate(rows, configuration.heads * configuration.headDimension),
            key: try allocate(rows, configuration.kvHeads * configuration.headDimension),
            value: try allocate(rows, configuration.kvHeads * configuration.headDimension),
            attended: try allocate(rows, configuration.heads * configuration.headDimension),
            gated: try allocate(rows, configuration.intermediate),
            cosines: try allocate(rows, pairs),
            sines: try allocate(rows, pairs),
            frequencies: frequencies,
            lastNormed: try allocate(logitRows, configuration.hidden),
            logits: try allocate(logitRows, configuration.vocabulary)
        )
    }

    func record(_ step: StepRecording) throws -> UnsafePointer<Float> {
        guard let activations else { throw PluginError(.invalidState, "record before allocateActivations") }
        try recordInputs(step, activations)
        for (index, layer) in tensors.layers.enumerated() {
            try recordAttention(step, activations, layer, index)
            try recordMLP(step, activations, layer)
        }
        try recordHead(step, activations)
        return UnsafePointer(activations.logits)
    }

    private func weight(_ reference: LlamaTensors.Reference?) -> KernelArgument {
        .pointer(reference.map { weights[$0.index] })
    }

    private func type(_ reference: LlamaTensors.Reference) -> KernelArgument {
        .int(Int32(bitPattern: reference.type.rawValue))
    }

    private func recordInputs(_ step: StepRecording, _ activations: Activations) throws {
        let rows = Int32(step.maxRows)
        try step.launch(
            PODIUM_EMBEDDING,
            podium_grid_embedding(step.backend, rows),
            type(tensors.embedding),
            .pointer(activations.stream),
            weight(tensors.embedding),
            .pointer(step.tokens),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.vocabulary),
            .size(configuration.hidden)
        )
        try step.launch(
            PODIUM_ROPE_TABLES,
            podium_grid_rope_tables(step.backend, rows),
            .pointer(activations.cosines),
            .pointer(activations.sines),
            .pointer(step.positions),
            .pointer(activations.frequencies),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.headDimension / 2),
            .float(1)
        )
    }

    private func recordNorm(
        _ step: StepRecording,
        _ weightReference: LlamaTensors.Reference,
        _ activations: Activations
    ) throws {
        let rows = Int32(step.maxRows)
        try step.launch(
            PODIUM_RMS_NORM,
            podium_grid_rms_norm(step.backend, rows),
            type(weightReference),
            .pointer(activations.normed),
            .pointer(activations.stream),
            weight(weightReference),
            .pointer(nil),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.hidden),
            .float(configuration.epsilon)
        )
    }

    /// y = x W^T + b, or y += x W^T + b.
    private func recordLinear(
        _ step: StepRecording,
        _ y: UnsafeMutablePointer<Float>,
        _ x: UnsafeMutablePointer<Float>,
        _ w: LlamaTensors.Reference,
        bias: LlamaTensors.Reference?,
        outputs: Int,
        inputs: Int,
        accumulate: Bool = false
    ) throws {
        let rows = Int32(step.maxRows)
        try step.launch(
            PODIUM_GEMM,
            podium_grid_gemm(step.backend, rows, Int32(outputs), Int32(inputs)),
            type(w),
            .pointer(y),
            .pointer(x),
            weight(w),
            .pointer(nil),
            weight(bias),
            bias.map { type($0) } ?? .int(0),
            .pointer(step.liveRows),
            .int(rows),
            .size(outputs),
            .size(inputs),
            .int(accumulate ? 1 : 0)
        )
    }

    private func recordAttention(
        _ step: StepRecording,
        _ activations: Activations,
        _ layer: LlamaTensors.Layer,
        _ index: Int
    ) throws {
        let rows = Int32(step.maxRows)
        let width = configuration.heads * configuration.headDimension
        let kvWidth = configuration.kvHeads * configuration.headDimension
        let cacheType = KernelArgument.int(Int32(bitPattern: step.cacheType.dtype.rawValue))
        try recordNorm(step, layer.inputNorm, activations)
        try recordLinear(
            step,
            activations.query,
            activations.normed,
            layer.query,
            bias: layer.queryBias,
            outputs: width,
            inputs: configuration.hidden
        )
        try recordLinear(
            step,
            activations.key,
            activations.normed,
            layer.key,
            bias: layer.keyBias,
            outputs: kvWidth,
            inputs: configuration.hidden
        )
        try recordLinear(
            step,
            activations.value,
            activations.normed,
            layer.value,
            bias: layer.valueBias,
            outputs: kvWidth,
            inputs: configuration.hidden
        )
        try step.launch(
            PODIUM_ROPE_APPEND,
            podium_grid_rope_append(step.backend, rows),
            cacheType,
            .pointer(activations.query),
            .pointer(activations.key),
            .pointer(activations.value),
            .int(0),
            .pointer(activations.cosines),
            .pointer(activations.sines),
            .pointer(step.slots),
            .pointer(step.positions),
            .pointer(step.pageTable),
            .pointer(step.keys(layer: index)),
            .pointer(step.values(layer: index)),
            .float(1),
            .float(1),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.heads),
            .size(configuration.kvHeads),
            .size(configuration.headDimension),
            .size(step.pageSize),
            .size(step.maxPages)
        )
        try step.launch(
            PODIUM_PAGED_ATTENTION,
            podium_grid_paged_attention(step.backend, rows, Int32(configuration.kvHeads)),
            cacheType,
            .pointer(activations.attended),
            .pointer(activations.query),
            .int(0),
            .pointer(step.keys(layer: index)),
            .pointer(step.values(layer: index)),
            .float(1),
            .float(1),
            .pointer(step.pageTable),
            .pointer(step.slots),
            .pointer(step.positions),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.heads),
            .size(configuration.kvHeads),
            .size(configuration.headDimension),
            .size(step.pageSize),
            .size(step.maxPages),
            .float(1 / Float(configuration.headDimension).squareRoot())
        )
        try recordLinear(
            step,
            activations.stream,
            activations.attended,
            layer.output,
            bias: layer.outputBias,
            outputs: configuration.hidden,
            inputs: width,
            accumulate: true
        )
    }

    private func recordMLP(_ step: StepRecording, _ activations: Activations, _ layer: LlamaTensors.Layer) throws {
        let rows = Int32(step.maxRows)
        try recordNorm(step, layer.postNorm, activations)
        try step.launch(
            PODIUM_GEMM_SILU_GATE,
            podium_grid_gemm_silu_gate(
                step.backend,
                rows,
                Int32(configuration.intermediate),
                Int32(configuration.hidden)
            ),
            type(layer.gate),
            .pointer(activations.gated),
            .pointer(activations.normed),
            weight(layer.gate),
            weight(layer.up),
            .pointer(nil),
            .pointer(nil),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.intermediate),
            .size(configuration.hidden)
        )
        try recordLinear(
            step,
            activations.stream,
            activations.gated,
            layer.down,
            bias: nil,
            outputs: configuration.hidden,
            inputs: configuration.intermediate,
            accumulate: true
        )
    }

    /// Norm and head of the rows whose logits are wanted, and of no others.
    private func recordHead(_ step: StepRecording, _ activations: Activations) throws {
        let rows = Int32(step.maxLogitRows)
        try step.launch(
            PODIUM_RMS_NORM,
            podium_grid_rms_norm(step.backend, rows),
            type(tensors.norm),
            .pointer(activations.lastNormed),
            .pointer(activations.stream),
            weight(tensors.norm),
            .pointer(step.logitRows),
            .pointer(step.liveLogits),
            .int(rows),
            .size(configuration.hidden),
            .float(configuration.epsilon)
        )
        try step.launch(
            PODIUM_GEMM,
            podium_grid_gemm(step.backend, rows, Int32(configuration.vocabulary), Int32(configuration.hidden)),
            type(tensors.head),
            .pointer(activations.logits),
            .pointer(activations.lastNormed),
            weight(tensors.head),
            .pointer(nil),
            .pointer(nil),
            .int(0),
            .pointer(step.liveLogits),
            .int(rows),
            .size(configuration.vocabulary),
            .size(configuration.hidden),
            .int(0)
        )
    }
}
