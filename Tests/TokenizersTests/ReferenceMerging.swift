/// Byte-pair encoding as it is defined, for small texts: of all neighbours that join, those of the best rank, the
/// leftmost of equals, until none join.
struct ReferenceMerging {
    /// The rank of a pair, lower first; nil where the two do not join.
    var rank: (_ left: String, _ right: String) -> Double?

    func encode(_ symbols: [String]) -> [String] {
        var symbols = symbols
        while true {
            var best: (index: Int, rank: Double)? = nil
            for index in symbols.indices.dropLast() {
                guard let rank = rank(symbols[index], symbols[index + 1]) else { continue }
                if best.map({ rank < $0.rank }) ?? true { best = (index, rank) }
            }
            guard let best else { return symbols }
            symbols[best.index] += symbols[best.index + 1]
            symbols.remove(at: best.index + 1)
        }
    }
}
