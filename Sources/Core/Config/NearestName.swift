/// Finds the known name that a mistyped one was probably meant to be.
enum NearestName {
    /// The nearest of `names`, or nil when none is near.
    ///
    /// A dotted name is also compared by its last part alone, so that `target_qps` finds `harness_config.target_qps`.
    static func of(_ name: String, among names: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8.prefix(128))
        let wantedTail = tail(of: wanted)
        var best: (name: String, distance: Int)?
        for candidate in names {
            let known = Array(candidate.utf8.prefix(128))
            let limit = best?.distance ?? .max
            let whole = distance(wanted, known, below: limit)
            let byTail = distance(wantedTail, tail(of: known), below: limit) + (wanted.count == known.count ? 0 : 1)
            let smaller = min(whole, byTail)
            if smaller < limit { best = (candidate, smaller) }
        }
        guard let best, best.distance <= max(2, wantedTail.count / 2) else { return nil }
        return best.name
    }

    private static func tail(of name: [UInt8]) -> [UInt8] {
        name.lastIndex(of: UInt8(ascii: ".")).map { Array(name[($0 + 1)...]) } ?? name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one name into the other
    /// (optimal string alignment); `limit` or more when it is not below it.
    static func distance(_ left: [UInt8], _ right: [UInt8], below limit: Int = 1 << 20) -> Int {
        guard !left.isEmpty else { return right.count }
        guard !right.isEmpty else { return left.count }
        // Each difference in length costs an insertion or deletion.
        guard abs(left.count - right.count) < limit else { return min(limit, 1 << 20) }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        var row = beforeLast
        for i in left.indices {
            row[0] = i + 1
            for j in right.indices {
                var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row[j + 1] = cost
            }
            (beforeLast, last, row) = (last, row, beforeLast)
        }
        return last[right.count]
    }
}
