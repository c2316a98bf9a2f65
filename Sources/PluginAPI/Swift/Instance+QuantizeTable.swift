import CPluginAPI

/// The table that a host which quantises uses.
extension Instance {
    func quantizeTable(_ quantization: any QuantizationProviding) -> mlp_quantize {
        let stages = quantization.quantizationStages.map { stage in
            let layers = stage.layers.map { layer in
                mlp_quantize_layer(
                    name: keep(layer.name),
                    weight: layer.weight,
                    input: layer.input,
                    outputs: layer.outputs,
                    inputs: layer.inputs,
                    flags: layer.flags,
                    reserved: 0
                )
            }
            return mlp_quantize_stage(
                name: keep(stage.name),
                tensors: keep(stage.tensors.map { keep($0) }).baseAddress,
                layers: keep(layers).baseAddress,
                tensor_count: UInt32(stage.tensors.count),
                layer_count: UInt32(layers.count),
                reserved: 0
            )
        }
        let first = quantization.firstCalibrationTensors
        return mlp_quantize(
            struct_size: UInt32(MemoryLayout<mlp_quantize>.size),
            stage_count: UInt32(stages.count),
            stages: keep(stages).baseAddress,
            first_tensors: keep(first.map { keep($0) }).baseAddress,
            first_tensor_count: UInt32(first.count),
            reserved: 0,
            state_size: { plugin, payload, out in
                Instance.call(plugin) { instance in
                    guard let quantization = instance.quantization else { return }
                    let payload = UnsafeRawBufferPointer(start: payload.data, count: Int(clamping: payload.size))
                    out?.pointee = UInt64(try quantization.calibrationStateSize(payload))
                }
            },
            begin: { plugin, payload, tensors, state in
                Instance.call(plugin) { instance in
                    guard let quantization = instance.quantization else { return }
                    let payload = UnsafeRawBufferPointer(start: payload.data, count: Int(clamping: payload.size))
                    try quantization.beginCalibration(
                        payload,
                        tensors: UnsafeBufferPointer(
                            start: tensors,
                            count: quantization.firstCalibrationTensors.count
                        ),
                        into: UnsafeMutableRawBufferPointer(
                            start: state,
                            count: try quantization.calibrationStateSize(payload)
                        )
                    )
                }
            },
            advance: { plugin, stage, before, after, size, tensors, wanted, observe, context in
                Instance.call(plugin) { instance in
                    guard let quantization = instance.quantization else { return }
                    let stages = quantization.quantizationStages
                    guard Int(stage) < stages.count, let observe else {
                        throw PluginError(.invalidArgument, "advance: there is no stage \(stage), or nobody to observe")
                    }
                    let size = Int(clamping: size)
                    try quantization.advanceCalibration(
                        stage: Int(stage),
                        state: UnsafeRawBufferPointer(start: before, count: size),
                        into: after.map { UnsafeMutableRawBufferPointer(start: $0, count: size) },
                        tensors: UnsafeBufferPointer(start: tensors, count: stages[Int(stage)].tensors.count),
                        observer: CalibrationObserver(
                            wanted: wanted,
                            layerCount: stages[Int(stage)].layers.count,
                            observe: observe,
                            context: context
                        )
                    )
                }
            }
        )
    }
}
