internal import CNumerics

/// A symmetric matrix of which the lower triangle counts, row-major, factored in place in blocks.
struct LowerTriangle {
    private let values: UnsafeMutablePointer<Double>
    private let size: Int
    private let width: Int

    init(_ values: UnsafeMutablePointer<Double>, size: Int, blockSize: Int = 96) {
        self.values = values
        self.size = size
        width = blockSize
    }

    /// Replaces A = L Lᵀ by L⁻¹.
    ///
    /// Above the diagonal nothing is read, and what is there afterwards means nothing.
    ///
    /// - Returns: false when A is not positive definite; it is then destroyed.
    func invertedCholesky(parallel: ParallelFor) -> Bool {
        // The inverses of the blocks on the diagonal, one after the other.
        let diagonal = UnsafeMutablePointer<Double>.allocate(capacity: max(1, size * width))
        defer { diagonal.deallocate() }
        return factor(diagonal, parallel) && invert(diagonal, parallel)
    }

    /// L below the diagonal blocks, whose inverses go to `diagonal`.
    private func factor(_ diagonal: UnsafeMutablePointer<Double>, _ parallel: ParallelFor) -> Bool {
        nonisolated(unsafe) let values = values
        let (size, width) = (size, width)
        for start in stride(from: 0, to: size, by: width) {
            let extent = min(width, size - start)
            let rows = Array(stride(from: start, to: size, by: width))
            parallel(rows.count) { index in
                let row = rows[index]
                numerics_multiply_add(
                    values + row * size + start,
                    size,
                    values + row * size,
                    size,
                    1,
                    values + start * size,
                    1,
                    size,
                    min(width, size - row),
                    extent,
                    start,
                    -1
                )
            }
            nonisolated(unsafe) let inverse = diagonal + start * width
            guard factorBlock(start, extent, inverse) else { return false }
            parallel(rows.count - 1) { index in
                let row = rows[index + 1]
                let height = min(width, size - row)
                let copy = UnsafeMutablePointer<Double>.allocate(capacity: height * extent)
                defer { copy.deallocate() }
                for r in 0..<height {
                    let from = values + (row + r) * size + start
                    (copy + r * extent).update(from: from, count: extent)
                    from.update(repeating: 0, count: extent)
                }
                numerics_multiply_add(
                    values + row * size + start,
                    size,
                    copy,
                    extent,
                    1,
                    inverse,
                    1,
                    width,
                    height,
                    extent,
                    extent,
                    1
                )
            }
        }
        return true
    }

    /// The Cholesky factor of a block on the diagonal, and its inverse, with zeros above.
    private func factorBlock(_ start: Int, _ extent: Int, _ inverse: UnsafeMutablePointer<Double>) -> Bool {
        let block = values + start * size + start
        for j in 0..<extent {
            var pivot = block[j * size + j]
            for k in 0..<j { pivot -= block[j * size + k] * block[j * size + k] }
            guard pivot > 0, pivot.isFinite else { return false }
            let root = pivot.squareRoot()
            block[j * size + j] = root
            for i in j + 1..<max(extent, j + 1) {
                var sum = block[i * size + j]
                for k in 0..<j { sum -= block[i * size + k] * block[j * size + k] }
                block[i * size + j] = sum / root
            }
        }
        for i in 0..<extent {
            for j in 0..<width { inverse[i * width + j] = 0 }
            for j in 0...i {
                var sum = i == j ? 1.0 : 0.0
                for k in j..<i { sum -= block[i * size + k] * inverse[k * width + j] }
                inverse[i * width + j] = sum / block[i * size + i]
            }
        }
        return true
    }

    /// L⁻¹ from the top: X(i,j) = -X(i,i) times the sum of L(i,k) X(k,j) for k from j to i.
    private func invert(_ diagonal: UnsafeMutablePointer<Double>, _ parallel: ParallelFor) -> Bool {
        nonisolated(unsafe) let values = values
        let (size, width) = (size, width)
        let copy = UnsafeMutablePointer<Double>.allocate(capacity: max(1, size * width))
        defer { copy.deallocate() }
        nonisolated(unsafe) let old = copy
        for row in stride(from: 0, to: size, by: width) {
            let height = min(width, size - row)
            for r in 0..<height { (old + r * size).update(from: values + (row + r) * size, count: row) }
            nonisolated(unsafe) let inverse = diagonal + row * width
            parallel(row / width) { index in
                let column = index * width
                let sum = UnsafeMutablePointer<Double>.allocate(capacity: height * width)
                defer { sum.deallocate() }
                sum.initialize(repeating: 0, count: height * width)
                numerics_multiply_add(
                    sum,
                    width,
                    old + column,
                    size,
                    1,
                    values + column * size + column,
                    size,
                    1,
                    height,
                    width,
                    row - column,
                    1
                )
                for r in 0..<height { (values + (row + r) * size + column).update(repeating: 0, count: width) }
                numerics_multiply_add(
                    values + row * size + column,
                    size,
                    inverse,
                    width,
                    1,
                    sum,
                    width,
                    1,
                    height,
                    width,
                    height,
                    -1
                )
            }
            for r in 0..<height { (values + (row + r) * size + row).update(from: inverse + r * width, count: height) }
        }
        return true
    }
}
