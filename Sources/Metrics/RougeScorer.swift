/// Scores pairs of texts exactly as rouge_score 0.1.2 does (Python package; the sentences of rougeLsum are lines).
///
///     let scorer = RougeScorer(stemming: true)
///     let scores = try scorer.score(target: reference, prediction: text)
///
/// A scorer remembers words and keeps its memory from one pair to the next; it belongs to one thread.
public final class RougeScorer {
    /// The longest text that is scored, in tokens: the tables of a pair then stay below some 300 MB.
    public static let mostTokens = 1 << 15

    private var tokenizer: RougeTokenizer
    private var target = RougeTokenizer.Tokens()
    private var prediction = RougeTokenizer.Tokens()
    private var subsequence = CommonSubsequence()
    /// Of each token of the tokenizer: its number among those of the target, valid if the mark is the current pair's.
    private var localNumber: [Int32] = []
    private var markOfPair: [UInt32] = []
    private var pair: UInt32 = 0
    private var targetCounts: [Int32] = []
    private var predictionCounts: [Int32] = []
    private var targetPairs: [UInt64] = []
    private var predictionPairs: [UInt64] = []
    private var marks: [Bool] = []

    /// - Parameter stemming: Whether words are stemmed, as MLPerf's scripts ask for.
    public init(stemming: Bool) { tokenizer = RougeTokenizer(stemming: stemming) }

    /// Scores a prediction against a target, both UTF-8.
    ///
    /// - Returns: All four scores.
    /// - Throws: ``RougeError`` if one of them has more than ``mostTokens`` tokens.
    public func score(target: [UInt8], prediction: [UInt8]) throws(RougeError) -> RougeScores {
        tokenizer.makeRoom()
        target.withUnsafeBufferPointer { tokenizer.tokenize($0, into: &self.target) }
        prediction.withUnsafeBufferPointer { tokenizer.tokenize($0, into: &self.prediction) }
        for count in [self.target.numbers.count, self.prediction.numbers.count] where count > Self.mostTokens {
            throw RougeError(tokens: count)
        }
        let distinct = numberLocally()
        let sizes = (target: self.target.numbers.count, prediction: self.prediction.numbers.count)
        let singles = commonTokens(distinct)
        let pairs = commonPairs()
        subsequence.prepare(reference: self.target.numbers[...], tokenCount: distinct)
        let length = subsequence.length(self.prediction.numbers[...])
        let union = unionOfLines(distinct)
        return RougeScores(
            rouge1: RougeScore(hits: singles, prediction: sizes.prediction, reference: sizes.target),
            rouge2: RougeScore(
                hits: pairs,
                prediction: max(0, sizes.prediction - 1),
                reference: max(0, sizes.target - 1)
            ),
            rougeL: RougeScore(hits: length, prediction: sizes.prediction, reference: sizes.target),
            rougeLsum: RougeScore(hits: union, prediction: sizes.prediction, reference: sizes.target)
        )
    }

    /// The tokens of a text as they are compared, for tests.
    func tokens(of text: [UInt8]) -> [String] {
        text.withUnsafeBufferPointer { tokenizer.tokenize($0, into: &target) }
        return target.numbers.map { String(decoding: tokenizer.letters($0), as: UTF8.self) }
    }

    /// Replaces the numbers of tokens by small ones: from 0 for those of the target, -1 for all others.
    ///
    /// - Returns: How many distinct tokens the target has.
    private func numberLocally() -> Int {
        if markOfPair.count < tokenizer.count {
            let more = tokenizer.count - markOfPair.count
            markOfPair.append(contentsOf: repeatElement(0, count: more))
            localNumber.append(contentsOf: repeatElement(0, count: more))
        }
        if pair == .max {
            for number in markOfPair.indices { markOfPair[number] = 0 }
            pair = 0
        }
        pair += 1
        var distinct: Int32 = 0
        for position in target.numbers.indices {
            let number = Int(target.numbers[position])
            if markOfPair[number] != pair {
                markOfPair[number] = pair
                localNumber[number] = distinct
                distinct += 1
            }
            target.numbers[position] = localNumber[number]
        }
        for position in prediction.numbers.indices {
            let number = Int(prediction.numbers[position])
            prediction.numbers[position] = markOfPair[number] == pair ? localNumber[number] : -1
        }
        return Int(distinct)
    }

    private static func count(_ tokens: [Int32], _ distinct: Int, into counts: inout [Int32]) {
        counts.removeAll(keepingCapacity: true)
        counts.append(contentsOf: repeatElement(0, count: distinct))
        for token in tokens where token >= 0 { counts[Int(token)] += 1 }
    }

    private func commonTokens(_ distinct: Int) -> Int {
        Self.count(target.numbers, distinct, into: &targetCounts)
        Self.count(prediction.numbers, distinct, into: &predictionCounts)
        return zip(targetCounts, predictionCounts).reduce(0) { $0 + Int(min($1.0, $1.1)) }
    }

    /// Sorted pairs of neighbours that the target could have.
    private static func pairs(_ tokens: [Int32], into pairs: inout [UInt64]) {
        pairs.removeAll(keepingCapacity: true)
        for (first, second) in zip(tokens, tokens.dropFirst()) where first >= 0 && second >= 0 {
            pairs.append(UInt64(first) << 32 | UInt64(second))
        }
        pairs.sort()
    }

    private func commonPairs() -> Int {
        Self.pairs(target.numbers, into: &targetPairs)
        Self.pairs(prediction.numbers, into: &predictionPairs)
        var hits = 0
        var (i, j) = (0, 0)
        while i < targetPairs.count && j < predictionPairs.count {
            if targetPairs[i] == predictionPairs[j] {
                hits += 1
                i += 1
                j += 1
            } else if targetPairs[i] < predictionPairs[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return hits
    }

    /// Tokens of the target's lines that a common subsequence with some line of the prediction takes.
    ///
    /// Each token of either text counts once at most: `targetCounts` and `predictionCounts` are what is left of them.
    private func unionOfLines(_ distinct: Int) -> Int {
        var hits = 0
        var start = 0
        for end in target.lineEnds {
            defer { start = end }
            if start == end { continue }
            subsequence.prepare(reference: target.numbers[start..<end], tokenCount: distinct)
            marks.removeAll(keepingCapacity: true)
            marks.append(contentsOf: repeatElement(false, count: end - start))
            var first = 0
            for last in prediction.lineEnds {
                subsequence.mark(prediction.numbers[first..<last], in: &marks)
                first = last
            }
            for position in marks.indices where marks[position] {
                let token = Int(target.numbers[start + position])
                if targetCounts[token] > 0, predictionCounts[token] > 0 {
                    targetCounts[token] -= 1
                    predictionCounts[token] -= 1
                    hits += 1
                }
            }
        }
        return hits
    }
}
