import CPluginAPI
import Kernels
import PluginAPI
import TextGeneration

/// Llama's decoder: x += Attention(Norm(x)); x += MLP(Norm(x)); logits = Head(Norm(x)).
///
/// Weights are used where the host put them: plain ones and FP8 in the files' own layout, MXFP4 packed. Activations are
/// float32 between the products; what goes into a product is rounded as its layer says.
final class LlamaModel: CausalLanguageModel {
    let configuration: LlamaConfiguration
    let tensors: LlamaTensors
    private let weights: BoundWeights
    private let isMapped: Bool
    private var activations: Activations?

    /// A model over bound weights.
    ///
    /// - Parameters:
    ///   - configuration: The sizes.
    ///   - tensors: Where each tensor stands.
    ///   - bound: The addresses of the tensors that the host gave, in the order of the declaration.
    ///   - placed: Those of the placements.
    ///   - scalars: What was placed of the scales that stand alone.
    ///   - isMapped: Whether the tensors stand in mapped files, where the processor computes with them.
    /// - Throws: `PluginError` when one is missing.
    init(
        configuration: LlamaConfiguration,
        tensors: LlamaTensors,
        bound: UnsafeBufferPointer<mlp_bound>,
        placed: UnsafeBufferPointer<mlp_bound>,
        scalars: [Float],
        isMapped: Bool
    ) throws {
        self.configuration = configuration
        self.tensors = tensors
        self.isMapped = isMapped
        weights = try BoundWeights(tensors, bound: bound, placed: placed, scalars: scalars)
    }

    var geometry: ModelGeometry {
        var geometry = configuration.geometry
        geometry.mappedWeightBytes = isMapped ? weights.tensorByteCount : 0
        return geometry
    }

    /// Bytes of the weights, wherever they stand.
    var weightByteCount: Int { weights.tensorByteCount + weights.placedByteCount }

    func allocateActivations(in memory: DeviceMemory, rows: Int, logitRows: Int) throws {
        activations = try Activations(configuration, tensors, weights, in: memory, rows: rows, logitRows: logitRows)
    }

    func record(_ step: StepRecording) throws -> UnsafePointer<Float> {
        guard let activations else { throw PluginError(.invalidState, "record before allocateActivations") }
        try recordInputs(step, activations)
        let rows = LinearRecorder(
            step: step,
            weights: weights,
            activations: activations,
            live: step.liveRows,
            rows: step.maxRows
        )
        for (index, layer) in tensors.layers.enumerated() {
            try recordAttention(step, rows, layer, index)
            try recordMLP(rows, layer)
        }
        // Norm and head of the rows whose logits are wanted, and of no others.
        let logits = LinearRecorder(
            step: step,
            weights: weights,
            activations: activations,
            live: step.liveLogits,
            rows: step.maxLogitRows
        )
        var last = try logits.normed(
            tensors.norm,
            configuration,
            to: activations.lastNormed,
            picking: step.logitRows,
            for: [tensors.head]
        )
        try logits.product(activations.logits, &last, tensors.head)
        return UnsafePointer(activations.logits)
    }

    private func recordInputs(_ step: StepRecording, _ activations: Activations) throws {
        let rows = Int32(step.maxRows)
        try step.launch(
            PODIUM_EMBEDDING,
            podium_grid_embedding(step.backend, rows),
            .type(tensors.embedding.type),
            .pointer(activations.stream),
            .pointer(weights[tensors.embedding.location]),
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

    private func recordAttention(
        _ step: StepRecording,
        _ linear: LinearRecorder,
        _ layer: LlamaTensors.Layer,
        _ index: Int
    ) throws {
        let activations = linear.activations
        let query = activations.projections
        let key: UnsafeMutablePointer<Float>
        let value: UnsafeMutablePointer<Float>
        let stride: Int
        switch layer.attention {
        case .fused(let fused):
            stride = configuration.attentionWidth + 2 * configuration.kvWidth
            key = query + configuration.attentionWidth
            value = key + configuration.kvWidth
            var normed = try linear.normed(layer.inputNorm, configuration, to: activations.normed, for: [fused])
            try linear.product(query, &normed, fused)
        case .separate(let queryLayer, let keyLayer, let valueLayer):
            stride = 0
            key = query + activations.rows * configuration.attentionWidth
            value = key + activations.rows * configuration.kvWidth
            var normed = try linear.normed(
                layer.inputNorm,
                configuration,
                to: activations.normed,
                for: [queryLayer, keyLayer, valueLayer]
            )
            try linear.product(query, &normed, queryLayer)
            try linear.product(key, &normed, keyLayer)
            try linear.product(value, &normed, valueLayer)
        }
        let rows = Int32(step.maxRows)
        let scales = weights.cacheScales(tensors.cache, layer: index)
        try step.launch(
            PODIUM_ROPE_APPEND,
            podium_grid_rope_append(step.backend, rows),
            .type(step.cacheType.dtype),
            .pointer(query),
            .pointer(key),
            .pointer(value),
            .size(stride),
            .pointer(activations.cosines),
            .pointer(activations.sines),
            .pointer(step.slots),
            .pointer(step.positions),
            .pointer(step.pageTable),
            .pointer(step.keys(layer: index)),
            .pointer(step.values(layer: index)),
            .float(scales.key),
            .float(scales.value),
            .pointer(step.liveRows),
            .int(rows),
            .size(configuration.heads),
            .size(configuration.kvHeads),
            .size(configuration.headDimension),
            .size(step.pageSize),
            .size(step.maxPages)
        )
        let (heads, kvHeads) = (Int32(configuration.heads), Int32(configuration.kvHeads))
        let (pageSize, maxPages) = (Int32(step.pageSize), Int32(step.maxPages))
        try step.launch(
            PODIUM_PAGED_ATTENTION,
            podium_grid_paged_attention(step.backend, rows, heads, kvHeads, pageSize, maxPages),
            .type(step.cacheType.dtype),
            .pointer(activations.attended),
            .pointer(query),
            .size(stride),
            .pointer(step.keys(layer: index)),
            .pointer(step.values(layer: index)),
            .float(scales.key),
            .float(scales.value),
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
            .float(1 / Float(configuration.headDimension).squareRoot()),
            .pointer(step.attentionWorkspace)
        )
        let width = Int32(configuration.headDimension)
        let join = podium_grid_attention_join(step.backend, rows, heads, kvHeads, width, pageSize, maxPages)
        if join.blocks.0 > 0 {
            try step.launch(
                PODIUM_ATTENTION_JOIN,
                join,
                .type(step.cacheType.dtype),
                .pointer(activations.attended),
                .pointer(step.attentionWorkspace),
                .float(scales.value),
                .pointer(step.positions),
                .pointer(step.liveRows),
                .int(rows),
                .int(heads),
                .int(width),
                .int(pageSize * maxPages)
            )
        }
        var attended = LinearRecorder.Operand(values: activations.attended)
        try linear.product(activations.stream, &attended, layer.output, accumulate: true)
    }

    private func recordMLP(_ linear: LinearRecorder, _ layer: LlamaTensors.Layer) throws {
        let activations = linear.activations
        func normed(_ layers: LinearLayer...) throws -> LinearRecorder.Operand {
            try linear.normed(layer.postNorm, configuration, to: activations.normed, for: layers)
        }
        switch layer.gate {
        case .packed(let pair):
            var operand = try normed(pair)
            try linear.packedGate(activations.gated, &operand, pair)
        case .paired(let gate, let up) where weights.haveOneInput(gate, up):
            var operand = try normed(gate, up)
            try linear.gate(activations.gated, &operand, gate, up)
        case .paired(let gate, let up), .separate(let gate, let up):
            var operand = try normed(gate, up)
            try linear.product(activations.gated, &operand, gate)
            try linear.product(activations.up, &operand, up)
            try linear.siluGate(activations.gated, activations.up, width: configuration.intermediate)
        }
        var gated = LinearRecorder.Operand(values: activations.gated)
        try linear.product(activations.stream, &gated, layer.down, accumulate: true)
    }
}

extension KernelArgument {
    /// An element type.
    static func type(_ type: podium_dtype) -> KernelArgument { .int(Int32(bitPattern: type.rawValue)) }
}
