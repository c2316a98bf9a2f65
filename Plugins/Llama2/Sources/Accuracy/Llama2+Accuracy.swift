import CPluginAPI
import PluginAPI

extension Llama2: AccuracyProviding {
    func beginAccuracy() throws {
        let (references, count, tokenizer) = try FileErrors.named { try accuracySources() }
        score = AccuracyScore(references: references, count: count, tokenizer: tokenizer)
    }

    private func currentScore() throws -> AccuracyScore {
        guard let score else { throw PluginError(.invalidState, "accuracy: begin was not called") }
        return score
    }

    func addResponses(_ responses: UnsafeBufferPointer<mlp_response>) throws {
        let score = try currentScore()
        try FileErrors.named { try score.add(responses) }
    }

    func finishAccuracy() throws -> AccuracyReport {
        let report = try currentScore().finish(targets)
        score = nil
        return report
    }
}
