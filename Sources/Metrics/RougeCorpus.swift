/// Scores of many pairs of texts, handed over in parts, scored on several threads, with their means.
///
/// Only a few numbers are kept for each pair.  The means do not depend on the threads or on the parts.
public final class RougeCorpus {
    /// Runs its closure once for every number below the first argument, on any threads, and waits.
    public typealias ParallelFor = (_ count: Int, _ body: (Int) -> Void) throws -> Void

    private let scorers: [RougeScorer]
    private let parallelFor: ParallelFor
    private var fMeasures: [(rouge1: Double, rouge2: Double, rougeL: Double, rougeLsum: Double)] = []

    /// Means of the F-measures, from 0 to 1.
    public struct Means: Sendable, Equatable {
        /// Single tokens.
        public var rouge1: Double
        /// Pairs of tokens.
        public var rouge2: Double
        /// Longest common subsequence.
        public var rougeL: Double
        /// The same by lines.
        public var rougeLsum: Double
    }

    /// A corpus without pairs.
    ///
    /// - Parameters:
    ///   - stemming: Whether words are stemmed.
    ///   - threads: How many pairs are scored at once; at least 1.
    ///   - parallelFor: What runs them; called with `threads`.
    public init(stemming: Bool, threads: Int, parallelFor: @escaping ParallelFor = ShortThreads.run) {
        scorers = (0..<max(1, threads)).map { _ in RougeScorer(stemming: stemming) }
        self.parallelFor = parallelFor
    }

    /// How many pairs have been scored.
    public var count: Int { fMeasures.count }

    /// Scores pairs.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - pair: Gives target and prediction of a pair, UTF-8; called once for each number below `count`, from any of the
    ///     threads.
    /// - Throws: What `pair` or the scorer throws for the first pair that fails; no pair of this call counts then.
    public func add(_ count: Int, pair: (Int) throws -> (target: [UInt8], prediction: [UInt8])) throws {
        var results = [Result<RougeScores, any Error>?](repeating: nil, count: count)
        // Neighbours cost about the same, so that thread t takes every threads-th pair.
        let threads = scorers.count
        try results.withUnsafeMutableBufferPointer { results in
            let results = results
            try parallelFor(threads) { thread in
                for number in stride(from: thread, to: count, by: threads) {
                    results[number] = Result {
                        let texts = try pair(number)
                        return try self.scorers[thread].score(target: texts.target, prediction: texts.prediction)
                    }
                }
            }
        }
        let scores = try results.compactMap { try $0?.get() }
        fMeasures.append(
            contentsOf: scores.map { ($0.rouge1.f, $0.rouge2.f, $0.rougeL.f, $0.rougeLsum.f) }
        )
    }

    /// The means over all pairs so far; zeros if there are none.
    public var means: Means {
        var means = Means(rouge1: 0, rouge2: 0, rougeL: 0, rougeLsum: 0)
        for f in fMeasures {
            means.rouge1 += f.rouge1
            means.rouge2 += f.rouge2
            means.rougeL += f.rougeL
            means.rougeLsum += f.rougeLsum
        }
        let count = Double(max(1, fMeasures.count))
        means.rouge1 /= count
        means.rouge2 /= count
        means.rougeL /= count
        means.rougeLsum /= count
        return means
    }
}
