/// Statistics of a list of latencies in nanoseconds, by the rules of the official logs: no interpolation, integer means.
public struct LatencyDistribution: Sendable {
    /// The percentiles that every log reports, as shares.
    public static let reportedPercentiles = [0.50, 0.90, 0.95, 0.97, 0.99, 0.999]

    /// The latencies, ascending.
    public let sorted: [Int64]
    /// Their mean, rounded toward zero.
    public let mean: Int64

    /// - Parameter latencies: In any order.
    public init(_ latencies: [Int64]) {
        sorted = latencies.sorted()
        // The official sum is 64 bits wide and wraps.
        mean = sorted.isEmpty ? 0 : sorted.reduce(0, &+) / Int64(sorted.count)
    }

    /// The smallest, 0 if there is none.
    public var min: Int64 { sorted.first ?? 0 }
    /// The largest, 0 if there is none.
    public var max: Int64 { sorted.last ?? 0 }

    /// The element at the share `percentile` of the sorted list, 0 if there is none.
    ///
    /// - Parameter percentile: In 0..<1.
    /// - Returns: The element whose index is the product of count and share, truncated.
    public func at(_ percentile: Double) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * percentile))]
    }

    /// How many are longer than `limit`.
    ///
    /// - Parameter limit: In nanoseconds.
    /// - Returns: The count of elements strictly above the limit.
    public func count(above limit: Int64) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = low + (high - low) / 2
            if sorted[middle] > limit {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return sorted.count - low
    }
}
