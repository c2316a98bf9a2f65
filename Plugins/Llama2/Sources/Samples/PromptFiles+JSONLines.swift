import JSON
import PluginAPI
import Tokenizers

extension PromptFiles {
    /// Reads plain JSON Lines: `input_ids`, or else `text` or `input`, which are tokenised with BOS first.
    func readLines() throws -> PromptStore {
        var builder = PromptBuilder(vocabulary: vocabulary, context: context)
        var lines = try JSONLines(contentsOfFile: path)
        while let line = try lines.nextField() {
            let number = lines.line
            try builder.append(try ids(of: line), at: "\(path): line \(number)")
        }
        return try builder.finish(path)
    }

    private func ids(of line: JSONField) throws -> [Int] {
        if let ids = try line["input_ids"].optional {
            return try ids.array().map { try $0.int() }
        }
        guard let text = try line["text"].optional ?? line["input"].optional else {
            throw line.error("expected a member input_ids, text or input")
        }
        guard let tokenizer else {
            throw text.error(
                "the model folder has no tokenizer (tokenizer.model or tokenizer.json) to turn it into tokens; give --model, or input_ids"
            )
        }
        let tokens = try tokenizer.encode(try text.string(), addSpecialTokens: false)
        let start = tokenizer.bosToken.map { [Int($0)] } ?? []
        return start + tokens.map { Int($0) }
    }
}
