internal import CNumerics
public import Numerics

/// A quantised matrix: its codes and scales as a checkpoint stores them.
public struct QuantizedTensor: Sendable, Equatable {
    /// How it is quantised.
    public let scheme: TensorScheme
    /// The rows.
    public let rows: Int
    /// The columns, in elements.
    public let columns: Int
    /// The codes, row-major, E2M1 two to a byte.
    public internal(set) var codes: [UInt8]
    /// The scales in the order of `TensorScheme.scaleShape`, as bytes of `scaleType`.
    public internal(set) var scales: [UInt8]
    /// The type of the scales; E8M0 is stored as U8 beside E2M1.
    public let scaleType: ElementType

    /// The values that the codes and scales mean.
    ///
    /// - Returns: `rows * columns` values, row-major.
    public func dequantized() -> [Float] {
        var values = [Float](repeating: 0, count: rows * columns)
        values.withUnsafeMutableBufferPointer { dequantize(into: $0) }
        return values
    }

    /// Writes the values that the codes and scales mean.
    ///
    /// - Parameters:
    ///   - values: Room for `rows * columns` values, row-major.
    ///   - parallel: Where to compute.
    /// - Precondition: The count agrees.
    public func dequantize(into values: UnsafeMutableBufferPointer<Float>, parallel: ParallelFor = inSequence) {
        precondition(values.count == rows * columns, "\(rows) times \(columns) values into \(values.count)")
        let chunk = 64
        codes.withUnsafeBytes { codes in
            scales.withUnsafeBytes { scales in
                nonisolated(unsafe) let (values, codes, scales) = (values, codes, scales)
                parallel((rows + chunk - 1) / chunk) { index in
                    let range = index * chunk..<min((index + 1) * chunk, rows)
                    scheme.dequantize(
                        codes: codes,
                        scales: scales,
                        scaleType: scaleType,
                        columns: columns,
                        rows: range,
                        into: UnsafeMutableBufferPointer(
                            rebasing: values[range.lowerBound * columns..<range.upperBound * columns]
                        )
                    )
                }
            }
        }
    }
}

extension TensorScheme {
    /// The scale that brings a largest magnitude to the largest number of the format, as it will be stored.
    ///
    /// The quotient is rounded to the stored type first and used rounded, so that codes are made with the scale that
    /// readers see. Nothing but zeros gets 1: a scale of zero would be no scale. No scale is below the stored type's least
    /// normal number (2^-14 of float16): below it the rounded quotient is so coarse that the largest values would be cut
    /// off, or is zero, while FP8 has the room to hold smaller values.
    ///
    /// - Parameters:
    ///   - absmax: The largest magnitude, finite.
    ///   - element: FP8.
    ///   - storedAs: BF16, F16 or F32.
    /// - Returns: The scale.
    public static func absmaxScale(_ absmax: Float, element: ElementType, storedAs: ElementType) -> Float {
        guard absmax > 0, let largest = element.largestFinite else { return 1 }
        let scale = storedAs.encode([absmax / largest], overflow: .saturates)
        let value = scale.withUnsafeBytes { storedAs.decode($0, count: 1)[0] }
        return max(value, storedAs == .f16 ? 0x1p-14 : .leastNormalMagnitude)
    }

    /// Rounds a matrix to the nearest codes, with scales from the largest magnitudes.
    ///
    /// - Parameters:
    ///   - values: The matrix, row-major.
    ///   - rows: Its rows.
    ///   - columns: Its columns.
    ///   - scaleType: The type that FP8's scales are stored in; MXFP4 has E8M0.
    ///   - name: The tensor, for errors.
    ///   - parallel: Where to compute.
    /// - Returns: The codes and scales.
    /// - Throws: `QuantizationError` when the scheme does not fit the shape or a value is not finite.
    public func quantize(
        _ values: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        scaleType: ElementType = .bf16,
        name: String = "weight",
        parallel: ParallelFor = inSequence
    ) throws(QuantizationError) -> QuantizedTensor {
        try check(values, rows: rows, columns: columns, scaleType: scaleType, name: name)
        let chunk = 64
        let chunks = (rows + chunk - 1) / chunk
        if element == .f4e2m1 {
            var codes = [UInt8](repeating: 0, count: values.count / 2)
            var scales = [UInt8](repeating: 0, count: values.count / MXFP4.blockSize)
            codes.withUnsafeMutableBytes { codes in
                scales.withUnsafeMutableBytes { scales in
                    nonisolated(unsafe) let (values, codes, scales) = (values, codes, scales)
                    parallel(chunks) { index in
                        let range = index * chunk * columns..<min((index + 1) * chunk, rows) * columns
                        let groups = range.lowerBound / MXFP4.blockSize..<range.upperBound / MXFP4.blockSize
                        MXFP4.encode(
                            UnsafeBufferPointer(rebasing: values[range]),
                            packed: UnsafeMutableRawBufferPointer(
                                rebasing: codes[range.lowerBound / 2..<range.upperBound / 2]
                            ),
                            scales: UnsafeMutableRawBufferPointer(rebasing: scales[groups])
                        )
                    }
                }
            }
            return QuantizedTensor(
                scheme: self,
                rows: rows,
                columns: columns,
                codes: codes,
                scales: scales,
                scaleType: .e8m0
            )
        }
        let scales = absmaxScales(values, rows: rows, columns: columns, storedAs: scaleType)
        var codes = [UInt8](repeating: 0, count: values.count)
        let layout = ScaleLayout(self, columns: columns)
        codes.withUnsafeMutableBytes { codes in
            nonisolated(unsafe) let (values, codes) = (values, codes)
            parallel(chunks) { index in
                for row in index * chunk..<min((index + 1) * chunk, rows) {
                    for (start, end, scale) in layout.pieces(row: row) {
                        let range = row * columns + start..<row * columns + end
                        element.encode(
                            UnsafeBufferPointer(rebasing: values[range]),
                            scale: scales[scale],
                            into: UnsafeMutableRawBufferPointer(rebasing: codes[range])
                        )
                    }
                }
            }
        }
        return QuantizedTensor(
            scheme: self,
            rows: rows,
            columns: columns,
            codes: codes,
            scales: scaleType.encode(scales),
            scaleType: scaleType
        )
    }

    /// The scales of an FP8 matrix, one for each element of `scaleShape`.
    func absmaxScales(
        _ values: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        storedAs: ElementType
    ) -> [Float] {
        let layout = ScaleLayout(self, columns: columns)
        var largest = [Float](repeating: 0, count: scaleShape(rows: rows, columns: columns).reduce(1, *))
        for row in 0..<rows {
            for (start, end, index) in layout.pieces(row: row) {
                let piece = UnsafeBufferPointer(rebasing: values[row * columns + start..<row * columns + end])
                largest[index] = max(largest[index], piece.largestMagnitude)
            }
        }
        return largest.map { Self.absmaxScale($0, element: element, storedAs: storedAs) }
    }

    func check(
        _ values: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        scaleType: ElementType,
        name: String
    ) throws(QuantizationError) {
        func fault(_ reason: String) -> QuantizationError {
            QuantizationError(file: "quantisation", tensor: name, reason: reason)
        }
        precondition(
            rows >= 0 && columns >= 0 && values.count == rows * columns,
            "\(name): the shape is not the buffer's"
        )
        guard [.f4e2m1, .f8e4m3, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz].contains(element) else {
            throw fault("cannot be quantised to \(element); known are MXFP4 and FP8")
        }
        if element == .f4e2m1 {
            guard granularity == .perGroup(MXFP4.blockSize) else {
                throw fault("E2M1 is quantised as MXFP4 alone, in groups of \(MXFP4.blockSize)")
            }
        } else if ![.f32, .bf16, .f16].contains(scaleType) {
            throw fault("scales cannot be stored as \(scaleType); known are F32, BF16 and F16")
        }
        if case .perGroup(let size) = granularity, size < 1 || !columns.isMultiple(of: size) {
            throw fault("has \(columns) columns, which blocks of \(size) do not divide")
        }
        if case .perBlock(let height, let width) = granularity, height < 1 || width < 1 {
            throw fault("blocks of \(height) by \(width) have no elements")
        }
        if !values.largestMagnitude.isFinite, let index = values.firstIndex(where: { !$0.isFinite }) {
            throw fault("row \(index / columns), column \(index % columns) is \(values[index])")
        }
    }
}

/// Which piece of a row has which scale.
struct ScaleLayout {
    private let columns: Int
    private let width: Int
    private let granularity: TensorScheme.Granularity

    init(_ scheme: TensorScheme, columns: Int) {
        self.columns = columns
        granularity = scheme.granularity
        switch scheme.granularity {
        case .perTensor, .perChannel: width = max(columns, 1)
        case .perGroup(let size): width = size
        case .perBlock(_, let size): width = size
        }
    }

    /// The position of the scale of an element.
    func index(row: Int, column: Int) -> Int {
        let perRow = (columns + width - 1) / width
        return switch granularity {
        case .perTensor: 0
        case .perChannel: row
        case .perGroup: row * perRow + column / width
        case .perBlock(let height, _): row / height * perRow + column / width
        }
    }

    func pieces(row: Int) -> some Sequence<(start: Int, end: Int, scale: Int)> {
        stride(from: 0, to: columns, by: width).lazy.map { start in
            (start, min(start + width, columns), index(row: row, column: start))
        }
    }
}
