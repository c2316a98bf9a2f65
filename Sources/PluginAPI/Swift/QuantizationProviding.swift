public import CPluginAPI

/// `mlp.quantize/1`: the linear layers of a checkpoint, stage by stage, and the calibration forward through them.
public protocol QuantizationProviding: Workload {
    /// The stages in the order of computation, a decoder layer each; none where this instance cannot quantise.
    ///
    /// Final after `init`.
    var quantizationStages: [QuantizationStage] { get }
    /// The tensors that `beginCalibration` reads, by their names in the checkpoint; final after `init`.
    var firstCalibrationTensors: [String] { get }
    /// The bytes of a sample's state, the same before every stage.
    func calibrationStateSize(_ payload: UnsafeRawBufferPointer) throws -> Int
    /// The state of a sample before the first stage.
    ///
    /// - Parameters:
    ///   - payload: The sample, as the data set gives it.
    ///   - tensors: In the order of `firstCalibrationTensors`.
    ///   - state: As many bytes as `calibrationStateSize` said, 64-byte aligned.
    /// - Throws: `PluginError` for a payload that is no sample of the model.
    func beginCalibration(
        _ payload: UnsafeRawBufferPointer,
        tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        into state: UnsafeMutableRawBufferPointer
    ) throws
    /// Takes a sample's state through a stage.
    ///
    /// - Parameters:
    ///   - stage: Which of `quantizationStages`.
    ///   - state: The state before it.
    ///   - after: Where the state after it goes; nil: nobody needs it, and only what is observed is to be computed.
    ///   - tensors: In the order of the stage's tensors.
    ///   - observer: Takes the rows that are wanted.
    /// - Throws: `PluginError`, and what the observer throws.
    func advanceCalibration(
        stage: Int,
        state: UnsafeRawBufferPointer,
        into after: UnsafeMutableRawBufferPointer?,
        tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        observer: CalibrationObserver
    ) throws
}

/// One `mlp_quantize_stage`.
public struct QuantizationStage: Sendable {
    /// As `model.layers.0`.
    public var name: String
    /// The tensors that the stage reads, by their names in the checkpoint.
    public var tensors: [String]
    /// Its linear layers, inputs numbered as they are computed.
    public var layers: [Layer]

    /// A stage from its parts.
    public init(name: String, tensors: [String], layers: [Layer]) {
        self.name = name
        self.tensors = tensors
        self.layers = layers
    }

    /// One `mlp_quantize_layer`.
    public struct Layer: Sendable {
        /// As `model.layers.0.mlp.up_proj`; its weight is the tensor of that name and `.weight`.
        public var name: String
        /// Which of the stage's tensors the weight is.
        public var weight: UInt32
        /// Layers with the same number have the same input rows.
        public var input: UInt32
        /// The rows of the weight.
        public var outputs: UInt64
        /// The columns of the weight.
        public var inputs: UInt64
        /// `MLP_LAYER_...` bits.
        public var flags: UInt32

        /// A layer from its parts.
        public init(name: String, weight: UInt32, input: UInt32, outputs: UInt64, inputs: UInt64, flags: UInt32 = 0) {
            self.name = name
            self.weight = weight
            self.input = input
            self.outputs = outputs
            self.inputs = inputs
            self.flags = flags
        }
    }
}

/// What the host wants to see of a stage's layers.
public struct CalibrationObserver {
    private let wanted: UnsafePointer<UInt8>?
    private let layerCount: Int
    private let observe: mlp_observe
    private let context: UnsafeMutableRawPointer?

    init(
        wanted: UnsafePointer<UInt8>?,
        layerCount: Int,
        observe: @escaping mlp_observe,
        context: UnsafeMutableRawPointer?
    ) {
        self.wanted = wanted
        self.layerCount = layerCount
        self.observe = observe
        self.context = context
    }

    private func wants(_ layer: Int, _ what: Int) -> Bool {
        guard let wanted, layer >= 0, layer < layerCount else { return false }
        return Int(wanted[layer]) & what != 0
    }

    /// Whether the input of a layer of the stage is wanted.
    public func wantsInput(_ layer: Int) -> Bool { wants(layer, MLP_OBSERVE_INPUT) }
    /// Whether the output of a layer of the stage is wanted.
    public func wantsOutput(_ layer: Int) -> Bool { wants(layer, MLP_OBSERVE_OUTPUT) }

    /// Hands over the input rows of a layer, if they are wanted; host memory, read before the call returns.
    public func input(_ layer: Int, _ rows: UnsafePointer<Float>, count: Int) throws {
        if wantsInput(layer) { try hand(layer, MLP_OBSERVE_INPUT, rows, count) }
    }

    /// Hands over the output rows of a layer, if they are wanted; host memory, read before the call returns.
    public func output(_ layer: Int, _ rows: UnsafePointer<Float>, count: Int) throws {
        if wantsOutput(layer) { try hand(layer, MLP_OBSERVE_OUTPUT, rows, count) }
    }

    private func hand(_ layer: Int, _ what: Int, _ rows: UnsafePointer<Float>, _ count: Int) throws {
        let status = observe(context, UInt32(layer), UInt32(what), rows, UInt64(count))
        if status != .ok { throw PluginError(status, "the host stopped the calibration") }
    }
}
