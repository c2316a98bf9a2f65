import CPluginAPI

/// The calls of "mlp.quantize/1", on the control thread.
extension LoadedInstance {
    private func quantizeTable() throws -> UnsafePointer<mlp_quantize> { try required(tables.quantize, MLP_QUANTIZE) }

    /// The bytes of a sample's state.
    func calibrationStateSize(_ payload: mlp_bytes) throws -> Int {
        let (table, plugin) = (try quantizeTable(), plugin)
        let outcome = Outcome<UInt64>()
        try call("quantize.state_size", within: limits.control) {
            var size: UInt64 = 0
            let status = table.pointee.state_size(plugin, payload, &size)
            outcome.value = size
            return status
        }
        guard let size = outcome.value, (1...1 << 44).contains(size) else {
            throw PluginFault(
                .contract,
                library: library,
                call: "quantize.state_size",
                reason: "a state of \(outcome.value ?? 0) bytes"
            )
        }
        return Int(size)
    }

    /// The state of a sample before the first stage.
    func beginCalibration(
        _ payload: mlp_bytes,
        tensors: [mlp_quantize_tensor],
        into state: UnsafeMutableRawPointer
    ) throws {
        let (table, plugin) = (try quantizeTable(), plugin)
        try call("quantize.begin", within: limits.work) { table.pointee.begin(plugin, payload, tensors, state) }
    }

    /// Takes a state through a stage.
    ///
    /// - Parameters:
    ///   - stage: Which, and its layers.
    ///   - before: The state before it.
    ///   - after: Where the state after it goes, or nil.
    ///   - size: The bytes of a state.
    ///   - tensors: In the order of the stage's.
    ///   - wanted: MLP_OBSERVE_... for each layer.
    ///   - observe: Takes the rows of a layer's input or output; called on the control thread.
    /// - Throws: `PluginFault`, and what `observe` throws.
    func advanceCalibration(
        stage: (index: Int, layers: [StageDeclarations.Layer]),
        before: UnsafeRawPointer,
        after: UnsafeMutableRawPointer?,
        size: Int,
        tensors: [mlp_quantize_tensor],
        wanted: [UInt8],
        observe: @escaping (_ layer: Int, _ what: Int, _ rows: UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let (table, plugin, context) = (try quantizeTable(), plugin, context)
        let observation = CalibrationObservation(layers: stage.layers, wanted: wanted, observe: observe)
        do {
            try call("quantize.advance", within: limits.work) {
                let status = table.pointee.advance(
                    plugin,
                    UInt32(stage.index),
                    before,
                    after,
                    UInt64(size),
                    tensors,
                    wanted,
                    { context, layer, what, rows, count in
                        guard let context else { return mlp_status(MLP_INVALID_ARGUMENT) }
                        return Unmanaged<CalibrationObservation>.fromOpaque(context).takeUnretainedValue()
                            .take(layer, what, rows, count)
                    },
                    Unmanaged.passUnretained(observation).toOpaque()
                )
                if status == mlp_status(MLP_OK), let missing = observation.missing {
                    return context.note(mlp_status(MLP_INTERNAL), missing)
                }
                return status
            }
        } catch {
            throw observation.failure ?? observation.breach.map { broken($0) } ?? error
        }
        if let failure = observation.failure { throw failure }
        if let breach = observation.breach { throw broken(breach) }
    }

    private func broken(_ reason: String) -> PluginFault {
        PluginFault(.contract, library: library, call: "quantize.advance", reason: reason)
    }
}

/// What one call of advance() handed over.
private final class CalibrationObservation: @unchecked Sendable {
    // Used by the control thread during the call, and by its caller afterwards.
    private let layers: [StageDeclarations.Layer]
    private var open: [UInt8]
    private let observe: (Int, Int, UnsafeBufferPointer<Float>) throws -> Void
    /// What `observe` threw.
    private(set) var failure: (any Error)?
    /// The first rule that the plugin broke.
    private(set) var breach: String?

    init(
        layers: [StageDeclarations.Layer],
        wanted: [UInt8],
        observe: @escaping (Int, Int, UnsafeBufferPointer<Float>) throws -> Void
    ) {
        self.layers = layers
        open = wanted
        self.observe = observe
    }

    /// What was wanted and did not come.
    var missing: String? {
        guard let layer = open.firstIndex(where: { $0 != 0 }) else { return nil }
        let what = Int(open[layer]) & MLP_OBSERVE_INPUT != 0 ? "input" : "output"
        return "the \(what) of \(layers[layer].name) was wanted, but it did not come"
    }

    func take(_ layer: UInt32, _ what: UInt32, _ rows: UnsafePointer<Float>?, _ count: UInt64) -> mlp_status {
        guard failure == nil, breach == nil else { return mlp_status(MLP_CANCELLED) }
        func refuse(_ reason: String) -> mlp_status {
            breach = reason
            return mlp_status(MLP_INVALID_ARGUMENT)
        }
        guard layer < UInt32(layers.count), [MLP_OBSERVE_INPUT, MLP_OBSERVE_OUTPUT].contains(Int(what)) else {
            return refuse("observe: layer \(layer) of \(layers.count), rows of kind \(what)")
        }
        let declared = layers[Int(layer)]
        guard Int(open[Int(layer)]) & Int(what) != 0 else {
            return refuse("observe: rows of \(declared.name) that were not wanted, or came before")
        }
        open[Int(layer)] &= ~UInt8(what)
        let width = Int(what) == MLP_OBSERVE_INPUT ? declared.inputs : declared.outputs
        guard count <= 1 << 31, count == 0 || rows != nil else {
            return refuse("observe: \(count) rows of \(declared.name) at \(rows == nil ? "NULL" : "an address")")
        }
        do {
            try observe(Int(layer), Int(what), UnsafeBufferPointer(start: rows, count: Int(count) * width))
            return mlp_status(MLP_OK)
        } catch {
            failure = error
            return mlp_status(MLP_CANCELLED)
        }
    }
}
