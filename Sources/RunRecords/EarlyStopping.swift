internal import Glibc

/// How many queries prove, at 99% confidence, that a percentile holds: MLPerf's early stopping rule.
///
/// With `t` queries over the limit, at least `h(t)` others must be under it. `h` follows from the binomial distribution by
/// the regularised incomplete beta function, summed as the official LoadGen sums it.
public struct EarlyStopping: Sendable {
    /// The percentile as a share, in 0..<1.
    public let percentile: Double

    /// The rule for a percentile.
    ///
    /// - Parameter percentile: As a share, in 0..<1.
    public init(percentile: Double) { self.percentile = percentile }

    /// 1 - confidence, in the double arithmetic of the official code: slightly more than 0.01.
    private static let significance = 1 - 0.99

    /// Odds of at most `over` of `under + over` queries being over the limit if the percentile were just missed.
    ///
    /// - Precondition: `under` is at least 1.
    func odds(under: Int, over: Int) -> Double {
        let a = Double(under)
        let b = Double(over + 1)
        let x = percentile
        let z = x / (x - 1)
        var term = 1.0
        var sum = 1.0
        var i = 0.0
        while abs(term) > 0x1p-33 {
            term *= (1 - b + i) * z / (1 + a + i)
            sum += term
            i += 1
        }
        let logBeta = lgamma(a).0 + lgamma(b).0 - lgamma(a + b).0
        return exp(a * log(x) + (b - 1) * log(1 - x) - logBeta) / a * sum
    }

    /// Whether `under` queries under the limit are enough beside `over` queries over it.
    private func suffices(under: Int, over: Int) -> Bool {
        // At the mean of the distribution the odds are about one half; below it the sum would overflow.
        guard Double(under) > Double(over) * percentile / (1 - percentile) else { return false }
        return odds(under: under, over: over) < Self.significance
    }

    /// Least number of queries under the limit that make up for `over` queries over it, `h(over)`.
    public func leastUnder(over: Int) -> Int {
        let mean = Double(over) * percentile / (1 - percentile)
        // A percentile next to 1 asks for more queries than any run has.
        guard mean < 1e15 else { return 1 << 50 }
        var low = max(1, Int(mean))
        var step = 16
        while !suffices(under: low + step, over: over) {
            low += step
            step *= 2
        }
        var high = low + step
        if suffices(under: low, over: over) { return low }
        // Invariant: low does not suffice, high does.
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if suffices(under: middle, over: over) {
                high = middle
            } else {
                low = middle
            }
        }
        return high
    }

    /// Of `count` sorted latencies, how far from the end the one lies that bounds the percentile with confidence.
    ///
    /// The result `t` is at least 1; `t - 1` latencies are discarded. Instead of h(t) for every t, one asks for each t
    /// whether the rest suffices, and finds the first that does not by bisection, since h grows with t.
    public func discarded(of count: Int) -> Int {
        func fails(_ t: Int) -> Bool { !suffices(under: count - t, over: t) }
        guard count >= 2, fails(count) else { return 1 }
        var low = 1
        var high = count
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if fails(middle) {
                high = middle
            } else {
                low = middle
            }
        }
        return max(1, high - 1)
    }
}
