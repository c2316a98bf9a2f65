import CPluginAPI
import Kernels
import Numerics
import PluginAPI
import Quantization

/// How a placement is made of its sources; the numbers in them are checked on the way.
enum PlacementFill: Sendable {
    /// MXFP4 matrices under each other, packed for `podium_gemm_mxfp4`; of each the codes and the scales.
    case packed([MXFP4Matrix], columns: Int, for: podium_backend)
    /// Two MXFP4 matrices of one shape, packed for `podium_gemm_mxfp4_silu_gate`.
    case packedPair(gate: MXFP4Matrix, up: MXFP4Matrix, columns: Int, for: podium_backend)
    /// float32 for each row of an E4M3 matrix: its scale; the matrix, whose codes are checked, and its scales.
    case rowScales(rows: Int, weight: TensorName, scales: StoredScales)
    /// A quantised matrix as plain floats; codes and scales.
    case dequantized(TensorScheme, rows: Int, columns: Int, as: ElementType, weight: TensorName, scales: StoredScales)
    /// Vectors behind each other as float32.
    case vectors([ElementType])
    /// Scales that stand alone as float32.
    case scalars([StoredScales])

    /// A tensor, for errors.
    struct TensorName: Sendable {
        let name: String
        let file: String

        init(_ tensor: TensorView) { (name, file) = (tensor.name, tensor.path) }

        func fault(_ reason: String) -> QuantizationError {
            QuantizationError(file: file, tensor: name, reason: reason)
        }
    }

    /// A part of a packed placement.
    struct MXFP4Matrix: Sendable {
        let rows: Int
        let scales: StoredScales
    }

    /// Fills the placement.
    ///
    /// - Parameters:
    ///   - destination: Room for its whole size; every byte is written.
    ///   - sources: The bytes of its tensors, in their order.
    /// - Throws: `QuantizationError` about a scale or a code that is no number; `PluginError` for sources that are not
    ///   those declared.
    func fill(_ destination: UnsafeMutableRawPointer, from sources: [UnsafeRawBufferPointer]) throws {
        switch self {
        case .packed(let matrices, let columns, let backend):
            try pack(matrices, columns, backend, destination, sources)
        case .packedPair(let gate, let up, let columns, let backend):
            try check(gate, columns, sources[safe: 0], sources[safe: 1])
            try check(up, columns, sources[safe: 2], sources[safe: 3])
            let bytes = sources.map { $0.baseAddress?.assumingMemoryBound(to: UInt8.self) }
            podium_pack_mxfp4_pair(
                backend,
                destination,
                Int32(gate.rows),
                Int32(columns),
                bytes[0],
                bytes[1],
                bytes[2],
                bytes[3]
            )
        case .rowScales(let rows, let weight, let scales):
            guard sources.count == 2, sources[0].count.isMultiple(of: rows) else { throw Self.wrongSources }
            if let index = Self.firstNaN(sources[0]) {
                let columns = sources[0].count / rows
                throw weight.fault("row \(index / columns), column \(index % columns) is NaN")
            }
            let values = try scales.values(sources[1])
            guard values.count == 1 || values.count == rows else { throw Self.wrongSources }
            let floats = destination.assumingMemoryBound(to: Float.self)
            for row in 0..<rows { floats[row] = values[values.count == 1 ? 0 : row] }
        case .dequantized(let scheme, let rows, let columns, let type, let weight, let scales):
            guard sources.count == 2 else { throw Self.wrongSources }
            try scales.check(sources[1])
            try dequantize(scheme, rows, columns, type, weight, scales.type, destination, sources)
        case .vectors(let types):
            guard sources.count == types.count else { throw Self.wrongSources }
            var floats = destination.assumingMemoryBound(to: Float.self)
            for (source, type) in zip(sources, types) {
                let count = source.count * 8 / type.bitWidth
                type.decode(source, into: UnsafeMutableBufferPointer(start: floats, count: count))
                floats += count
            }
        case .scalars(let scales):
            guard sources.count == scales.count else { throw Self.wrongSources }
            let floats = destination.assumingMemoryBound(to: Float.self)
            for (index, (source, scale)) in zip(sources, scales).enumerated() {
                floats[index] = try scale.values(source).first ?? .nan
            }
        }
    }

    private static let wrongSources = PluginError(.invalidArgument, "place: the sources are not those declared")

    private func pack(
        _ matrices: [MXFP4Matrix],
        _ columns: Int,
        _ backend: podium_backend,
        _ destination: UnsafeMutableRawPointer,
        _ sources: [UnsafeRawBufferPointer]
    ) throws {
        let rows = matrices.reduce(0) { $0 + $1.rows }
        var first = 0
        for (index, matrix) in matrices.enumerated() {
            let (codes, scales) = (sources[safe: 2 * index], sources[safe: 2 * index + 1])
            try check(matrix, columns, codes, scales)
            podium_pack_mxfp4(
                backend,
                destination,
                Int32(rows),
                Int32(columns),
                Int32(first),
                Int32(matrix.rows),
                codes?.baseAddress?.assumingMemoryBound(to: UInt8.self),
                scales?.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            first += matrix.rows
        }
    }

    private func check(
        _ matrix: MXFP4Matrix,
        _ columns: Int,
        _ codes: UnsafeRawBufferPointer?,
        _ scales: UnsafeRawBufferPointer?
    ) throws {
        guard let codes, let scales, codes.count == matrix.rows * columns / 2,
            scales.count == matrix.rows * columns / MXFP4.blockSize
        else { throw Self.wrongSources }
        try matrix.scales.check(scales)
    }

    /// So many elements are decoded at a time, so that the floats stay in the cache.
    private static let piece = 1 << 15

    private func dequantize(
        _ scheme: TensorScheme,
        _ rows: Int,
        _ columns: Int,
        _ type: ElementType,
        _ weight: TensorName,
        _ scaleType: ElementType,
        _ destination: UnsafeMutableRawPointer,
        _ sources: [UnsafeRawBufferPointer]
    ) throws {
        let height = max(1, Self.piece / columns)
        let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: height * columns)
        defer { floats.deallocate() }
        for first in stride(from: 0, to: rows, by: height) {
            let range = first..<min(first + height, rows)
            let values = UnsafeMutableBufferPointer(rebasing: floats[..<(range.count * columns)])
            scheme.dequantize(
                codes: sources[0],
                scales: sources[1],
                scaleType: scaleType == .u8 ? .e8m0 : scaleType,
                columns: columns,
                rows: range,
                into: values
            )
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw weight.fault("row \(first + index / columns), column \(index % columns) is \(values[index])")
            }
            let size = columns * type.bitWidth / 8
            type.encode(
                UnsafeBufferPointer(values),
                into: UnsafeMutableRawBufferPointer(start: destination + first * size, count: range.count * size)
            )
        }
    }

    /// The first NaN among E4M3 codes: all bits but the sign are set.
    private static func firstNaN(_ codes: UnsafeRawBufferPointer) -> Int? {
        let piece = 4096
        for start in stride(from: 0, to: codes.count, by: piece) {
            let end = min(start + piece, codes.count)
            var found: UInt8 = 0
            for index in start..<end { found |= (codes[index] & 0x7F) &+ 1 }
            // Bit 7 of the sum is set where the seven bits were all ones, and nowhere else.
            if found & 0x80 != 0 { return (start..<end).first { codes[$0] & 0x7F == 0x7F } }
        }
        return nil
    }
}

extension Array {
    /// The element, nil beyond the end.
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
