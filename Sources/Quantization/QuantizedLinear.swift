public import Numerics

/// A linear layer of a checkpoint: its weight [outputs, inputs] and the scales that go with it, checked.
public struct QuantizedLinear: Sendable {
    /// The layer, as `model.layers.0.mlp.up_proj`.
    public let name: String
    /// The rows of the weight.
    public let outputs: Int
    /// The columns of the weight, in elements.
    public let inputs: Int
    /// How the layer is quantised; without a weight's scheme, `weight` holds plain floats.
    public let scheme: QuantizationScheme
    /// The weight as stored: E2M1 as U8 [outputs, inputs / 2], FP8, or plain floats.
    public let weight: TensorView
    /// The weight's scales, nil when it has none.
    public let weightScales: TensorView?
    /// The tensor of the stored scale of what comes in, nil when there is none.
    public let inputScales: TensorView?
    /// The tensor of the stored scale of what goes out, nil when there is none.
    public let outputScales: TensorView?
    /// The stored scale of what comes in, nil when there is none or it was not read.
    public let inputScale: Float?
    /// The stored scale of what goes out, nil when there is none or it was not read.
    public let outputScale: Float?

    /// The weights of some rows as float32: each code times its scale, rounded once.
    ///
    /// - Parameters:
    ///   - rows: Which rows.
    ///   - values: Room for `rows.count * inputs` values, row-major.
    /// - Precondition: The rows exist and the count agrees.
    public func dequantize(rows: Range<Int>, into values: UnsafeMutableBufferPointer<Float>) {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= outputs && values.count == rows.count * inputs,
            "\(name) has \(outputs) rows of \(inputs), not \(rows) in \(values.count)"
        )
        guard let quantized = scheme.weight, let scales = weightScales else {
            weight.withBytes { bytes in
                weight.type.decode(slice(bytes, rows, bytesPerRow: inputs * weight.type.bitWidth / 8), into: values)
            }
            return
        }
        weight.withBytes { codes in
            scales.withBytes { scaleBytes in
                quantized.dequantize(
                    codes: codes,
                    scales: scaleBytes,
                    scaleType: scales.type == .u8 ? .e8m0 : scales.type,
                    columns: inputs,
                    rows: rows,
                    into: values
                )
            }
        }
    }

    /// The whole weight as float32, row-major.
    ///
    /// - Returns: `outputs * inputs` values.
    public func dequantized() -> [Float] {
        [Float](unsafeUninitializedCapacity: outputs * inputs) { buffer, initialized in
            dequantize(rows: 0..<outputs, into: UnsafeMutableBufferPointer(rebasing: buffer[..<(outputs * inputs)]))
            initialized = outputs * inputs
        }
    }

    private func slice(_ bytes: UnsafeRawBufferPointer, _ rows: Range<Int>, bytesPerRow: Int) -> UnsafeRawBufferPointer
    {
        UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * bytesPerRow..<rows.upperBound * bytesPerRow])
    }
}

extension TensorScheme {
    /// The values of some rows of a matrix: each code times its scale, rounded once.
    ///
    /// - Parameters:
    ///   - codes: The codes of the whole matrix, row-major, E2M1 packed.
    ///   - scales: The scales of the whole matrix.
    ///   - scaleType: Their type.
    ///   - columns: The columns of the matrix.
    ///   - rows: Which rows.
    ///   - values: Room for them.
    /// - Precondition: The counts agree.
    public func dequantize(
        codes: UnsafeRawBufferPointer,
        scales: UnsafeRawBufferPointer,
        scaleType: ElementType,
        columns: Int,
        rows: Range<Int>,
        into values: UnsafeMutableBufferPointer<Float>
    ) {
        let bytesPerRow = columns * element.bitWidth / 8
        if element == .f4e2m1 {
            let blocks = columns / MXFP4.blockSize
            MXFP4.decode(
                packed: UnsafeRawBufferPointer(
                    rebasing: codes[rows.lowerBound * bytesPerRow..<rows.upperBound * bytesPerRow]
                ),
                scales: UnsafeRawBufferPointer(rebasing: scales[rows.lowerBound * blocks..<rows.upperBound * blocks]),
                into: values
            )
            return
        }
        let size = scaleType.bitWidth / 8
        func scale(_ index: Int) -> Float {
            scaleType.decode(UnsafeRawBufferPointer(rebasing: scales[index * size..<(index + 1) * size]), count: 1)[0]
        }
        let width: Int
        let perRow: Int
        switch granularity {
        case .perTensor, .perChannel: (width, perRow) = (max(columns, 1), 1)
        case .perGroup(let group): (width, perRow) = (group, columns / group)
        case .perBlock(_, let blockColumns):
            (width, perRow) = (blockColumns, (columns + blockColumns - 1) / blockColumns)
        }
        for row in rows {
            let first =
                switch granularity {
                case .perTensor: 0
                case .perChannel: row
                case .perGroup: row * perRow
                case .perBlock(let blockRows, _): row / blockRows * perRow
                }
            for (index, start) in stride(from: 0, to: columns, by: width).enumerated() {
                let end = min(start + width, columns)
                let target = (row - rows.lowerBound) * columns
                element.decode(
                    UnsafeRawBufferPointer(rebasing: codes[row * bytesPerRow + start..<row * bytesPerRow + end]),
                    scale: scale(first + index),
                    into: UnsafeMutableBufferPointer(rebasing: values[target + start..<target + end])
                )
            }
        }
    }
}
