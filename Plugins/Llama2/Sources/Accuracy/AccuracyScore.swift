import CPluginAPI
import JSON
import Metrics
import PluginAPI
import Tokenizers

/// Scores an accuracy log as MLPerf's `evaluate-accuracy.py` of llama2-70b does: ROUGE of the decoded answers.
///
/// Entries come in parts.  What is kept of one is its scores and that it was there.
final class AccuracyScore {
    private let references: ReferenceTexts
    private let tokenizer: any Tokenizer
    private let corpus = RougeCorpus(stemming: true, threads: ShortThreads.processorCount)
    private var isAnswered: [Bool]
    private var entries = 0
    private var tokens = 0
    private var characters = 0
    private var findings = Findings()

    /// What is odd about a log and does not keep it from being scored.
    private struct Findings {
        var repeated = 0
        var firstRepeated: [UInt64] = []
        var otherCount = 0
        var firstOtherCount: [UInt64] = []
    }

    /// - Parameters:
    ///   - references: What answers are compared with.
    ///   - count: How many there are.
    ///   - tokenizer: The model's.
    init(references: ReferenceTexts, count: Int, tokenizer: any Tokenizer) {
        self.references = references
        self.tokenizer = tokenizer
        isAnswered = [Bool](repeating: false, count: count)
    }

    /// Takes entries; of several for one sample the first counts.
    ///
    /// - Throws: `PluginError` or a reader's error for an entry that has no sample or is no text, with its number in the log.
    func add(_ responses: UnsafeBufferPointer<mlp_response>) throws {
        var counted: [(response: mlp_response, entry: Int)] = []
        for response in responses {
            entries += 1
            guard response.index < UInt64(isAnswered.count) else {
                throw PluginError(
                    .invalidArgument,
                    "entry \(entries): there is no sample \(response.index); the data set has \(isAnswered.count)"
                )
            }
            let sample = Int(response.index)
            guard response.data.size % 4 == 0 else {
                throw fault(entries, response, "has \(response.data.size) bytes, which are no whole 32-bit token ids")
            }
            if isAnswered[sample] {
                findings.repeated += 1
                if findings.firstRepeated.count < 5 { findings.firstRepeated.append(response.index) }
                continue
            }
            isAnswered[sample] = true
            let length = Int(response.data.size / 4)
            if response.token_count != 0, response.token_count != UInt64(length) {
                findings.otherCount += 1
                if findings.firstOtherCount.count < 5 { findings.firstOtherCount.append(response.index) }
            }
            tokens += length
            counted.append((response, entries))
        }
        var lengths = [Int](repeating: 0, count: counted.count)
        try lengths.withUnsafeMutableBufferPointer { lengths in
            let lengths = lengths
            try corpus.add(counted.count) { number in
                let (response, entry) = counted[number]
                let prediction = try text(response, entry)
                lengths[number] = StrippedText.count(prediction)
                return (try references.text(Int(response.index)), prediction)
            }
        }
        characters += lengths.reduce(0, +)
    }

    private func fault(_ entry: Int, _ response: mlp_response, _ reason: String) -> PluginError {
        PluginError(.invalidArgument, "entry \(entry), of sample \(response.index): \(reason)")
    }

    private func text(_ response: mlp_response, _ entry: Int) throws -> [UInt8] {
        let bytes = UnsafeRawBufferPointer(start: response.data.data, count: Int(response.data.size))
        let ids = try stride(from: 0, to: bytes.count, by: 4).map { start in
            let id = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self))
            guard id >= 0, Int(id) < tokenizer.vocabularySize else {
                throw fault(
                    entry,
                    response,
                    "token \(start / 4) is \(id), beyond the vocabulary of \(tokenizer.vocabularySize)"
                )
            }
            return UInt32(id)
        }
        do {
            return try tokenizer.decode(ids, skipSpecialTokens: true)
        } catch let error as TokenizerError {
            throw fault(entry, response, "cannot be decoded: \(error.description)")
        }
    }

    /// The report.
    ///
    /// - Throws: `PluginError` when there was no entry.
    func finish(_ targets: AccuracyTargets) throws -> AccuracyReport {
        guard corpus.count > 0 else { throw PluginError(.invalidArgument, "the log has no entries: nothing to score") }
        let means = corpus.means
        let rougeLsum = Rounding.percent(means.rougeLsum)
        let judged = targets.judged(
            rouge1: Rounding.percent(means.rouge1),
            rouge2: Rounding.percent(means.rouge2),
            rougeL: Rounding.percent(means.rougeL),
            tokensPerSample: Rounding.tenths(tokens, by: corpus.count)
        )
        let metrics =
            judged + [
                AccuracyTargets.Metric(name: "rougeLsum", value: rougeLsum),
                AccuracyTargets.Metric(name: "gen_len", value: Double(characters)),
                AccuracyTargets.Metric(
                    name: "gen_num",
                    value: Double(corpus.count),
                    minimum: Double(targets.samples > 0 ? min(targets.samples, isAnswered.count) : isAnswered.count)
                ),
                AccuracyTargets.Metric(name: "gen_tok_len", value: Double(tokens)),
            ]
        let line =
            "{'rouge1': \(judged[0].value), 'rouge2': \(judged[1].value), 'rougeL': \(judged[2].value), "
            + "'rougeLsum': \(rougeLsum), 'gen_len': \(characters), 'gen_num': \(corpus.count), "
            + "'gen_tok_len': \(tokens), 'tokens_per_sample': \(judged[3].value)}"
        return AccuracyReport(
            passed: metrics.allSatisfy(\.isMet),
            text: ([line] + notes(targets)).joined(separator: "\n") + "\n",
            metrics: JSON.array(metrics.map(\.json)).text()
        )
    }

    /// What a reader of the figures must know, a line each.
    private func notes(_ targets: AccuracyTargets) -> [String] {
        var notes = [
            "note: sentences are the lines of a text: rougeLsum and gen_len, which nothing judges, differ from a script "
                + "that first parts texts with NLTK's Punkt model"
        ]
        let missing = isAnswered.count - corpus.count
        if missing > 0 {
            let first = Array(isAnswered.indices.lazy.filter { !self.isAnswered[$0] }.prefix(5)).map { String($0) }
            notes.append(
                "note: \(missing) of \(isAnswered.count) samples of the data set have no entry (\(Self.list(first, missing)))"
            )
        }
        if findings.repeated > 0 {
            notes.append(
                "note: \(findings.repeated) entries are of samples that had one before; the first counts "
                    + "(\(Self.list(findings.firstRepeated.map { String($0) }, findings.repeated)))"
            )
        }
        if findings.otherCount > 0 {
            notes.append(
                "note: \(findings.otherCount) entries state a token_count that is not the length of their data; the data "
                    + "counts (\(Self.list(findings.firstOtherCount.map { String($0) }, findings.otherCount)))"
            )
        }
        return notes
    }

    private static func list(_ samples: [String], _ count: Int) -> String {
        "sample\(count == 1 ? "" : "s") \(samples.joined(separator: ", "))\(count > samples.count ? ", ..." : "")"
    }
}
