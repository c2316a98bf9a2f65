internal import CNumerics
public import Numerics

/// GPTQ: rounds a weight column by column and corrects the columns to come for the error made, weighted by what the layer's
/// inputs have in common (Frantar et al., https://arxiv.org/abs/2210.17323, algorithm 1).
///
/// FP8's scales are those of the original weights; MXFP4's depend on the order in which columns are taken.
public struct GPTQ: Sendable {
    /// The order in which columns are taken.
    public enum Order: String, Sendable, CaseIterable {
        /// Those with the largest activations first, when no error has been moved to them yet. MXFP4's scales are those
        /// of the original weights. Quark's default (`desc_act`, `static_groups`).
        case activation
        /// As they stand. MXFP4's scales are chosen when a group's first column comes, from the weights as corrected by
        /// then, as in the paper.
        case column
    }

    /// The order in which columns are taken.
    public var order: Order
    /// What is added to the Hessian's diagonal, as a share of its mean.
    public var damping: Double
    /// How many columns are corrected among themselves before all others are.
    public var blockSize: Int

    /// The paper's settings, unless others are given.
    ///
    /// - Parameters:
    ///   - damping: What is added to the Hessian's diagonal, as a share of its mean.
    ///   - blockSize: How many columns are corrected among themselves before all others are; a multiple of 32.
    ///   - order: The order in which columns are taken.
    public init(damping: Double = 0.01, blockSize: Int = 128, order: Order = .column) {
        self.order = order
        self.damping = damping
        self.blockSize = blockSize
    }

    /// What GPTQ needs of a layer's inputs, for all layers that share them.
    public final class Factor: @unchecked Sendable {
        /// The inputs of the layers.
        public let size: Int
        // The factor lies where the Hessian's sums were; it is only read.
        let values: UnsafeMutablePointer<Double>
        /// Steps whose input was never anything but zero.
        let dead: [Int]
        /// The column of each step, nil where they are taken as they stand.
        let columns: [Int]?
        let damping: Double
        private let memory: Hessian

        init(
            _ hessian: Hessian,
            values: UnsafeMutablePointer<Double>,
            dead: [Int],
            columns: [Int]?,
            damping: Double
        ) {
            self.columns = columns
            memory = hessian
            size = hessian.size
            self.values = values
            self.dead = dead
            self.damping = damping
        }
    }

    /// Turns the statistics of inputs into what `quantize` needs, in their own memory.
    ///
    /// - Parameters:
    ///   - hessian: The statistics, which are used up.
    ///   - name: What they are of, for errors.
    ///   - parallel: Where to compute.
    /// - Returns: The factor.
    /// - Throws: `QuantizationError` when there were no tokens or the Hessian is not positive definite.
    public func factor(
        _ hessian: Hessian,
        name: String = "weight",
        parallel: ParallelFor = inSequence
    ) throws(QuantizationError) -> Factor {
        guard damping >= 0, damping.isFinite else {
            throw QuantizationError(
                file: "quantisation",
                tensor: name,
                reason: "GPTQ's damping of \(damping) is not a share"
            )
        }
        do throws(QuantizationError) {
            let columns = order == .activation ? hessian.orderByActivation() : nil
            let (values, dead) = try hessian.inverseFactor(damping: damping, parallel: parallel)
            return Factor(hessian, values: values, dead: dead, columns: columns, damping: damping)
        } catch {
            throw QuantizationError(file: error.file, tensor: name, reason: error.reason)
        }
    }

    /// Quantises the weight of a layer that shares its inputs with no other.
    ///
    /// Beside the Hessian and the weight, it needs room for 128 rows of the weight in double precision for each thread.
    ///
    /// - Parameters:
    ///   - weights: The weight, row-major.
    ///   - rows: The outputs of the layer.
    ///   - columns: Its inputs.
    ///   - scheme: MXFP4, or FP8 in any granularity.
    ///   - hessian: The statistics of the layer's inputs, which are used up.
    ///   - scaleType: The type that FP8's scales are stored in.
    ///   - name: The tensor, for errors.
    ///   - parallel: Where to compute.
    /// - Returns: The codes and scales.
    /// - Throws: `QuantizationError` when the scheme does not fit the shape, a weight is not finite, there were no tokens, or
    ///   the Hessian is not positive definite.
    public func quantize(
        _ weights: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        scheme: TensorScheme,
        hessian: Hessian,
        scaleType: ElementType = .bf16,
        name: String = "weight",
        parallel: ParallelFor = inSequence
    ) throws(QuantizationError) -> QuantizedTensor {
        try scheme.check(weights, rows: rows, columns: columns, scaleType: scaleType, name: name)
        try check(columns: columns, inputs: hessian.size, name: name)
        return try quantize(
            weights,
            rows: rows,
            columns: columns,
            scheme: scheme,
            factor: factor(hessian, name: name, parallel: parallel),
            scaleType: scaleType,
            name: name,
            parallel: parallel
        )
    }

    private func check(columns: Int, inputs: Int, name: String) throws(QuantizationError) {
        func fault(_ reason: String) -> QuantizationError {
            QuantizationError(file: "quantisation", tensor: name, reason: reason)
        }
        guard inputs == columns else {
            throw fault("has \(columns) columns, but the activations have \(inputs) values")
        }
        guard blockSize > 0, blockSize.isMultiple(of: MXFP4.blockSize) else {
            throw fault("GPTQ's blocks of \(blockSize) columns are no multiple of \(MXFP4.blockSize)")
        }
    }

    /// Quantises the weight of a layer.
    ///
    /// - Parameters:
    ///   - weights: The weight, row-major.
    ///   - rows: The outputs of the layer.
    ///   - columns: Its inputs.
    ///   - scheme: MXFP4, or FP8 in any granularity.
    ///   - factor: What its inputs are like.
    ///   - scaleType: The type that FP8's scales are stored in.
    ///   - name: The tensor, for errors.
    ///   - parallel: Where to compute.
    /// - Returns: The codes and scales.
    /// - Throws: `QuantizationError` when the scheme does not fit the shape, a weight is not finite, or the corrections
    ///   leave the range of float32.
    public func quantize(
        _ weights: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        scheme: TensorScheme,
        factor: Factor,
        scaleType: ElementType = .bf16,
        name: String = "weight",
        parallel: ParallelFor = inSequence
    ) throws(QuantizationError) -> QuantizedTensor {
        try scheme.check(weights, rows: rows, columns: columns, scaleType: scaleType, name: name)
        try check(columns: columns, inputs: factor.size, name: name)
        let isMXFP4 = scheme.element == .f4e2m1
        let fixed =
            isMXFP4 ? [] : scheme.absmaxScales(weights, rows: rows, columns: columns, storedAs: scaleType)
        var scaleCodes = isMXFP4 ? [UInt8](repeating: 0, count: rows * columns / MXFP4.blockSize) : []
        if isMXFP4, let order = factor.columns {
            Self.chooseScales(weights, rows, columns, except: factor.dead.map { order[$0] }, into: &scaleCodes)
        }
        var codes = [UInt8](repeating: 0, count: rows * columns * scheme.element.bitWidth / 8)
        let chunk = 128
        var isFinite = [Bool](repeating: true, count: (rows + chunk - 1) / chunk)
        codes.withUnsafeMutableBufferPointer { codes in
            scaleCodes.withUnsafeMutableBufferPointer { scaleCodes in
                let job = RowJob(
                    weights: weights,
                    columns: columns,
                    blockSize: blockSize,
                    scheme: scheme,
                    factor: factor.values,
                    dead: factor.dead,
                    order: factor.columns,
                    fixedScales: fixed,
                    codes: codes,
                    scaleCodes: scaleCodes
                )
                isFinite.withUnsafeMutableBufferPointer { isFinite in
                    nonisolated(unsafe) let isFinite = isFinite
                    parallel(isFinite.count) { index in
                        isFinite[index] = job.run(rows: index * chunk..<min((index + 1) * chunk, rows))
                    }
                }
            }
        }
        withExtendedLifetime(factor) {}
        if isFinite.contains(false) {
            throw QuantizationError(
                file: "quantisation",
                tensor: name,
                reason: "GPTQ's corrections left the range of float32: raise the damping above \(factor.damping)"
            )
        }
        return QuantizedTensor(
            scheme: scheme,
            rows: rows,
            columns: columns,
            codes: codes,
            scales: isMXFP4 ? scaleCodes : scaleType.encode(fixed),
            scaleType: isMXFP4 ? .e8m0 : scaleType
        )
    }
}

extension GPTQ {
    /// MXFP4's scales of the original weights; columns whose input is always zero do not count.
    private static func chooseScales(
        _ weights: UnsafeBufferPointer<Float>,
        _ rows: Int,
        _ columns: Int,
        except dead: [Int],
        into scales: inout [UInt8]
    ) {
        var counts = [Bool](repeating: true, count: columns)
        for column in dead { counts[column] = false }
        for group in scales.indices {
            let start = group * MXFP4.blockSize
            var largest: Float = 0
            for index in start..<start + MXFP4.blockSize where counts[index % columns] {
                largest = max(largest, weights[index].magnitude)
            }
            scales[group] = MXFP4.scale(absmax: largest)
        }
    }
}

/// GPTQ for some rows: they do not depend on each other.
private struct RowJob: @unchecked Sendable {
    // What is pointed to is read, except for the codes, of which each job writes its own rows.
    let weights: UnsafeBufferPointer<Float>
    let columns: Int
    let blockSize: Int
    let scheme: TensorScheme
    let factor: UnsafeMutablePointer<Double>
    let dead: [Int]
    /// The column of each step; nil: as they stand.
    let order: [Int]?
    let fixedScales: [Float]
    let codes: UnsafeMutableBufferPointer<UInt8>
    let scaleCodes: UnsafeMutableBufferPointer<UInt8>

    /// Quantises the rows.
    ///
    /// - Returns: false when a correction left the range of float32; the codes then mean nothing.
    func run(rows: Range<Int>) -> Bool {
        let count = rows.count
        let rest = UnsafeMutablePointer<Double>.allocate(capacity: count * columns)
        // One column of the block after the other, so that a column's rows are neighbours.
        let block = UnsafeMutablePointer<Double>.allocate(capacity: count * blockSize)
        let errors = UnsafeMutablePointer<Double>.allocate(capacity: count * blockSize)
        defer {
            rest.deallocate()
            block.deallocate()
            errors.deallocate()
        }
        for row in 0..<count {
            let from = (rows.lowerBound + row) * columns
            if let order {
                for step in 0..<columns { rest[row * columns + step] = Double(weights[from + order[step]]) }
            } else {
                for step in 0..<columns { rest[row * columns + step] = Double(weights[from + step]) }
            }
        }
        for row in 0..<count {
            for column in dead { rest[row * columns + column] = 0 }
        }
        var column = Column(count: count)
        let layout = ScaleLayout(scheme, columns: columns)
        for start in stride(from: 0, to: columns, by: blockSize) {
            let width = min(blockSize, columns - start)
            for row in 0..<count {
                for j in 0..<width { block[j * count + row] = rest[row * columns + start + j] }
            }
            for j in 0..<width {
                let position = start + j
                let target = order?[position] ?? position
                if scheme.element != .f4e2m1 {
                    for row in 0..<count {
                        column.scales[row] = fixedScales[layout.index(row: rows.lowerBound + row, column: target)]
                    }
                } else if order != nil {
                    for row in 0..<count {
                        let group = ((rows.lowerBound + row) * columns + target) / MXFP4.blockSize
                        column.scales[row] = numerics_e8m0_value(scaleCodes[group])
                    }
                } else if position.isMultiple(of: MXFP4.blockSize) {
                    chooseScales(block + j * count, position, rows, &column)
                }
                for row in 0..<count { column.values[row] = Float(block[j * count + row]) }
                // Infinity and NaN would become the format's largest number or its NaN, which look like results.
                guard column.isFinite else { return false }
                column.round(scheme.element)
                let divisor = factor[position * columns + position]
                for row in 0..<count {
                    store(column.codes[row], row: rows.lowerBound + row, column: target)
                    errors[j * count + row] = (block[j * count + row] - Double(column.rounded[row])) / divisor
                }
                for other in j + 1..<max(width, j + 1) {
                    numerics_subtract_multiple(
                        block + other * count,
                        errors + j * count,
                        factor[position * columns + start + other],
                        count
                    )
                }
            }
            let end = start + width
            if end < columns {
                numerics_multiply_add(
                    rest + end,
                    columns,
                    errors,
                    1,
                    count,
                    factor + start * columns + end,
                    columns,
                    1,
                    count,
                    columns - end,
                    width,
                    -1
                )
            }
        }
        return true
    }

    /// The scales of the groups that start with this column.
    private func chooseScales(
        _ group: UnsafeMutablePointer<Double>,
        _ position: Int,
        _ rows: Range<Int>,
        _ column: inout Column
    ) {
        let count = rows.count
        for row in 0..<count {
            var largest: Float = 0
            for j in 0..<MXFP4.blockSize { largest = max(largest, Float(group[j * count + row]).magnitude) }
            let code = MXFP4.scale(absmax: largest)
            scaleCodes[((rows.lowerBound + row) * columns + position) / MXFP4.blockSize] = code
            column.scales[row] = numerics_e8m0_value(code)
        }
    }

    private func store(_ code: UInt8, row: Int, column: Int) {
        let index = row * columns + column
        if scheme.element == .f4e2m1 {
            codes[index / 2] |= code << (index % 2 * 4)
        } else {
            codes[index] = code
        }
    }
}

/// What rounding one column needs.
private struct Column {
    var values: [Float]
    var scales: [Float]
    var codes: [UInt8]
    var rounded: [Float]

    init(count: Int) {
        values = [Float](repeating: 0, count: count)
        scales = [Float](repeating: 1, count: count)
        codes = [UInt8](repeating: 0, count: count)
        rounded = [Float](repeating: 0, count: count)
    }

    var isFinite: Bool { values.withUnsafeBufferPointer { $0.largestMagnitude.isFinite } }

    mutating func round(_ element: ElementType) {
        let format =
            switch element {
            case .f4e2m1: NUMERICS_E2M1
            case .f8e4m3fnuz: NUMERICS_E4M3FNUZ
            case .f8e5m2: NUMERICS_E5M2
            case .f8e5m2fnuz: NUMERICS_E5M2FNUZ
            default: NUMERICS_E4M3
            }
        numerics_round_each(format, values, scales, &codes, &rounded, values.count)
    }
}
