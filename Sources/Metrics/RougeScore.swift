/// Precision, recall and their harmonic mean, each from 0 to 1.
public struct RougeScore: Sendable, Equatable {
    /// Share of the prediction that the reference has.
    public var precision: Double
    /// Share of the reference that the prediction has.
    public var recall: Double
    /// F-measure; 0 if precision and recall are.
    public var f: Double

    /// A score from counts.
    ///
    /// - Parameters:
    ///   - hits: What both texts have.
    ///   - prediction: What the prediction has; 0 gives precision 0.
    ///   - reference: What the reference has; 0 gives recall 0.
    init(hits: Int, prediction: Int, reference: Int) {
        precision = Double(hits) / Double(max(prediction, 1))
        recall = Double(hits) / Double(max(reference, 1))
        f = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }
}

/// The four scores of a pair of texts.
public struct RougeScores: Sendable, Equatable {
    /// Single tokens.
    public var rouge1: RougeScore
    /// Pairs of neighbouring tokens.
    public var rouge2: RougeScore
    /// Longest common subsequence of the whole texts.
    public var rougeL: RougeScore
    /// Union of the longest common subsequences of their lines.
    public var rougeLsum: RougeScore
}

/// A text that is too long to be scored.
public struct RougeError: Error, CustomStringConvertible, Sendable {
    /// Tokens of the text.
    public var tokens: Int
    /// What happened and what is possible.
    public var description: String {
        "a text of \(tokens) words is too long for ROUGE; at most \(RougeScorer.mostTokens) are compared"
    }
}
