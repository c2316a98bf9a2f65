import CPluginAPI
import Numerics
import Quantization

/// The tensors of one stage, where the device reads them; those that are quantised already are replaced by what their
/// codes mean.
final class StageWeights {
    /// In the order of the stage's tensors.
    private(set) var table: [mlp_quantize_tensor] = []

    private let views: [TensorView]
    private var copies: [UnsafeMutableRawPointer] = []
    private var replacements: [Int: UnsafeMutableBufferPointer<Float>] = [:]

    /// Maps the tensors of a stage.
    ///
    /// - Parameters:
    ///   - names: The tensors.
    ///   - checkpoint: Where they are.
    /// - Throws: `QuantizeError` when one is missing or is no plain float.
    init(_ names: [String], of checkpoint: Checkpoint) throws {
        views = try QuantizeError.naming(.usage) { try names.map { try checkpoint.tensor(named: $0) } }
        for view in views {
            guard let dtype = view.type.contractFloat else {
                throw QuantizeError(
                    "\(view.path): tensor \(view.name): is \(view.type); only F32, BF16 and F16 can be quantised"
                )
            }
            view.prefetch()
            var data = view.bytes.baseAddress
            if !view.isAligned, let start = data {
                let copy = UnsafeMutableRawPointer.allocate(byteCount: view.bytes.count, alignment: 64)
                copy.copyMemory(from: start, byteCount: view.bytes.count)
                copies.append(copy)
                data = UnsafeRawPointer(copy)
            }
            table.append(mlp_quantize_tensor(data: data, size: UInt64(view.bytes.count), dtype: dtype, reserved: 0))
        }
    }

    deinit {
        for copy in copies { copy.deallocate() }
        for (_, values) in replacements { values.deallocate() }
        for view in views { view.releasePages() }
    }

    /// Puts what a quantised weight means in place of the original.
    func replace(_ position: Int, with tensor: QuantizedTensor, pool: ThreadPool) {
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.rows * tensor.columns)
        tensor.dequantize(into: values) { count, body in pool.forEach(count, body) }
        replacements.updateValue(values, forKey: position)?.deallocate()
        table[position] = mlp_quantize_tensor(
            data: UnsafeRawPointer(values.baseAddress),
            size: UInt64(values.count * MemoryLayout<Float>.stride),
            dtype: Int32(MLP_F32),
            reserved: 0
        )
        views[position].releasePages()
    }
}

extension TensorView {
    /// Calls a function with the elements as float32, widened on the pool.
    func withFloats<Result>(
        _ pool: ThreadPool,
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, count))
        defer { values.deallocate() }
        let (size, chunk) = (type.bitWidth / 8, 1 << 18)
        withBytes { bytes in
            pool.forEach((count + chunk - 1) / chunk) { index in
                let range = index * chunk..<min((index + 1) * chunk, count)
                type.decode(
                    UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * size..<range.upperBound * size]),
                    into: UnsafeMutableBufferPointer(rebasing: values[range])
                )
            }
        }
        return try body(UnsafeBufferPointer(start: values.baseAddress, count: count))
    }
}
