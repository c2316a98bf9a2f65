import CPluginAPI
import PluginAPI
import Quantization

/// The weights as the host put them on the device.
struct BoundWeights {
    private let tensors: [UnsafeRawPointer?]
    private let placements: [UnsafeRawPointer]
    private let scalars: [Float]
    /// Bytes of the tensors; placements are not among them.
    let tensorByteCount: Int
    /// Bytes of the placements.
    let placedByteCount: Int

    /// Takes the addresses.
    ///
    /// - Parameters:
    ///   - declared: What was declared.
    ///   - bound: The tensors; a mere source of placements has no address.
    ///   - placed: The placements.
    ///   - scalars: What was placed of the scales that stand alone: they are arguments of launches, so that the host needs
    ///     them where it does not read the device's memory.
    /// - Throws: `PluginError` when one is missing.
    init(
        _ declared: LlamaTensors,
        bound: UnsafeBufferPointer<mlp_bound>,
        placed: UnsafeBufferPointer<mlp_bound>,
        scalars: [Float]
    ) throws {
        guard bound.count == declared.declarations.count, placed.count == declared.placements.count else {
            throw PluginError(
                .invalidArgument,
                "bind: \(bound.count) tensors and \(placed.count) placements for the \(declared.declarations.count) and "
                    + "\(declared.placements.count) declared"
            )
        }
        tensors = try zip(bound, declared.declarations).map { bound, tensor in
            let isSource = tensor.flags & UInt32(MLP_TENSOR_SOURCE) != 0
            guard bound.data != nil || isSource else {
                throw PluginError(.invalidArgument, "bind: no memory for \(tensor.name)")
            }
            return UnsafeRawPointer(bound.data)
        }
        placements = try zip(placed, declared.placements).map { bound, placement in
            guard let data = bound.data else {
                throw PluginError(.invalidArgument, "bind: no memory for \(placement.name)")
            }
            return UnsafeRawPointer(data)
        }
        tensorByteCount = bound.reduce(0) { $0 + Int(clamping: $1.size) }
        placedByteCount = placed.reduce(0) { $0 + Int(clamping: $1.size) }
        guard scalars.count == declared.scalarCount else {
            throw PluginError(
                .invalidArgument,
                "bind: \(scalars.count) scales of activations and cache for the \(declared.scalarCount) declared"
            )
        }
        self.scalars = scalars
    }

    /// An address on the device.
    subscript(location: LinearLayer.Location) -> UnsafeRawPointer? {
        switch location {
        case .tensor(let index): tensors[index]
        case .placement(let index): placements[index]
        }
    }

    /// A scale that stands alone.
    subscript(scalar index: Int) -> Float { scalars[index] }

    /// Whether two layers round their input to the same numbers.
    func haveOneInput(_ first: LinearLayer, _ second: LinearLayer) -> Bool {
        if case .fp8(let one) = first.input, case .fp8(let other) = second.input {
            return scalars[one] == scalars[other]
        }
        return first.input == second.input
    }

    /// The scales of the key-value cache in a layer; 1 where it has none.
    func cacheScales(_ plan: KVCachePlan, layer: Int) -> (key: Float, value: Float) {
        switch plan.scales {
        case .none: (1, 1)
        case .scalars(let indices): (scalars[indices[layer].key], scalars[indices[layer].value])
        case .known(let layers): (layers[layer].key, layers[layer].value)
        }
    }
}
