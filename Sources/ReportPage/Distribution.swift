/// Times of one kind, ascending, with LoadGen's rules: no interpolation, whole means.
struct Distribution: Sendable {
    /// Nanoseconds, ascending.
    let sorted: [Int64]

    init(_ times: [Int64]) { sorted = times.sorted() }

    /// The shares that LoadGen reports, with the words of its keys.
    static let reported: [(share: Double, key: String, name: String)] = [
        (0.50, "50.00", "p50"), (0.90, "90.00", "p90"), (0.95, "95.00", "p95"), (0.97, "97.00", "p97"),
        (0.99, "99.00", "p99"), (0.999, "99.90", "p99.9"),
    ]

    /// The element at a share: index = count × share, truncated; 0 where there is none.
    func at(_ share: Double) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, Int(Double(sorted.count) * share)))]
    }

    /// The mean, rounded toward zero; the sum wraps as the official one does.
    var mean: Int64 { sorted.isEmpty ? 0 : sorted.reduce(0, &+) / Int64(sorted.count) }

    /// How many are strictly above a limit.
    func count(above limit: Int64) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = low + (high - low) / 2
            if sorted[middle] > limit { high = middle } else { low = middle + 1 }
        }
        return sorted.count - low
    }

    /// Points of the cumulative curve: time, and the share of samples that took no longer.
    ///
    /// Of long lists every n-th element is taken, and all of the tail in which the neighbours on the page would still be
    /// apart; the first and the last are always there.
    func curve(points: Int = 300) -> [(time: Int64, share: Double)] {
        guard !sorted.isEmpty else { return [] }
        let count = sorted.count
        var ranks: [Int] = []
        if count <= points {
            ranks = Array(0..<count)
        } else {
            for step in 0..<points { ranks.append(step * (count - 1) / (points - 1)) }
            // The last thousandths, of which a straight selection would keep the largest alone.
            for step in 0..<40 { ranks.append(count - 1 - Int(Double(count) * 0.02 * Double(step) / 40)) }
            ranks.sort()
        }
        var result: [(time: Int64, share: Double)] = []
        for rank in ranks {
            let point = (time: sorted[rank], share: Double(rank + 1) / Double(count))
            if let last = result.last, last.time == point.time {
                result[result.count - 1] = point
            } else {
                result.append(point)
            }
        }
        return result
    }
}
