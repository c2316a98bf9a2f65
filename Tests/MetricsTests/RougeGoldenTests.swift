import Glibc
import JSON
import Testing

@testable import Metrics

/// ROUGE against the Python package rouge_score 0.1.2: `rouge-golden.json`, whose first members say how it was made.
@Suite struct RougeGoldenTests {
    private static let path: String = {
        let here = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Golden"
        return (getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? here) + "/rouge-golden.json"
    }()
    private static let tolerance = 1e-9

    private func golden() throws -> JSONField { JSONField(try JSON(contentsOfFile: Self.path), at: Self.path) }

    private static func named(_ scores: RougeScores) -> [(String, RougeScore)] {
        [
            ("rouge1", scores.rouge1), ("rouge2", scores.rouge2), ("rougeL", scores.rougeL),
            ("rougeLsum", scores.rougeLsum),
        ]
    }

    @Test func everyPair() throws {
        let stemmed = RougeScorer(stemming: true)
        let unstemmed = RougeScorer(stemming: false)
        var worst = 0.0
        let pairs = try golden()["pairs"].array()
        #expect(pairs.count == 100)
        for pair in pairs {
            let id = try pair["id"].int()
            let target = Array(try pair["reference"].string().utf8)
            let prediction = Array(try pair["prediction"].string().utf8)
            for (name, score) in Self.named(try stemmed.score(target: target, prediction: prediction)) {
                let expected = pair["stemmed"][name]
                for (got, field) in [(score.precision, "p"), (score.recall, "r"), (score.f, "f")] {
                    let difference = abs(got - (try expected[field].double()))
                    worst = max(worst, difference)
                    #expect(difference <= Self.tolerance, "pair \(id) \(name) \(field): \(got)")
                }
            }
            for (name, score) in Self.named(try unstemmed.score(target: target, prediction: prediction)) {
                let difference = abs(score.f - (try pair["unstemmed_f"][name].double()))
                worst = max(worst, difference)
                #expect(difference <= Self.tolerance, "pair \(id) \(name) unstemmed: \(score.f)")
            }
            let tokens = try pair["prediction_tokens_stemmed"].array().map { try $0.string() }
            // The recording holds the first forty.
            #expect(Array(stemmed.tokens(of: prediction).prefix(40)) == tokens)
        }
        print("golden rouge-golden.json pairs: \(worst <= Self.tolerance ? "passed" : "FAILED") worst=\(worst)")
    }

    @Test func everyStem() throws {
        var stemmer = PorterStemmer()
        var wrong = 0
        var count = 0
        for (word, field) in try golden()["stems"].members() {
            var bytes = Array(word.utf8)
            stemmer.stem(&bytes)
            let expected = try field.string()
            if bytes != Array(expected.utf8) { wrong += 1 }
            #expect(String(decoding: bytes, as: UTF8.self) == expected, "\(word)")
            count += 1
        }
        #expect(count == 900)
        print("golden rouge-golden.json stems: \(wrong == 0 ? "passed" : "FAILED") worst=\(wrong) tolerance=0")
    }

    /// The means in per cent, four decimals, however many threads there are and however the pairs are handed over.
    @Test(arguments: [(1, 100), (3, 7)]) func corpus(threads: Int, part: Int) throws {
        let golden = try golden()
        let pairs = try golden["pairs"].array()
        let corpus = RougeCorpus(stemming: true, threads: threads) { count, body in
            for number in (0..<count).reversed() { body(number) }
        }
        for start in stride(from: 0, to: pairs.count, by: part) {
            let range = start..<min(start + part, pairs.count)
            try corpus.add(range.count) { number in
                let pair = pairs[range.lowerBound + number]
                return (Array(try pair["reference"].string().utf8), Array(try pair["prediction"].string().utf8))
            }
        }
        let expected = golden["mlperf_aggregate_percent_round4"]
        let means = corpus.means
        #expect(Rounding.percent(means.rouge1) == (try expected["rouge1"].double()))
        #expect(Rounding.percent(means.rouge2) == (try expected["rouge2"].double()))
        #expect(Rounding.percent(means.rougeL) == (try expected["rougeL"].double()))
        #expect(Rounding.percent(means.rougeLsum) == (try expected["rougeLsum"].double()))
        #expect(corpus.count == 100)
    }
}
