/// The first findings of each kind with the number of all: a log may have a hundred thousand entries with one fault.
struct FindingList {
    private static let shown = 3
    private var order: [String] = []
    private var first: [String: [String]] = [:]
    private var counts: [String: Int] = [:]

    /// Whether nothing was found.
    var isEmpty: Bool { order.isEmpty }

    /// Notes a finding.
    ///
    /// - Parameters:
    ///   - kind: What is wrong, in general.
    ///   - detail: Where, and what was found.
    mutating func note(_ kind: String, _ detail: String) {
        if counts[kind] == nil { order.append(kind) }
        counts[kind, default: 0] += 1
        if first[kind, default: []].count < Self.shown { first[kind, default: []].append(detail) }
    }

    /// A sentence for each kind.
    var sentences: [String] {
        order.map { kind in
            let count = counts[kind] ?? 0
            let details = (first[kind] ?? []).joined(separator: "; ")
            return count > Self.shown ? "\(kind) (\(count) entries): \(details); ..." : "\(kind): \(details)"
        }
    }
}
