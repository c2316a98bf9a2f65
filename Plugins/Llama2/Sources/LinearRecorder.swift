import CPluginAPI
import Kernels
import TextGeneration

/// Launches norms and linear layers for some rows of a step, and what rounding their inputs and outputs takes.
struct LinearRecorder {
    let step: StepRecording
    let weights: BoundWeights
    let activations: Activations
    /// int32 `[1]`: the rows that count.
    let live: UnsafePointer<Int32>
    /// Rows of the bucket.
    let rows: Int

    /// An input of products, and the rounded form of it that was made last.
    struct Operand {
        /// float32 `[rows, inputs]`; nil if it was never stored as such.
        var values: UnsafeMutablePointer<Float>?
        /// The scale of the FP8 form in `activations.rounded`, as numbers.
        var roundedScale: Float?
        /// That of the codes there.
        var codesScale: Float?
        /// What `activations.codes`, `scales` and `offsets` hold.
        var blocks: LinearLayer.Input?

        /// An input that is not rounded yet.
        init(values: UnsafeMutablePointer<Float>?) { self.values = values }
    }

    /// RMS norm of the stream, in one launch with the rounding where all products want the same blocks.
    ///
    /// - Parameters:
    ///   - weight: The norm's.
    ///   - configuration: The sizes.
    ///   - values: Where its numbers go if somebody wants numbers.
    ///   - picked: The rows of the stream that are taken, nil for all.
    ///   - layers: The products that it goes into.
    /// - Returns: The input of the products.
    /// - Throws: `PluginError` of a launch that the host refuses.
    func normed(
        _ weight: LinearLayer.Vector,
        _ configuration: LlamaConfiguration,
        to values: UnsafeMutablePointer<Float>,
        picking picked: UnsafePointer<Int32>? = nil,
        for layers: [LinearLayer]
    ) throws -> Operand {
        if let input = layers.first?.input, let format = input.format, layers.allSatisfy({ $0.input == input }) {
            try step.launch(
                PODIUM_RMS_NORM_QUANTIZE,
                podium_grid_rms_norm_quantize(step.backend, Int32(rows)),
                .int(format),
                .type(weight.type),
                .pointer(activations.codes),
                .pointer(activations.scales),
                .pointer(activations.offsets),
                .pointer(activations.stream),
                .pointer(weights[weight.location]),
                .pointer(picked),
                .pointer(live),
                .size(rows),
                .size(configuration.hidden),
                .float(configuration.epsilon)
            )
            var operand = Operand(values: nil)
            operand.blocks = input
            return operand
        }
        if let scale = commonCodesScale(layers) {
            try step.launch(
                PODIUM_RMS_NORM_QUANTIZE_FP8,
                podium_grid_rms_norm_quantize_fp8(step.backend, Int32(rows)),
                .type(weight.type),
                .pointer(activations.rounded),
                .pointer(activations.stream),
                .pointer(weights[weight.location]),
                .float(scale),
                .pointer(picked),
                .pointer(live),
                .size(rows),
                .size(configuration.hidden),
                .float(configuration.epsilon)
            )
            var operand = Operand(values: nil)
            operand.codesScale = scale
            return operand
        }
        try step.launch(
            PODIUM_RMS_NORM,
            podium_grid_rms_norm(step.backend, Int32(rows)),
            .type(weight.type),
            .pointer(values),
            .pointer(activations.stream),
            .pointer(weights[weight.location]),
            .pointer(picked),
            .pointer(live),
            .size(rows),
            .size(configuration.hidden),
            .float(configuration.epsilon)
        )
        return Operand(values: values)
    }

    /// y = x W^T + b, or y += x W^T + b, with input and output rounded as the layer says.
    func product(
        _ y: UnsafeMutablePointer<Float>,
        _ x: inout Operand,
        _ layer: LinearLayer,
        accumulate: Bool = false
    ) throws {
        guard let outputScale = layer.outputScale else { return try plain(y, &x, layer, accumulate: accumulate) }
        let target = accumulate ? activations.branch : y
        try plain(target, &x, layer, accumulate: false)
        try round(target, to: target, scale: weights[scalar: outputScale], width: layer.outputs)
        guard accumulate else { return }
        try step.launch(
            PODIUM_ADD,
            podium_grid_elementwise(step.backend, Int32(rows)),
            .pointer(y),
            .pointer(target),
            .pointer(live),
            .size(rows),
            .size(layer.outputs)
        )
    }

    private func plain(
        _ y: UnsafeMutablePointer<Float>,
        _ x: inout Operand,
        _ layer: LinearLayer,
        accumulate: Bool
    ) throws {
        let bias = layer.bias.map { weights[$0.location] } ?? nil
        switch layer.weight {
        case .rows(let weight, let scales):
            if let scale = codesScale(layer) {
                try makeCodes(&x, scale, width: layer.inputs)
                try step.launch(
                    PODIUM_GEMM_FP8,
                    podium_grid_gemm_fp8(step.backend, Int32(rows), Int32(layer.outputs), Int32(layer.inputs)),
                    .pointer(y),
                    .pointer(activations.rounded),
                    .float(scale),
                    .pointer(weights[weight.location]),
                    .pointer(scales.map { weights[$0] } ?? nil),
                    .pointer(bias),
                    .type(layer.bias?.type ?? PODIUM_F32),
                    .pointer(live),
                    .size(rows),
                    .size(layer.outputs),
                    .size(layer.inputs),
                    .int(accumulate ? 1 : 0)
                )
                return
            }
            try step.launch(
                PODIUM_GEMM,
                podium_grid_gemm(step.backend, Int32(rows), Int32(layer.outputs), Int32(layer.inputs)),
                .type(weight.type),
                .pointer(y),
                .pointer(try numbers(&x, layer)),
                .pointer(weights[weight.location]),
                .pointer(scales.map { weights[$0] } ?? nil),
                .pointer(bias),
                .type(layer.bias?.type ?? PODIUM_F32),
                .pointer(live),
                .size(rows),
                .size(layer.outputs),
                .size(layer.inputs),
                .int(accumulate ? 1 : 0)
            )
        case .packed(let location):
            try makeBlocks(&x, layer)
            try step.launch(
                PODIUM_GEMM_MXFP4,
                podium_grid_gemm_mxfp4(step.backend, Int32(rows), Int32(layer.outputs), Int32(layer.inputs)),
                .pointer(y),
                .pointer(activations.codes),
                .pointer(activations.scales),
                .pointer(activations.offsets),
                .pointer(weights[location]),
                .pointer(bias),
                .pointer(live),
                .size(rows),
                .size(layer.outputs),
                .size(layer.inputs),
                .int(accumulate ? 1 : 0)
            )
        }
    }

    /// h = silu(x G^T) * (x U^T), of weights packed together.
    func packedGate(_ h: UnsafeMutablePointer<Float>, _ x: inout Operand, _ pair: LinearLayer) throws {
        guard case .packed(let location) = pair.weight else { return }
        try makeBlocks(&x, pair)
        try step.launch(
            PODIUM_GEMM_MXFP4_SILU_GATE,
            podium_grid_gemm_mxfp4_silu_gate(step.backend, Int32(rows), Int32(pair.outputs), Int32(pair.inputs)),
            .pointer(h),
            .pointer(activations.codes),
            .pointer(activations.scales),
            .pointer(activations.offsets),
            .pointer(weights[location]),
            .pointer(live),
            .size(rows),
            .size(pair.outputs),
            .size(pair.inputs)
        )
    }

    /// h = silu(x G^T) * (x U^T), of row-major weights with one type and one input.
    func gate(
        _ h: UnsafeMutablePointer<Float>,
        _ x: inout Operand,
        _ gate: LinearLayer,
        _ up: LinearLayer
    ) throws {
        guard case .rows(let first, let firstScales) = gate.weight, case .rows(let second, let secondScales) = up.weight
        else { return }
        if let scale = commonCodesScale([gate, up]) {
            try makeCodes(&x, scale, width: gate.inputs)
            try step.launch(
                PODIUM_GEMM_FP8_SILU_GATE,
                podium_grid_gemm_fp8_silu_gate(step.backend, Int32(rows), Int32(gate.outputs), Int32(gate.inputs)),
                .pointer(h),
                .pointer(activations.rounded),
                .float(scale),
                .pointer(weights[first.location]),
                .pointer(weights[second.location]),
                .pointer(firstScales.map { weights[$0] } ?? nil),
                .pointer(secondScales.map { weights[$0] } ?? nil),
                .pointer(live),
                .size(rows),
                .size(gate.outputs),
                .size(gate.inputs)
            )
            return
        }
        try step.launch(
            PODIUM_GEMM_SILU_GATE,
            podium_grid_gemm_silu_gate(step.backend, Int32(rows), Int32(gate.outputs), Int32(gate.inputs)),
            .type(first.type),
            .pointer(h),
            .pointer(try numbers(&x, gate)),
            .pointer(weights[first.location]),
            .pointer(weights[second.location]),
            .pointer(firstScales.map { weights[$0] } ?? nil),
            .pointer(secondScales.map { weights[$0] } ?? nil),
            .pointer(live),
            .size(rows),
            .size(gate.outputs),
            .size(gate.inputs)
        )
    }

    /// gate = silu(gate) * up.
    func siluGate(_ gate: UnsafeMutablePointer<Float>, _ up: UnsafeMutablePointer<Float>, width: Int) throws {
        try step.launch(
            PODIUM_SILU_GATE,
            podium_grid_elementwise(step.backend, Int32(rows)),
            .pointer(gate),
            .pointer(gate),
            .pointer(up),
            .pointer(live),
            .size(rows),
            .size(width)
        )
    }

    // MARK: Inputs

    /// The input as float32, rounded to FP8 if the layer wants that.
    private func numbers(_ x: inout Operand, _ layer: LinearLayer) throws -> UnsafeMutablePointer<Float>? {
        guard case .fp8(let index) = layer.input, let values = x.values else { return x.values }
        let scale = weights[scalar: index]
        if x.roundedScale != scale {
            try round(values, to: activations.rounded, scale: scale, width: layer.inputs)
            x.roundedScale = scale
            x.codesScale = nil
        }
        return activations.rounded
    }

    /// The scale under which a layer's input goes into its product as FP8 codes; nil where it goes in as numbers.
    ///
    /// A GPU has matrix cores for codes. On a CPU numbers are as fast or faster (docs/performance.md).
    private func codesScale(_ layer: LinearLayer) -> Float? {
        guard step.backend != PODIUM_BACKEND_CPU, case .fp8(let index) = layer.input,
            case .rows(let weight, _) = layer.weight, weight.type == PODIUM_F8E4M3
        else { return nil }
        return weights[scalar: index]
    }

    /// The scale that all of some layers have in common, as `codesScale`.
    private func commonCodesScale(_ layers: [LinearLayer]) -> Float? {
        guard let first = layers.first, let scale = codesScale(first), layers.allSatisfy({ codesScale($0) == scale })
        else { return nil }
        return scale
    }

    private func makeCodes(_ x: inout Operand, _ scale: Float, width: Int) throws {
        guard x.codesScale != scale, let values = x.values else { return }
        try step.launch(
            PODIUM_QUANTIZE_FP8,
            podium_grid_quantize_fp8(step.backend, Int32(rows)),
            .pointer(activations.rounded),
            .pointer(values),
            .float(scale),
            .pointer(live),
            .size(rows),
            .size(width)
        )
        x.codesScale = scale
        x.roundedScale = nil
    }

    private func makeBlocks(_ x: inout Operand, _ layer: LinearLayer) throws {
        guard x.blocks != layer.input, let format = layer.input.format, let values = x.values else { return }
        try step.launch(
            PODIUM_QUANTIZE_ROWS,
            podium_grid_quantize_rows(step.backend, Int32(rows)),
            .int(format),
            .pointer(activations.codes),
            .pointer(activations.scales),
            .pointer(activations.offsets),
            .pointer(values),
            .pointer(live),
            .size(rows),
            .size(layer.inputs)
        )
        x.blocks = layer.input
    }

    private func round(
        _ x: UnsafeMutablePointer<Float>,
        to out: UnsafeMutablePointer<Float>,
        scale: Float,
        width: Int
    ) throws {
        try step.launch(
            PODIUM_ROUND_TO_FP8,
            podium_grid_round_to_fp8(step.backend, Int32(rows)),
            .pointer(out),
            .pointer(x),
            .float(scale),
            .pointer(live),
            .size(rows),
            .size(width)
        )
    }
}

extension LinearLayer.Input {
    /// `podium_activation`, nil for inputs that stay numbers.
    fileprivate var format: Int32? {
        switch self {
        case .asItIs, .fp8: nil
        case .int8Blocks: Int32(PODIUM_ACTIVATION_INT8.rawValue)
        case .mxfp4Blocks: Int32(PODIUM_ACTIVATION_MXFP4.rawValue)
        }
    }
}
