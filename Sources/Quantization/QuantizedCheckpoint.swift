internal import JSON
public import Numerics

/// A folder with a model's weights and a `config.json` that says how they are quantised, or that they are not.
///
///     let checkpoint = try QuantizedCheckpoint(folder: folder)
///     let layer = try checkpoint.linear("model.layers.0.mlp.up_proj", outputs: 28672, inputs: 8192)
///     print(layer.scheme)  // w_mxfp4_a_mxfp4
///
/// Asking for a layer checks its tensors: types, shapes, and each scale's value unless only headers are to be read.
public struct QuantizedCheckpoint: Sendable {
    /// The tensors as they are stored.
    public let checkpoint: Checkpoint
    /// How the layers are quantised, nil when they are not.
    public let configuration: QuantizationConfiguration?

    /// Opens the files of a folder and reads its configuration.
    ///
    /// - Parameters:
    ///   - folder: The folder, with `config.json`.
    ///   - name: What the names of the weight files start with.
    /// - Throws: `QuantizationError` when a file is missing or broken, or the scheme is unknown.
    public init(folder: String, name: String = "model") throws(QuantizationError) {
        let config = folder + (folder.hasSuffix("/") ? "" : "/") + "config.json"
        do throws(JSONError) {
            configuration = try QuantizationConfiguration.read(JSONField(JSON(contentsOfFile: config), at: config))
        } catch {
            throw QuantizationError(
                file: config,
                reason: error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)"
            )
        }
        do throws(SafetensorsError) {
            checkpoint = try Checkpoint(folder: folder, name: name)
        } catch {
            throw QuantizationError(file: error.file, tensor: error.tensor, reason: error.reason)
        }
    }

    /// The layers whose weights are quantised, in the order of the files.
    public var quantizedLayers: [String] {
        checkpoint.tensors.compactMap { tensor in
            guard tensor.name.hasSuffix(".weight"), tensor.shape.count == 2 else { return nil }
            let name = String(tensor.name.dropLast(".weight".count))
            let isNarrow = [.u8, .f8e4m3, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f4e2m1].contains(tensor.type)
            return isNarrow || scales(of: name) != nil ? name : nil
        }
    }

    /// Checks each layer whose weight is quantised, and that each scale belongs to one.
    ///
    /// - Parameter readsScales: Whether the scales' values are checked too, not only the headers.
    /// - Throws: `QuantizationError` about the first fault.
    public func validate(readsScales: Bool = true) throws(QuantizationError) {
        let quantized = quantizedLayers
        let layers = Set(quantized)
        for layer in quantized { _ = try linear(layer, readsScales: readsScales) }
        for tensor in checkpoint.tensors {
            for suffix in [".weight_scale", ".weight_scale_inv", ".input_scale"] where tensor.name.hasSuffix(suffix) {
                guard !layers.contains(String(tensor.name.dropLast(suffix.count))) else { continue }
                throw fault(tensor, "there is no quantised weight that it could be a scale of")
            }
        }
    }

    /// A linear layer.
    ///
    /// - Parameters:
    ///   - name: The layer, as `model.layers.0.mlp.up_proj`.
    ///   - outputs: The rows that its weight must have; nil to take what is there.
    ///   - inputs: The columns that its weight must have.
    ///   - readsScales: Whether to read and check the scales' values. Without, only headers are read, and the layer's
    ///     `inputScale` and `outputScale` are nil; their tensors are named all the same.
    /// - Returns: The layer; its scheme has no weight when the weight is stored as plain floats.
    /// - Throws: `QuantizationError` when a tensor is missing, has another type or shape than the scheme says, or a scale
    ///   is not a positive finite number.
    public func linear(
        _ name: String,
        outputs: Int? = nil,
        inputs: Int? = nil,
        readsScales: Bool = true
    ) throws(QuantizationError) -> QuantizedLinear {
        guard let weight = checkpoint[name + ".weight"] else {
            throw QuantizationError(
                file: checkpoint.folder,
                tensor: name + ".weight",
                reason: "is missing; the files have \(checkpoint.tensors.count) others"
            )
        }
        let scheme = configuration?.scheme(ofLayer: name) ?? QuantizationScheme(weight: nil)
        guard weight.shape.count == 2 else {
            throw fault(weight, "has shape \(weight.shape), but a linear layer's weight has two extents")
        }
        guard weight.shape.allSatisfy({ $0 > 0 }) else {
            throw fault(weight, "has shape \(weight.shape), but a linear layer's weight has no extent of 0")
        }
        var columns = weight.shape[1]
        if let quantized = scheme.weight {
            let stored = weight.type
            if quantized.element == .f4e2m1 {
                guard stored == .u8 || stored == .f4e2m1 else {
                    throw fault(weight, "is \(stored), but the scheme \(scheme) stores U8 with two elements each")
                }
                if stored == .u8 {
                    // The product fits: no extent is 0, so the file has a byte for every two columns.
                    columns *= 2
                }
            } else if stored != quantized.element {
                throw fault(weight, "is \(stored), but the scheme \(scheme) stores \(quantized.element)")
            }
        } else if !weight.type.isDecodable || weight.type.bitWidth < 16 {
            throw fault(
                weight,
                "is \(weight.type), but config.json says that the layer is not quantised: check exclude and the scheme"
            )
        }
        if let outputs, outputs != weight.shape[0] {
            throw fault(weight, "has \(weight.shape[0]) rows, the model needs \(outputs)")
        }
        if let inputs, inputs != columns {
            throw fault(weight, "has \(columns) columns, the model needs \(inputs)")
        }
        let scales = try weightScales(of: name, weight, scheme, columns: columns)
        let input = try activationScale(name, "input_scale", scheme.input)
        let output = try activationScale(name, "output_scale", scheme.output)
        if readsScales, let scales { try scales.checkScales(areExponents: scheme.weight?.element == .f4e2m1) }
        return QuantizedLinear(
            name: name,
            outputs: weight.shape[0],
            inputs: columns,
            scheme: scheme,
            weight: weight,
            weightScales: scales,
            inputScales: input,
            outputScales: output,
            inputScale: readsScales ? try input?.scale() : nil,
            outputScale: readsScales ? try output?.scale() : nil
        )
    }

    private func scales(of name: String) -> TensorView? {
        checkpoint[name + ".weight_scale"] ?? checkpoint[name + ".weight_scale_inv"]
    }

    private func weightScales(
        of name: String,
        _ weight: TensorView,
        _ scheme: QuantizationScheme,
        columns: Int
    ) throws(QuantizationError) -> TensorView? {
        let found = scales(of: name)
        guard let quantized = scheme.weight else {
            guard let found else { return nil }
            throw fault(found, "config.json says that \(name) is not quantised: check exclude and the scheme")
        }
        guard let found else {
            throw QuantizationError(
                file: weight.path,
                tensor: name + ".weight_scale",
                reason: "is missing; the scheme \(scheme) of \(weight.name) needs it"
            )
        }
        if case .perGroup(let size) = quantized.granularity, !columns.isMultiple(of: size) {
            throw fault(weight, "has \(columns) columns, which blocks of \(size) do not divide")
        }
        let expected = quantized.scaleShape(rows: weight.shape[0], columns: columns)
        // One scale is written with or without an extent of 1, one for each row likewise.
        let accepted = [expected, expected.isEmpty ? [1] : expected.count == 1 ? expected + [1] : expected]
        guard accepted.contains(found.shape) else {
            throw fault(found, "has shape \(found.shape), the scheme \(scheme) needs \(expected)")
        }
        try found.checkScaleType(areExponents: quantized.element == .f4e2m1)
        return found
    }

    private func activationScale(
        _ name: String,
        _ suffix: String,
        _ scheme: TensorScheme?
    ) throws(QuantizationError) -> TensorView? {
        guard let scheme, !scheme.isDynamic, scheme.granularity == .perTensor else { return nil }
        guard let tensor = checkpoint["\(name).\(suffix)"] else {
            // Older FP8 exports keep the scales of the KV cache elsewhere; those of inputs have to be there.
            throw QuantizationError(
                file: checkpoint.folder,
                tensor: "\(name).\(suffix)",
                reason: "is missing; the scheme of \(name) has stored activation scales"
            )
        }
        try tensor.checkScaleStandsAlone()
        return tensor
    }

    private func fault(_ tensor: TensorView, _ reason: String) -> QuantizationError {
        QuantizationError(file: tensor.path, tensor: tensor.name, reason: reason)
    }
}
