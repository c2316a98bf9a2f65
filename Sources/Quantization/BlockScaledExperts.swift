public import Numerics

/// The experts of gpt-oss for one product: `<name>_blocks` U8 [experts, outputs, groups, 16] and `<name>_scales` U8
/// [experts, outputs, groups], MXFP4 along the inputs.
public struct BlockScaledExperts: Sendable {
    /// The name without its ending, as `model.layers.0.mlp.experts.gate_up_proj`.
    public let name: String
    /// How many experts there are.
    public let experts: Int
    /// The rows of each expert's weight.
    public let outputs: Int
    /// The columns of each expert's weight.
    public let inputs: Int
    /// The elements, two to a byte, the first in the low half.
    public let blocks: TensorView
    /// The E8M0 scales.
    public let scales: TensorView

    /// Finds and checks both tensors.
    ///
    /// - Parameters:
    ///   - checkpoint: The checkpoint.
    ///   - name: The name without `_blocks` and `_scales`.
    /// - Throws: `QuantizationError` when one is missing, has another type or shape, or a scale is NaN.
    public init(_ checkpoint: Checkpoint, name: String) throws(QuantizationError) {
        var found: [TensorView] = []
        for suffix in ["_blocks", "_scales"] {
            guard let tensor = checkpoint[name + suffix] else {
                throw QuantizationError(
                    file: checkpoint.folder,
                    tensor: name + suffix,
                    reason: "is missing; the experts' weights are stored as _blocks and _scales"
                )
            }
            guard tensor.type == .u8 else {
                throw QuantizationError(file: tensor.path, tensor: tensor.name, reason: "is \(tensor.type), not U8")
            }
            found.append(tensor)
        }
        let shape = found[0].shape
        guard shape.count == 4, shape[3] == MXFP4.blockSize / 2, shape.allSatisfy({ $0 > 0 }) else {
            throw QuantizationError(
                file: found[0].path,
                tensor: found[0].name,
                reason: "has shape \(shape), not [experts, outputs, groups, \(MXFP4.blockSize / 2)] with no extent of 0"
            )
        }
        guard found[1].shape == Array(shape[..<3]) else {
            throw QuantizationError(
                file: found[1].path,
                tensor: found[1].name,
                reason: "has shape \(found[1].shape), the blocks need \(Array(shape[..<3]))"
            )
        }
        if let index = found[1].withBytes({ $0.firstIndex(of: 0xFF) }) {
            throw QuantizationError(file: found[1].path, tensor: found[1].name, reason: "scale \(index) is NaN")
        }
        self.name = name
        (experts, outputs, inputs) = (shape[0], shape[1], shape[2] * MXFP4.blockSize)
        (blocks, scales) = (found[0], found[1])
    }

    /// The weight of one expert as float32 [outputs, inputs], row-major.
    ///
    /// - Parameter expert: Which one.
    /// - Returns: `outputs * inputs` values.
    /// - Precondition: The expert exists.
    public func dequantized(expert: Int) -> [Float] {
        precondition((0..<experts).contains(expert), "\(name) has \(experts) experts, none of number \(expert)")
        let groups = outputs * inputs / MXFP4.blockSize
        let bytes = groups * MXFP4.blockSize / 2
        return [Float](unsafeUninitializedCapacity: outputs * inputs) { buffer, initialized in
            let values = UnsafeMutableBufferPointer(rebasing: buffer[..<(outputs * inputs)])
            blocks.withBytes { blocks in
                scales.withBytes { scales in
                    MXFP4.decode(
                        packed: UnsafeRawBufferPointer(rebasing: blocks[expert * bytes..<(expert + 1) * bytes]),
                        scales: UnsafeRawBufferPointer(rebasing: scales[expert * groups..<(expert + 1) * groups]),
                        into: values
                    )
                }
            }
            initialized = outputs * inputs
        }
    }
}
