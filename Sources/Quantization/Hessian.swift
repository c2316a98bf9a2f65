internal import CNumerics
internal import Numerics

/// The second-order statistics of a layer's inputs that GPTQ needs: H = 2/n times the sum of x xᵀ over n tokens.
///
/// Kept in double precision as one array of size² (GPTQ, https://arxiv.org/abs/2210.17323, section 3). The numbers depend
/// on the order of the tokens, but not on how they are cut into calls, nor on threads.
public final class Hessian {
    /// The inputs of the layer.
    public let size: Int
    /// The tokens so far.
    public private(set) var tokens = 0

    /// Row-major; the upper triangle counts until `inverseFactor` turns all of it into something else.
    private let sums: UnsafeMutablePointer<Double>
    private var isSpent = false

    /// Statistics of no tokens.
    ///
    /// - Parameter size: The inputs of the layer.
    public init(size: Int) {
        self.size = size
        sums = .allocate(capacity: max(1, size * size))
        sums.initialize(repeating: 0, count: size * size)
    }

    deinit { sums.deallocate() }

    /// Takes note of some tokens.
    ///
    /// - Parameters:
    ///   - activations: What came into the layer, one token after the other, `size` values each.
    ///   - parallel: Where to compute.
    /// - Throws: `QuantizationError` when a value is not finite.
    public func add(
        _ activations: UnsafeBufferPointer<Float>,
        parallel: ParallelFor = inSequence
    ) throws(QuantizationError) {
        precondition(size > 0 && activations.count.isMultiple(of: size), "whole tokens of \(size) values are needed")
        precondition(!isSpent, "the statistics were turned into a factor already")
        guard activations.largestMagnitude.isFinite else {
            throw QuantizationError(file: "calibration", reason: "an activation is infinite or NaN")
        }
        let count = activations.count / size
        let chunk = 256
        let width = 192
        let blocks = (size + width - 1) / width
        let pairs = (0..<blocks).flatMap { i in (i..<blocks).map { (i * width, $0 * width) } }
        let wide = UnsafeMutablePointer<Double>.allocate(capacity: chunk * size)
        defer { wide.deallocate() }
        nonisolated(unsafe) let (sums, from) = (sums, wide)
        let size = size
        for start in stride(from: 0, to: count, by: chunk) {
            let depth = min(chunk, count - start)
            for index in 0..<depth * size { wide[index] = Double(activations[start * size + index]) }
            parallel(pairs.count) { index in
                let (row, column) = pairs[index]
                numerics_multiply_add(
                    sums + row * size + column,
                    size,
                    from + row,
                    1,
                    size,
                    from + column,
                    size,
                    1,
                    min(width, size - row),
                    min(width, size - column),
                    depth,
                    1
                )
            }
        }
        tokens += count
    }

    /// Brings the inputs into the order of their sums of squares, the largest first; among equals, the first.
    ///
    /// - Returns: Which input stands at each place now.
    func orderByActivation() -> [Int] {
        precondition(!isSpent, "the statistics were turned into a factor already")
        let order = (0..<size).sorted { left, right in
            let (l, r) = (sums[left * (size + 1)], sums[right * (size + 1)])
            return l > r || l == r && left < right
        }
        // Where each input is now, and which input is at each place.
        var place = Array(0..<size)
        var input = place
        for target in 0..<size {
            let from = place[order[target]]
            guard from != target else { continue }
            exchange(target, from)
            input.swapAt(target, from)
            place[input[target]] = target
            place[input[from]] = from
        }
        return order
    }

    /// Exchanges two inputs in the upper triangle.
    private func exchange(_ i: Int, _ j: Int) {
        func swap(_ a: Int, _ b: Int) { (sums[a], sums[b]) = (sums[b], sums[a]) }
        for k in 0..<i { swap(k * size + i, k * size + j) }
        for k in i + 1..<max(j, i + 1) { swap(i * size + k, k * size + j) }
        for k in j + 1..<max(size, j + 1) { swap(i * size + k, j * size + k) }
        swap(i * (size + 1), j * (size + 1))
    }

    /// Turns the statistics into the upper triangular U with Uᵀ U = (H + damping)⁻¹, in place.
    ///
    /// H is factored from its last row upwards, H = R Rᵀ with R upper triangular, so that U is simply R⁻¹ and the inverse
    /// itself is never formed. Reading the array backwards makes that an ordinary lower Cholesky factor.
    ///
    /// - Parameters:
    ///   - damping: What is added to the diagonal, as a share of its mean.
    ///   - parallel: Where to compute.
    /// - Returns: The factor, and which inputs were never anything but zero.
    /// - Throws: `QuantizationError` when there were no tokens or the matrix is not positive definite.
    func inverseFactor(
        damping: Double,
        parallel: ParallelFor
    ) throws(QuantizationError) -> (factor: UnsafeMutablePointer<Double>, dead: [Int]) {
        precondition(!isSpent, "the statistics were turned into a factor already")
        guard tokens > 0 else {
            throw QuantizationError(file: "calibration", reason: "GPTQ needs activations, but no token was seen")
        }
        isSpent = true
        let scale = 2 / Double(tokens)
        for index in 0..<size * size { sums[index] *= scale }
        var mean = 0.0
        var dead: [Int] = []
        for index in 0..<size {
            if sums[index * (size + 1)] == 0 {
                dead.append(index)
                sums[index * (size + 1)] = 1
            }
            mean += sums[index * (size + 1)]
        }
        mean /= Double(size)
        for index in 0..<size { sums[index * (size + 1)] += damping * mean }
        var all = UnsafeMutableBufferPointer(start: sums, count: size * size)
        all.reverse()
        let triangle = LowerTriangle(sums, size: size)
        guard triangle.invertedCholesky(parallel: parallel) else {
            throw QuantizationError(
                file: "calibration",
                reason: "the Hessian of \(size) inputs is not positive definite: raise the damping above \(damping)"
            )
        }
        all.reverse()
        return (sums, dead)
    }
}
