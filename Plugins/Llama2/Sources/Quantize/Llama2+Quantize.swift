import CPluginAPI
import PluginAPI

extension Llama2: QuantizationProviding {
    var quantizationStages: [QuantizationStage] { calibration.stages?.stages ?? [] }
    var firstCalibrationTensors: [String] { calibration.stages?.firstTensors ?? [] }

    func calibrationStateSize(_ payload: UnsafeRawBufferPointer) throws -> Int {
        try calibration.forward().stateSize(payload)
    }

    func beginCalibration(
        _ payload: UnsafeRawBufferPointer,
        tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        into state: UnsafeMutableRawBufferPointer
    ) throws {
        try calibration.forward().begin(payload, embedding: tensors[0], into: state)
    }

    func advanceCalibration(
        stage: Int,
        state: UnsafeRawBufferPointer,
        into after: UnsafeMutableRawBufferPointer?,
        tensors: UnsafeBufferPointer<mlp_quantize_tensor>,
        observer: CalibrationObserver
    ) throws {
        let forward = try calibration.forward()
        if stage < calibration.layerCount {
            try forward.decoder(tensors, state: state, into: after, observer: observer)
        } else {
            try forward.head(tensors, state: state, into: after, observer: observer)
        }
    }
}

/// What an instance needs to calibrate; the forward is made when it is first asked for.
final class Calibration {
    /// nil where the instance cannot quantise.
    let stages: LlamaStages?
    let layerCount: Int
    private let configuration: LlamaConfiguration?
    private let host: Host
    private var made: CalibrationForward?

    /// - Parameters:
    ///   - configuration: Of a checkpoint of plain floats; nil for any other, and for a head.
    ///   - host: Whose devices compute.
    init(_ configuration: LlamaConfiguration?, host: Host) {
        self.configuration = configuration
        self.host = host
        stages = configuration.map(LlamaStages.init)
        layerCount = configuration?.layers ?? 0
    }

    /// The forward, with its stream and buffers.
    func forward() throws -> CalibrationForward {
        if let made { return made }
        guard let configuration else {
            throw PluginError(.unsupported, "calibration needs a worker with a checkpoint of plain floats")
        }
        let forward = try CalibrationForward(configuration, host: host)
        made = forward
        return forward
    }
}
