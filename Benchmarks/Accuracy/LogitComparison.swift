import Glibc
import JSON

/// What separates the logits of one form of a model from those of the original, over a text.
struct LogitComparison {
    private var tokens = 0
    private var squares = 0.0
    private var squaredDifferences = 0.0
    private var surprise = 0.0
    private var divergence = 0.0
    private var agreements = 0

    /// Adds a document.
    ///
    /// - Parameters:
    ///   - found: The form's logits, [targets, vocabulary].
    ///   - expected: The original's, of the same shape.
    ///   - targets: The tokens that follow in the text.
    mutating func add(_ found: [Float], _ expected: [Float], targets: ArraySlice<Int32>) {
        let vocabulary = expected.count / max(1, targets.count)
        precondition(found.count == expected.count && expected.count == vocabulary * targets.count)
        for (row, target) in targets.enumerated() {
            let range = row * vocabulary..<(row + 1) * vocabulary
            let (a, b) = (found[range], expected[range])
            for (x, y) in zip(a, b) {
                let difference = Double(x) - Double(y)
                squaredDifferences += difference * difference
                squares += Double(y) * Double(y)
            }
            let (p, q) = (Self.logarithms(a), Self.logarithms(b))
            surprise -= p[Int(target)]
            for (x, y) in zip(p, q) { divergence += exp(y) * (y - x) }
            if Self.best(p) == Self.best(q) { agreements += 1 }
            tokens += 1
        }
    }

    /// The figures: `rms`, root mean square of the differences over that of the original's logits; `bits`, sum over the text;
    /// `divergence`, mean Kullback-Leibler divergence in nats from the original's distribution of the next token;
    /// `same_best`, share of positions with the same most likely token.
    var figures: JSON {
        let count = Double(max(1, tokens))
        return .object(
            JSONObject([
                ("tokens", JSON(tokens)), ("rms", .number((squaredDifferences / squares).squareRoot())),
                ("bits", .number(surprise / log(2))), ("divergence", .number(divergence / count)),
                ("same_best", .number(Double(agreements) / count)),
            ])
        )
    }

    /// Logarithms of the softmax.
    private static func logarithms(_ logits: ArraySlice<Float>) -> [Double] {
        let largest = Double(logits.max() ?? 0)
        let sum = log(logits.reduce(0.0) { $0 + exp(Double($1) - largest) })
        return logits.map { Double($0) - largest - sum }
    }

    private static func best(_ values: [Double]) -> Int? { values.indices.max { values[$0] < values[$1] } }
}
