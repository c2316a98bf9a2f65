import CPluginAPI
import Kernels
import PluginAPI
import TextGeneration

/// The forward through single layers that calibration needs: one sample at a time, float32 activations, weights as the
/// host gives them with each call.
///
/// It launches the same kernels as a step of the engine, so that the numbers are those of a run with these weights.
final class CalibrationForward {
    private let configuration: LlamaConfiguration
    private let devices: Devices
    private let launcher: Launcher
    private let stream: PluginAPI.Stream
    private var buffers: CalibrationBuffers?

    init(_ configuration: LlamaConfiguration, host: Host) throws {
        self.configuration = configuration
        devices = try host.devices()
        launcher = try host.launcher()
        let properties = try devices.properties(0)
        guard Int(properties.kind) == MLP_DEVICE_CPU else {
            throw PluginError(.unsupported, "calibration: only the CPU backend is supported yet")
        }
        stream = try devices.makeStream(0)
    }

    deinit { devices.release(stream) }

    // MARK: States

    /// The number of tokens in a payload.
    ///
    /// - Throws: `PluginError` for a payload that is no sample of this model.
    func tokenCount(_ payload: UnsafeRawBufferPointer) throws -> Int {
        let count = payload.count / MemoryLayout<Int32>.size
        guard count > 0, payload.count.isMultiple(of: MemoryLayout<Int32>.size) else {
            throw PluginError(.invalidArgument, "a payload of \(payload.count) bytes is not one or more int32 tokens")
        }
        guard count <= configuration.context else {
            throw PluginError(
                .invalidArgument,
                "a sample of \(count) tokens is longer than the model's context of \(configuration.context)"
            )
        }
        for index in 0..<count {
            let token = payload.loadUnaligned(fromByteOffset: index * MemoryLayout<Int32>.size, as: Int32.self)
            guard token >= 0, token < configuration.vocabulary else {
                throw PluginError(
                    .invalidArgument,
                    "token \(token) at position \(index) is not in the vocabulary of \(configuration.vocabulary)"
                )
            }
        }
        return count
    }

    /// The bytes of the hidden rows of a sample.
    func stateSize(_ payload: UnsafeRawBufferPointer) throws -> Int {
        try tokenCount(payload) * configuration.hidden * MemoryLayout<Float>.size
    }

    /// Embeds a sample.
    func begin(
        _ payload: UnsafeRawBufferPointer,
        embedding: mlp_quantize_tensor,
        into state: UnsafeMutableRawBufferPointer
    ) throws {
        let rows = try tokenCount(payload)
        let buffers = try room(rows)
        for row in 0..<rows {
            buffers.tokens[row] = payload.loadUnaligned(fromByteOffset: row * MemoryLayout<Int32>.size, as: Int32.self)
        }
        let table = try Weight(embedding)
        try launch(
            PODIUM_EMBEDDING,
            podium_grid_embedding(PODIUM_BACKEND_CPU, Int32(rows)),
            table.type,
            .pointer(buffers.stream),
            .pointer(table.data),
            .pointer(buffers.tokens),
            .pointer(buffers.live),
            .size(rows),
            .size(configuration.vocabulary),
            .size(configuration.hidden)
        )
        try devices.synchronize(stream)
        try write(buffers, rows, to: state)
    }

    /// A weight as a kernel takes it.
    private struct Weight {
        let data: UnsafeRawPointer
        let dtype: podium_dtype

        var type: KernelArgument { .int(Int32(bitPattern: dtype.rawValue)) }

        init(_ tensor: mlp_quantize_tensor) throws {
            guard let data = tensor.data else { throw PluginError(.invalidArgument, "a tensor has no address") }
            self.data = data
            switch Int(tensor.dtype) {
            case MLP_F32: dtype = PODIUM_F32
            case MLP_BF16: dtype = PODIUM_BF16
            case MLP_F16: dtype = PODIUM_F16
            default: throw PluginError(.unsupported, "calibration: tensors of type \(tensor.dtype) are not computed")
            }
        }
    }

    private func room(_ rows: Int) throws -> CalibrationBuffers {
        if buffers.map({ $0.rows < rows }) ?? true {
            buffers = nil
            buffers = try CalibrationBuffers(configuration, rows: rows, devices: devices)
        }
        guard let buffers else { throw PluginError(.internalError, "calibration without buffers") }
        buffers.live.pointee = Int32(rows)
        return buffers
    }

    private func read(_ state: UnsafeRawBufferPointer) throws -> (CalibrationBuffers, rows: Int) {
        let rowSize = configuration.hidden * MemoryLayout<Float>.size
        let rows = state.count / rowSize
        guard let start = state.baseAddress, rows > 0, rows <= configuration.context,
            state.count.isMultiple(of: rowSize)
        else {
            throw PluginError(.invalidArgument, "a state of \(state.count) bytes is not rows of \(rowSize)")
        }
        let buffers = try room(rows)
        UnsafeMutableRawPointer(buffers.stream).copyMemory(from: start, byteCount: state.count)
        return (buffers, rows)
    }

    private func write(_ buffers: CalibrationBuffers, _ rows: Int, to state: UnsafeMutableRawBufferPointer) throws {
        let size = rows * configuration.hidden * MemoryLayout<Float>.size
        guard let start = state.baseAddress, state.count == size else {
            throw PluginError(.invalidArgument, "a state of \(state.count) bytes, not \(size)")
        }
        start.copyMemory(from: buffers.stream, byteCount: size)
    }

    // MARK: A decoder layer

    /// Takes hidden rows through a decoder layer.
    func decoder(
        _ tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        state: UnsafeRawBufferPointer,
        into after: UnsafeMutableRawBufferPointer?,
        observer: CalibrationObserver
    ) throws {
        typealias Tensor = LlamaStages.Tensor
        typealias Layer = LlamaStages.Layer
        let (buffers, rows) = try read(state)
        let width = configuration.heads * configuration.headDimension
        let kvWidth = configuration.kvHeads * configuration.headDimension
        let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
        func bias(_ index: Int) -> mlp_quantize_tensor? {
            configuration.attentionBias ? tensors[Tensor.biases + index] : nil
        }
        /// Whether an input from layer `inputs` on, an output from layer `outputs` on, or the new state is wanted.
        func goesOn(inputs: Int, outputs: Int) -> Bool {
            after != nil
                || (Layer.query...Layer.down).contains {
                    $0 >= inputs && observer.wantsInput($0) || $0 >= outputs && observer.wantsOutput($0)
                }
        }

        try norm(buffers.normed, buffers, rows, tensors[Tensor.inputNorm])
        for layer in Layer.query...Layer.value { try observer.input(layer, buffers.normed, count: rows) }
        guard goesOn(inputs: Layer.output, outputs: Layer.query) else { return }

        let projections = [
            (Layer.query, Tensor.query, buffers.query, width), (Layer.key, Tensor.key, buffers.key, kvWidth),
            (Layer.value, Tensor.value, buffers.value, kvWidth),
        ]
        for (layer, tensor, y, outputs) in projections {
            try linear(y, buffers.normed, rows, tensors[tensor], bias(layer), outputs: outputs, inputs: hidden)
        }
        try devices.synchronize(stream)
        for (layer, _, y, _) in projections { try observer.output(layer, y, count: rows) }
        guard goesOn(inputs: Layer.output, outputs: Layer.output) else { return }

        try attention(buffers, rows)
        try observer.input(Layer.output, buffers.attended, count: rows)
        guard goesOn(inputs: Layer.gate, outputs: Layer.output) else { return }
        try residual(Layer.output, buffers.attended, buffers, rows, tensors[Tensor.output], bias(3), width, observer)
        guard goesOn(inputs: Layer.gate, outputs: Layer.gate) else { return }

        try norm(buffers.normed, buffers, rows, tensors[Tensor.postNorm])
        for layer in [Layer.gate, Layer.up] { try observer.input(layer, buffers.normed, count: rows) }
        for (layer, tensor) in [(Layer.gate, Tensor.gate), (Layer.up, Tensor.up)] where observer.wantsOutput(layer) {
            try linear(buffers.gated, buffers.normed, rows, tensors[tensor], nil, outputs: intermediate, inputs: hidden)
            try devices.synchronize(stream)
            try observer.output(layer, buffers.gated, count: rows)
        }
        guard goesOn(inputs: Layer.down, outputs: Layer.down) else { return }

        try gated(buffers, rows, gate: tensors[Tensor.gate], up: tensors[Tensor.up])
        try observer.input(Layer.down, buffers.gated, count: rows)
        guard goesOn(inputs: Layer.down + 1, outputs: Layer.down) else { return }
        try residual(
            Layer.down,
            buffers.gated,
            buffers,
            rows,
            tensors[Tensor.down],
            nil,
            intermediate,
            observer
        )
        if let after { try write(buffers, rows, to: after) }
    }

    /// The last norm, and the head where its output is wanted; the state stays as it is.
    func head(
        _ tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        state: UnsafeRawBufferPointer,
        into after: UnsafeMutableRawBufferPointer?,
        observer: CalibrationObserver
    ) throws {
        let (buffers, rows) = try read(state)
        if let after { try write(buffers, rows, to: after) }
        try norm(buffers.normed, buffers, rows, tensors[0])
        try observer.input(0, buffers.normed, count: rows)
        guard observer.wantsOutput(0) else { return }
        let memory = DeviceMemory(devices: devices, device: 0)
        let logits = try memory.allocatePinned(
            Float.self,
            rows,
            configuration.vocabulary,
            purpose: "the logits of a calibration sample"
        )
        try linear(
            logits,
            buffers.normed,
            rows,
            tensors[1],
            nil,
            outputs: configuration.vocabulary,
            inputs: configuration.hidden
        )
        try devices.synchronize(stream)
        try observer.output(0, logits, count: rows)
    }

    // MARK: Launches

    private func launch(_ kernel: podium_kernel, _ grid: mlp_grid, _ arguments: KernelArgument...) throws {
        try launcher.launch(kernel, grid, on: stream, arguments)
    }

    private func norm(
        _ out: UnsafeMutablePointer<Float>,
        _ buffers: CalibrationBuffers,
        _ rows: Int,
        _ tensor: mlp_quantize_tensor
    ) throws {
        let weight = try Weight(tensor)
        try launch(
            PODIUM_RMS_NORM,
            podium_grid_rms_norm(PODIUM_BACKEND_CPU, Int32(rows)),
            weight.type,
            .pointer(out),
            .pointer(buffers.stream),
            .pointer(weight.data),
            .pointer(nil),
            .pointer(buffers.live),
            .size(rows),
            .size(configuration.hidden),
            .float(configuration.epsilon)
        )
        try devices.synchronize(stream)
    }

    /// y = x W^T + b, or y += x W^T + b.
    private func linear(
        _ y: UnsafeMutablePointer<Float>,
        _ x: UnsafeMutablePointer<Float>,
        _ rows: Int,
        _ tensor: mlp_quantize_tensor,
        _ bias: mlp_quantize_tensor?,
        outputs: Int,
        inputs: Int,
        accumulate: Bool = false
    ) throws {
        let weight = try Weight(tensor)
        let added = try bias.map { try Weight($0) }
        guard let live = buffers?.live else { return }
        try launch(
            PODIUM_GEMM,
            podium_grid_gemm(PODIUM_BACKEND_CPU, Int32(rows), Int32(outputs), Int32(inputs)),
            weight.type,
            .pointer(y),
            .pointer(x),
            .pointer(weight.data),
            .pointer(nil),
            .pointer(added?.data),
            added?.type ?? .int(0),
            .pointer(live),
            .size(rows),
            .size(outputs),
            .size(inputs),
            .int(accumulate ? 1 : 0)
        )
    }

    /// A product that is added to the stream; where its output is wanted, it is computed once more by itself.
    private func residual(
        _ layer: Int,
        _ x: UnsafeMutablePointer<Float>,
        _ buffers: CalibrationBuffers,
        _ rows: Int,
        _ tensor: mlp_quantize_tensor,
        _ bias: mlp_quantize_tensor?,
        _ inputs: Int,
        _ observer: CalibrationObserver
    ) throws {
        let hidden = configuration.hidden
        if observer.wantsOutput(layer) {
            try linear(buffers.normed, x, rows, tensor, bias, outputs: hidden, inputs: inputs)
            try devices.synchronize(stream)
            try observer.output(layer, buffers.normed, count: rows)
        }
        try linear(buffers.stream, x, rows, tensor, bias, outputs: hidden, inputs: inputs, accumulate: true)
        try devices.synchronize(stream)
    }

    private func attention(_ buffers: CalibrationBuffers, _ rows: Int) throws {
        let (heads, kvHeads) = (configuration.heads, configuration.kvHeads)
        let cacheType = KernelArgument.int(Int32(bitPattern: PODIUM_F32.rawValue))
        try launch(
            PODIUM_ROPE_TABLES,
            podium_grid_rope_tables(PODIUM_BACKEND_CPU, Int32(rows)),
            .pointer(buffers.cosines),
            .pointer(buffers.sines),
            .pointer(buffers.positions),
            .pointer(buffers.frequencies),
            .pointer(buffers.live),
            .size(rows),
            .size(configuration.headDimension / 2),
            .float(1)
        )
        try launch(
            PODIUM_ROPE_APPEND,
            podium_grid_rope_append(PODIUM_BACKEND_CPU, Int32(rows)),
            cacheType,
            .pointer(buffers.query),
            .pointer(buffers.key),
            .pointer(buffers.value),
            .int(0),
            .pointer(buffers.cosines),
            .pointer(buffers.sines),
            .pointer(buffers.slots),
            .pointer(buffers.positions),
            .pointer(buffers.pageTable),
            .pointer(buffers.keyPages),
            .pointer(buffers.valuePages),
            .float(1),
            .float(1),
            .pointer(buffers.live),
            .size(rows),
            .size(heads),
            .size(kvHeads),
            .size(configuration.headDimension),
            .size(CalibrationBuffers.pageSize),
            .size(buffers.pages)
        )
        try launch(
            PODIUM_PAGED_ATTENTION,
            podium_grid_paged_attention(
                PODIUM_BACKEND_CPU,
                Int32(rows),
                Int32(heads),
                Int32(kvHeads),
                Int32(CalibrationBuffers.pageSize),
                Int32(buffers.pages)
            ),
            cacheType,
            .pointer(buffers.attended),
            .pointer(buffers.query),
            .int(0),
            .pointer(buffers.keyPages),
            .pointer(buffers.valuePages),
            .float(1),
            .float(1),
            .pointer(buffers.pageTable),
            .pointer(buffers.slots),
            .pointer(buffers.positions),
            .pointer(buffers.live),
            .size(rows),
            .size(heads),
            .size(kvHeads),
            .size(configuration.headDimension),
            .size(CalibrationBuffers.pageSize),
            .size(buffers.pages),
            .float(1 / Float(configuration.headDimension).squareRoot()),
            .pointer(nil)
        )
        try devices.synchronize(stream)
    }

    private func gated(
        _ buffers: CalibrationBuffers,
        _ rows: Int,
        gate: mlp_quantize_tensor,
        up: mlp_quantize_tensor
    ) throws {
        let (first, second) = (try Weight(gate), try Weight(up))
        // One of them may be excluded from the quantisation; the kernel for both takes one type.
        guard first.dtype == second.dtype else {
            return try gatedByParts(buffers, rows, gate: gate, up: up)
        }
        try launch(
            PODIUM_GEMM_SILU_GATE,
            podium_grid_gemm_silu_gate(
                PODIUM_BACKEND_CPU,
                Int32(rows),
                Int32(configuration.intermediate),
                Int32(configuration.hidden)
            ),
            first.type,
            .pointer(buffers.gated),
            .pointer(buffers.normed),
            .pointer(first.data),
            .pointer(second.data),
            .pointer(nil),
            .pointer(nil),
            .pointer(buffers.live),
            .size(rows),
            .size(configuration.intermediate),
            .size(configuration.hidden)
        )
        try devices.synchronize(stream)
    }

    /// The same for weights of two types.
    private func gatedByParts(
        _ buffers: CalibrationBuffers,
        _ rows: Int,
        gate: mlp_quantize_tensor,
        up: mlp_quantize_tensor
    ) throws {
        let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
        let memory = DeviceMemory(devices: devices, device: 0)
        let product = try memory.allocatePinned(Float.self, rows, intermediate, purpose: "a calibration sample")
        try linear(buffers.gated, buffers.normed, rows, gate, nil, outputs: intermediate, inputs: hidden)
        try linear(product, buffers.normed, rows, up, nil, outputs: intermediate, inputs: hidden)
        try launch(
            PODIUM_SILU_GATE,
            podium_grid_elementwise(PODIUM_BACKEND_CPU, Int32(rows)),
            .pointer(buffers.gated),
            .pointer(buffers.gated),
            .pointer(product),
            .pointer(buffers.live),
            .size(rows),
            .size(intermediate)
        )
        try devices.synchronize(stream)
        withExtendedLifetime(memory) {}
    }
}
