import Kernels
import Numerics
import PluginAPI
import Quantization

/// Decides how each linear layer of a checkpoint is stored and computed, and declares what that takes.
///
/// What the kernels take as it is stays as it is: plain floats and E4M3 with a scale for the tensor or each row are bound
/// to the file, MXFP4 is packed. Everything else becomes plain floats that mean exactly the same: bfloat16 for MXFP4
/// (whose numbers have two significant bits), float32 for the rest.
struct LinearLayers {
    /// A layer found in the checkpoint, with what is done to its activations.
    struct Found {
        var layer: QuantizedLinear
        var input: LinearLayer.Input
        var output: TensorView?
        var bias: TensorView?

        /// Whether the packed kernels take it, and one of them may take it together with others.
        var isPacked: Bool { input.isBlocks }
        /// Whether it can share a launch with another.
        var isFree: Bool { output == nil }
    }

    let checkpoint: QuantizedCheckpoint
    let choice: ActivationChoice
    /// What packed weights are laid out for.
    let backend: podium_backend
    /// How many layers are computed in which way.
    private(set) var counts: [(what: String, count: Int)] = []

    init(_ checkpoint: QuantizedCheckpoint, _ choice: ActivationChoice, _ backend: podium_backend) {
        self.checkpoint = checkpoint
        self.choice = choice
        self.backend = backend
    }

    /// Finds a layer and checks its headers.
    ///
    /// `bias` says whether it has one, `isCached` whether its output is what the
    /// key-value cache rounds.
    ///
    /// Throws `QuantizationError` for tensors that are not as the scheme and config.json say, and `PluginError` for a
    /// scheme that `exact` activations have no kernel for.
    mutating func find(
        _ name: String,
        outputs: Int,
        inputs: Int,
        bias: Bool = false,
        isCached: Bool = false,
        _ table: inout WeightTable
    ) throws -> Found {
        let layer = try checkpoint.linear(name, outputs: outputs, inputs: inputs, readsScales: false)
        guard layer.scheme.weight != nil || layer.weight.type.podium != nil else {
            let fault = SafetensorsError(
                file: layer.weight.path,
                tensor: layer.weight.name,
                reason: "has dtype \(layer.weight.type); this plugin computes with F32, BF16 and F16 weights"
            )
            throw PluginError(.unsupported, fault.description)
        }
        var biasTensor: TensorView?
        if bias {
            let tensor = try checkpoint.checkpoint.tensor(named: name + ".bias")
            guard tensor.shape == [outputs], tensor.type.podium != nil else {
                throw SafetensorsError(
                    file: tensor.path,
                    tensor: tensor.name,
                    reason: "is \(tensor.type) \(tensor.shape), but F32, BF16 or F16 [\(outputs)] is needed"
                )
            }
            biasTensor = tensor
        }
        let input = try input(of: layer, &table)
        var output: TensorView?
        if choice == .exact, !isCached, let scheme = layer.scheme.output {
            guard scheme.isStoredE4M3, let tensor = layer.outputScales else {
                throw unsupported(layer, "outputs")
            }
            output = tensor
        }
        count(layer, isCached: isCached, input, output)
        return Found(layer: layer, input: input, output: output, bias: biasTensor)
    }

    private func input(of layer: QuantizedLinear, _ table: inout WeightTable) throws -> LinearLayer.Input {
        let isMXFP4 = layer.scheme.weight == .mxfp4()
        if choice == .fast {
            guard isMXFP4 else { return .asItIs }
            // gfx950 multiplies MXFP4 by MXFP4 alone; inputs that are not that already stay numbers.
            guard backend == PODIUM_BACKEND_GFX950 else { return .int8Blocks }
            return layer.scheme.input == .mxfp4(isDynamic: true) ? .mxfp4Blocks : .asItIs
        }
        guard let scheme = layer.scheme.input else { return .asItIs }
        if isMXFP4, scheme == .mxfp4(isDynamic: true) { return .mxfp4Blocks }
        guard scheme.isStoredE4M3, let tensor = layer.inputScales else { throw unsupported(layer, "inputs") }
        return .fp8(scale: table.scalar(tensor))
    }

    private func unsupported(_ layer: QuantizedLinear, _ what: String) -> PluginError {
        PluginError(
            .unsupported,
            "\(layer.weight.path): layer \(layer.name): \(what) quantised as in \(layer.scheme) are not computed; choose "
                + "model_config.activations=fast, which does not round them"
        )
    }

    private mutating func count(
        _ layer: QuantizedLinear,
        isCached: Bool,
        _ input: LinearLayer.Input,
        _ output: TensorView?
    ) {
        let activations =
            switch input {
            case .asItIs: "float32 inputs"
            case .fp8: "inputs rounded to FP8 E4M3"
            case .int8Blocks: "inputs in int8 blocks of 32"
            case .mxfp4Blocks: "inputs rounded to MXFP4"
            }
        var scheme = layer.scheme
        if isCached { scheme.output = nil }
        let name = scheme.weight == nil ? "\(layer.weight.type)" : "\(scheme)"
        var what = "\(name) (\(activations)\(output == nil ? "" : ", outputs rounded to FP8 E4M3")"
        if let type = plainType(layer, input) { what += ", weights dequantised to \(type)" }
        count(what + ")")
    }

    /// Counts an output head that is the embedding, of this type.
    mutating func countTied(_ type: ElementType) { count("\(type) (float32 inputs)") }

    private mutating func count(_ what: String) {
        if let index = counts.firstIndex(where: { $0.what == what }) {
            counts[index].count += 1
        } else {
            counts.append((what, 1))
        }
    }

    /// The type of the plain floats that a layer's quantised weight becomes, nil if the kernels take it as it is.
    private func plainType(_ layer: QuantizedLinear, _ input: LinearLayer.Input) -> ElementType? {
        guard let scheme = layer.scheme.weight else { return nil }
        if scheme == .mxfp4() { return input.isBlocks ? nil : .bf16 }
        if scheme.element == .f8e4m3, [.perTensor, .perChannel].contains(scheme.granularity) { return nil }
        return .f32
    }

    // MARK: Declaring

    /// Declares one layer.
    func declare(_ found: Found, _ table: inout WeightTable) throws -> LinearLayer {
        let layer = found.layer
        if found.isPacked { return try declarePacked([found], layer.name, &table) }
        let bias = found.bias.map { tensor in
            LinearLayer.Vector(location: .tensor(table.bind(tensor)), type: tensor.type.podium ?? PODIUM_F32)
        }
        return LinearLayer(
            outputs: layer.outputs,
            inputs: layer.inputs,
            weight: weight(found, &table),
            bias: bias,
            input: found.input,
            outputScale: found.output.map { table.scalar($0) }
        )
    }

    private func weight(_ found: Found, _ table: inout WeightTable) -> LinearLayer.Weight {
        let layer = found.layer
        guard let scheme = layer.scheme.weight, let scales = layer.weightScales else {
            let vector = LinearLayer.Vector(
                location: .tensor(table.bind(layer.weight)),
                type: layer.weight.type.podium ?? PODIUM_F32
            )
            return .rows(vector, scales: nil)
        }
        guard let type = plainType(layer, found.input) else {
            let placement = table.place(
                "\(layer.name).row_scales",
                from: [layer.weight, scales],
                size: layer.outputs * MemoryLayout<Float>.stride,
                .rowScales(
                    rows: layer.outputs,
                    weight: PlacementFill.TensorName(layer.weight),
                    scales: scales.storedScales
                )
            )
            let vector = LinearLayer.Vector(location: .tensor(table.bind(layer.weight)), type: PODIUM_F8E4M3)
            return .rows(vector, scales: .placement(placement))
        }
        let placement = table.place(
            "\(layer.name).\(type)",
            from: [layer.weight, scales],
            size: layer.outputs * layer.inputs * type.bitWidth / 8,
            .dequantized(
                scheme,
                rows: layer.outputs,
                columns: layer.inputs,
                as: type,
                weight: PlacementFill.TensorName(layer.weight),
                scales: scales.storedScales
            )
        )
        return .rows(LinearLayer.Vector(location: .placement(placement), type: type.podium ?? PODIUM_F32), scales: nil)
    }

    /// Declares packed layers as one whose outputs are theirs, one after the other.
    func declarePacked(_ parts: [Found], _ name: String, _ table: inout WeightTable) throws -> LinearLayer {
        let outputs = parts.reduce(0) { $0 + $1.layer.outputs }
        let inputs = parts.first?.layer.inputs ?? 0
        let placement = table.place(
            name + packedSuffix,
            from: parts.flatMap { [$0.layer.weight, $0.layer.weightScales].compactMap(\.self) },
            size: podium_packed_mxfp4_size(backend, Int32(outputs), Int32(inputs)),
            .packed(parts.map(Self.matrix), columns: inputs, for: backend)
        )
        let biases = parts.compactMap(\.bias)
        var bias: LinearLayer.Vector?
        if !biases.isEmpty {
            let vector = table.place(
                "\(name).bias",
                from: biases,
                size: outputs * MemoryLayout<Float>.stride,
                .vectors(biases.map(\.type))
            )
            bias = LinearLayer.Vector(location: .placement(vector), type: PODIUM_F32)
        }
        return LinearLayer(
            outputs: outputs,
            inputs: inputs,
            weight: .packed(.placement(placement)),
            bias: bias,
            input: parts.first?.input ?? .asItIs,
            outputScale: parts.count == 1 ? parts.first?.output.map { table.scalar($0) } : nil
        )
    }

    /// Declares the gate and the up projection for the launch that takes them together.
    func declarePackedPair(_ gate: Found, _ up: Found, _ name: String, _ table: inout WeightTable) -> LinearLayer {
        let (rows, columns) = (gate.layer.outputs, gate.layer.inputs)
        let placement = table.place(
            name + packedSuffix,
            from: [gate, up].flatMap { [$0.layer.weight, $0.layer.weightScales].compactMap(\.self) },
            size: podium_packed_mxfp4_pair_size(backend, Int32(rows), Int32(columns)),
            .packedPair(gate: Self.matrix(gate), up: Self.matrix(up), columns: columns, for: backend)
        )
        return LinearLayer(
            outputs: rows,
            inputs: columns,
            weight: .packed(.placement(placement)),
            input: gate.input
        )
    }

    /// Distinguishes placements of one tensor that have another layout.
    private var packedSuffix: String { backend == PODIUM_BACKEND_GFX950 ? ".packed_gfx950" : ".packed" }

    private static func matrix(_ found: Found) -> PlacementFill.MXFP4Matrix {
        PlacementFill.MXFP4Matrix(
            rows: found.layer.outputs,
            scales: (found.layer.weightScales ?? found.layer.weight).storedScales
        )
    }
}

extension TensorScheme {
    /// Whether activations are rounded to E4M3 under one stored scale.
    fileprivate var isStoredE4M3: Bool { element == .f8e4m3 && granularity == .perTensor && !isDynamic }
}

extension ElementType {
    /// The kernels' number for a type that weights are taken in, nil for others.
    var podium: podium_dtype? {
        switch self {
        case .f32: PODIUM_F32
        case .bf16: PODIUM_BF16
        case .f16: PODIUM_F16
        case .f8e4m3: PODIUM_F8E4M3
        default: nil
        }
    }
}
