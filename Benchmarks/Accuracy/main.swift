// Logits of forms of a model, teacher-forced, beside those of the first form.
//
//     LogitBenchmark TEXTS FORM ...        TEXTS: JSON Lines with `text`     FORM: FOLDER,ACTIVATIONS,KV_CACHE
//
// Every text goes token by token through the plugin's tables and the CPU's kernels, from the token that starts a text to
// the one that ends it, each form with its own KV cache. Prints a JSON object for each form; LogitComparison says what is
// in it. run.py makes the forms and a table.

import Glibc
import JSON
import Tokenizers

struct Misuse: Error, CustomStringConvertible {
    var description: String
}

/// The tokens of each text, framed.
func documents(_ path: String, _ tokenizer: any Tokenizer) throws -> [[Int32]] {
    guard let first = tokenizer.bosToken, let last = tokenizer.eosToken else {
        throw Misuse(description: "the tokenizer of the first form does not name the tokens that start and end a text")
    }
    var lines = try JSONLines(contentsOfFile: path)
    var documents: [[Int32]] = []
    while let line = try lines.nextField() {
        let text = try tokenizer.encode(try line["text"].string(), addSpecialTokens: false)
        documents.append(([first] + text + [last]).map { Int32(bitPattern: $0) })
    }
    return documents
}

func run() throws {
    let words = CommandLine.arguments.dropFirst()
    guard let texts = words.first, words.count > 1 else {
        throw Misuse(description: "usage: LogitBenchmark TEXTS FOLDER,ACTIVATIONS,KV_CACHE ...")
    }
    let forms = try words.dropFirst().map { word in
        let parts = word.split(separator: ",").map(String.init)
        guard parts.count == 3 else { throw Misuse(description: "\(word) is not FOLDER,ACTIVATIONS,KV_CACHE") }
        return parts
    }
    let documents = try documents(texts, loadTokenizer(folder: forms[0][0]))
    let context = documents.map(\.count).max() ?? 1
    let models = try forms.map {
        try TeacherForcedModel(folder: $0[0], activations: $0[1], cache: $0[2], context: context)
    }
    var comparisons = forms.map { _ in LogitComparison() }
    for document in documents {
        for model in models { try model.begin(document) }
        let expected = try models[0].logits()
        for (index, model) in models.enumerated() {
            comparisons[index].add(try model.logits(), expected, targets: document.dropFirst())
        }
    }
    for comparison in comparisons { print(comparison.figures.text()) }
}

do {
    try run()
} catch {
    let line = Array("LogitBenchmark: \(error)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(1)
}
