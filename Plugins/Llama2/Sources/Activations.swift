import Kernels
import TextGeneration

/// What a step computes with, on the device; float32 `[rows, width]` unless something else is said.
struct Activations {
    /// Rows of the largest step.
    let rows: Int
    let stream: UnsafeMutablePointer<Float>
    let normed: UnsafeMutablePointer<Float>
    /// Queries, keys and values: side by side in each row, or one matrix after the other.
    let projections: UnsafeMutablePointer<Float>
    let attended: UnsafeMutablePointer<Float>
    let gated: UnsafeMutablePointer<Float>
    /// The second half of a gate whose products are two launches.
    let up: UnsafeMutablePointer<Float>
    let cosines: UnsafeMutablePointer<Float>
    let sines: UnsafeMutablePointer<Float>
    let frequencies: UnsafeMutablePointer<Float>
    let lastNormed: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>
    /// An input rounded to FP8, as numbers or, in the first quarter, as codes.
    let rounded: UnsafeMutablePointer<Float>
    /// A product that is rounded before it is added to the stream.
    let branch: UnsafeMutablePointer<Float>
    /// int8: an input in blocks.
    let codes: UnsafeMutablePointer<Int8>
    /// float32 for each block.
    let scales: UnsafeMutablePointer<Float>
    /// int32 for each block.
    let offsets: UnsafeMutablePointer<Int32>

    /// Allocates what the layers need.
    ///
    /// - Throws: `PluginError` when memory is short.
    init(
        _ configuration: LlamaConfiguration,
        _ tensors: LlamaTensors,
        _ weights: BoundWeights,
        in memory: DeviceMemory,
        rows: Int,
        logitRows: Int
    ) throws {
        func allocate<Element>(_ type: Element.Type, _ rows: Int, _ width: Int) throws -> UnsafeMutablePointer<Element>
        {
            try memory.allocate(
                type,
                rows,
                width,
                purpose: "activations of \(rows) rows (model_config.prefill_chunk, max_batch)"
            )
        }
        func floats(_ rows: Int, _ width: Int) throws -> UnsafeMutablePointer<Float> {
            try allocate(Float.self, rows, width)
        }
        self.rows = rows
        let needs = Needs(tensors, weights)
        let pairs = configuration.headDimension / 2
        frequencies = try memory.allocatePinned(Float.self, pairs, purpose: "rotary frequencies")
        let values = rotaryFrequencies(
            headDimension: configuration.headDimension,
            base: configuration.ropeBase,
            scaling: configuration.ropeScaling
        )
        for (index, value) in values.enumerated() { frequencies[index] = value }
        stream = try floats(rows, configuration.hidden)
        normed = try floats(rows, configuration.hidden)
        projections = try floats(rows, configuration.attentionWidth + 2 * configuration.kvWidth)
        attended = try floats(rows, configuration.attentionWidth)
        gated = try floats(rows, configuration.intermediate)
        up = try floats(needs.isGateSeparate ? rows : 0, configuration.intermediate)
        cosines = try floats(rows, pairs)
        sines = try floats(rows, pairs)
        lastNormed = try floats(logitRows, configuration.hidden)
        logits = try floats(logitRows, configuration.vocabulary)
        let tallest = max(rows, logitRows)
        rounded = try floats(tallest, needs.rounded)
        branch = try floats(tallest, needs.branch)
        codes = try allocate(Int8.self, tallest, needs.blocks)
        scales = try floats(tallest, (needs.blocks + 31) / 32)
        offsets = try allocate(Int32.self, tallest, (needs.blocks + 31) / 32)
    }

    /// The widths of what only some layers need; 0 where none does.
    private struct Needs {
        var rounded = 0
        var branch = 0
        var blocks = 0
        var isGateSeparate = false

        init(_ tensors: LlamaTensors, _ weights: BoundWeights) {
            add(tensors.head)
            for layer in tensors.layers {
                add(layer.output)
                add(layer.down)
                for product in [layer.output, layer.down] where product.outputScale != nil {
                    branch = max(branch, product.outputs)
                }
                switch layer.attention {
                case .fused(let fused): add(fused)
                case .separate(let query, let key, let value):
                    add(query)
                    add(key)
                    add(value)
                }
                switch layer.gate {
                case .packed(let pair): add(pair)
                case .paired(let gate, let up):
                    add(gate)
                    add(up)
                    isGateSeparate = isGateSeparate || !weights.haveOneInput(gate, up)
                case .separate(let gate, let up):
                    add(gate)
                    add(up)
                    isGateSeparate = true
                }
            }
        }

        private mutating func add(_ layer: LinearLayer) {
            switch layer.input {
            case .asItIs: break
            case .fp8: rounded = max(rounded, layer.inputs)
            case .int8Blocks, .mxfp4Blocks: blocks = max(blocks, layer.inputs)
            }
        }
    }
}
