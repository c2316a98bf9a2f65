internal import Compliance

/// What scoring left in an accuracy run's folder.
enum AccuracyScore {
    /// The numbers of `accuracy.txt`, `'rouge1': 44.43`, in its order.
    static func metrics(folder: String) -> [LegResult.Metric] {
        guard let text = try? VerdictFolder.text(of: "\(folder)/accuracy.txt") else { return [] }
        var found: [LegResult.Metric] = []
        let pieces = text.split(separator: "'", omittingEmptySubsequences: false)
        for (name, rest) in zip(pieces, pieces.dropFirst()) where rest.hasPrefix(":") {
            let value = rest.dropFirst().drop { $0 == " " }.prefix { "+-.0123456789eE".contains($0) }
            guard let number = Double(value), !found.contains(where: { $0.name == name }) else { continue }
            found.append(.init(name: String(name), value: number))
        }
        return found
    }
}
