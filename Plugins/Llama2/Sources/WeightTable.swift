import CPluginAPI
import Numerics
import PluginAPI
import Quantization

/// The tensors and placements that are declared to the host, as they are gathered.
///
/// A tensor is declared once however often it is used; it is flagged as a mere source unless somebody binds it.
struct WeightTable: Sendable {
    private(set) var tensors: [TensorDeclaration] = []
    private(set) var placements: [PlacementDeclaration] = []
    private(set) var fills: [PlacementFill] = []
    /// The placement of all scales that stand alone, float32 in the order in which they were asked for.
    private(set) var scalars: Int?
    private var scalarTensors: [TensorView] = []
    private var indices: [String: Int] = [:]

    /// Declares a tensor that is bound as it stands in the file.
    ///
    /// - Returns: Its index among the tensors.
    mutating func bind(_ tensor: TensorView) -> Int {
        let index = declare(tensor)
        tensors[index].flags &= ~UInt32(MLP_TENSOR_SOURCE)
        return index
    }

    /// Declares a placement and its sources.
    ///
    /// - Parameters:
    ///   - name: For messages; unique.
    ///   - sources: What it is made of.
    ///   - size: Its bytes.
    ///   - fill: How it is made.
    /// - Returns: Its index among the placements.
    mutating func place(_ name: String, from sources: [TensorView], size: Int, _ fill: PlacementFill) -> Int {
        placements.append(
            PlacementDeclaration(
                name: name,
                sources: sources.map { UInt32(declare($0)) },
                size: UInt64(size)
            )
        )
        fills.append(fill)
        return placements.count - 1
    }

    /// Declares a scale that stands alone.
    ///
    /// - Returns: Its index among the scalars.
    mutating func scalar(_ tensor: TensorView) -> Int {
        if let known = scalarTensors.firstIndex(where: { $0.name == tensor.name }) { return known }
        _ = declare(tensor)
        scalarTensors.append(tensor)
        return scalarTensors.count - 1
    }

    /// Declares the placement of the scalars; nothing is declared after it.
    mutating func finish() {
        guard !scalarTensors.isEmpty else { return }
        scalars = place(
            "scales of activations and cache",
            from: scalarTensors,
            size: scalarTensors.count * MemoryLayout<Float>.stride,
            .scalars(scalarTensors.map(\.storedScales))
        )
        // The views keep the files mapped, and the host maps them itself.
        scalarTensors = []
    }

    private mutating func declare(_ tensor: TensorView) -> Int {
        if let known = indices[tensor.name] { return known }
        tensors.append(
            TensorDeclaration(
                name: tensor.name,
                shape: tensor.shape.map(UInt64.init),
                dtype: Int32(tensor.type.contract),
                flags: UInt32(MLP_TENSOR_SOURCE)
            )
        )
        indices[tensor.name] = tensors.count - 1
        return tensors.count - 1
    }
}

extension ElementType {
    /// The contract's number for the type (MLP_F32, ...).
    fileprivate var contract: Int {
        switch self {
        case .f64: MLP_F64
        case .f32: MLP_F32
        case .f16: MLP_F16
        case .bf16: MLP_BF16
        case .f8e4m3: MLP_F8E4M3
        case .f8e4m3fnuz: MLP_F8E4M3FNUZ
        case .f8e5m2: MLP_F8E5M2
        case .f4e2m1: MLP_F4E2M1
        case .e8m0: MLP_E8M0
        case .i8: MLP_I8
        case .u8: MLP_U8
        case .i16: MLP_I16
        case .i32: MLP_I32
        case .i64: MLP_I64
        case .bool: MLP_BOOL
        // No tensor of another type gets as far as a declaration: layers and scales have one of the types above.
        default: 0
        }
    }
}
