import Testing

@testable import Metrics

@Suite struct RougeEdgeTests {
    private let scorer = RougeScorer(stemming: true)

    /// Expected tokens are those of rouge_score's tokenizer.
    @Test(arguments: [
        ("300\u{212A} 5\u{212A}g", ["300k", "5kg"]), ("\u{130}stanbul", ["i", "stanbul"]),
        ("na\u{EF}ve", ["na", "ve"]),
        ("a\u{A0}b\u{2028}c", ["a", "b", "c"]), ("", []), ("--", []), ("The\tNEWS\r\nflies", ["the", "news", "fli"]),
    ]) func tokens(text: String, expected: [String]) {
        #expect(scorer.tokens(of: Array(text.utf8)) == expected)
    }

    /// No byte sequence is a trap; a cut-off multi-byte character parts tokens.
    @Test func anyBytes() throws {
        var generator = SystemRandomNumberGenerator()
        let letters: [UInt8] = [0xE2, 0x84, 0xAA, 0xC4, 0xB0, 0x0A, 0x61, 0x42, 0x20, 0xFF, 0x00, 0x79, 0x65, 0x73]
        for _ in 0..<2000 {
            func text() -> [UInt8] {
                (0..<Int.random(in: 0...40, using: &generator)).compactMap { _ in
                    letters.randomElement(using: &generator)
                }
            }
            let scores = try scorer.score(target: text(), prediction: text())
            for score in [scores.rouge1, scores.rouge2, scores.rougeL, scores.rougeLsum] {
                #expect(score.f >= 0 && score.f <= 1)
            }
        }
    }

    @Test func tooLong() {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 2 * (RougeScorer.mostTokens + 1)).enumerated()
            .map { $0.offset % 2 == 0 ? $0.element : UInt8(ascii: " ") }
        #expect(throws: RougeError.self) { try scorer.score(target: text, prediction: [97]) }
        #expect(throws: RougeError.self) { try scorer.score(target: [97], prediction: text) }
    }

    /// Python: `round(a / b, 1)`.
    @Test(arguments: [
        (6_984_484, 24576, 284.2), (1, 4, 0.2), (3, 4, 0.8), (3, 20, 0.1), (1, 20, 0.1), (569, 20, 28.4), (7, 1, 7.0),
        (0, 3, 0.0), (1137, 4, 284.2), (1139, 4, 284.8), (5699, 20, 284.9),
    ]) func tenths(dividend: Int, divisor: Int, expected: Double) {
        #expect(Rounding.tenths(dividend, by: divisor) == expected)
    }
}
