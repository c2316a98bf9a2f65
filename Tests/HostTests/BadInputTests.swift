import Glibc
import JSON
import Testing

@testable import Core

/// Whatever a user gets wrong: exit status 64, a sentence that names file and field, no result, never a trap.
@Suite struct BadInputTests {
    /// One mistake.
    struct Mistake: Sendable {
        var name: String
        /// Words of the command line beside the right ones.
        var words: @Sendable (Site) throws -> [String] = { _ in [] }
        /// What is done to a copy of the demo model.
        var model: (@Sendable (_ folder: String) throws -> Void)?
        /// What is in the data set.
        var dataset: [UInt8]?
        /// What the error says.
        var says: [String]
    }

    /// Where a mistake is made.
    struct Site: Sendable {
        var folder: String
        var model: String
        var dataset: String
    }

    private static let checkpoint = HostProcess.root + "/Plugins/Llama2/Demo/checkpoint"

    private static func edit(
        _ file: String,
        _ change: @escaping @Sendable (String) -> String
    ) -> @Sendable (String) throws -> Void {
        { folder in
            let path = "\(folder)/\(file)"
            let text = String(decoding: try TextFile.read(path), as: UTF8.self)
            let changed = change(text)
            #expect(changed != text, "the change of \(file) changes nothing")
            unlink(path)
            try TextFile.write(changed, to: path)
        }
    }

    private static func bytes(
        _ file: String,
        _ change: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) -> @Sendable (String) throws -> Void {
        { folder in
            let path = "\(folder)/\(file)"
            let content = try TextFile.read(path)
            unlink(path)
            try TextFile.write(change(content), to: path)
        }
    }

    private static func removing(_ files: String...) -> @Sendable (String) throws -> Void {
        { folder in for file in files { unlink("\(folder)/\(file)") } }
    }

    private static func lines(_ text: String) -> [UInt8] { Array(text.utf8) }

    static let mistakes: [Mistake] = [
        Mistake(name: "no weights", model: removing("model.safetensors"), says: ["model", ".safetensors"]),
        Mistake(
            name: "truncated weights",
            model: bytes("model.safetensors") { Array($0.prefix($0.count / 2)) },
            says: ["model.safetensors"]
        ),
        Mistake(
            name: "empty weights",
            model: bytes("model.safetensors") { _ in [] },
            says: ["model.safetensors"]
        ),
        Mistake(
            name: "absurd header length",
            model: bytes("model.safetensors") { [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F] + $0.dropFirst(8) },
            says: ["model.safetensors", "header"]
        ),
        Mistake(
            name: "wrong dtype",
            model: BadInputTests.dtype,
            says: ["/model/model.safetensors: tensor model.norm.weight", "I16"]
        ),
        Mistake(
            name: "wrong shape",
            model: edit("config.json") {
                $0.replacing(/"intermediate_size": *[0-9]+/, with: "\"intermediate_size\": 333")
            },
            says: ["mlp", "333"]
        ),
        Mistake(name: "no config", model: removing("config.json"), says: ["config.json"]),
        Mistake(name: "broken config", model: edit("config.json") { String($0.dropLast(5)) }, says: ["config.json"]),
        Mistake(
            name: "config without a field",
            model: edit("config.json") { $0.replacing("\"hidden_size\"", with: "\"hidden_sizes\"") },
            says: ["config.json", "hidden_size"]
        ),
        Mistake(
            name: "config with another type",
            model: edit("config.json") { $0.replacing(/"hidden_size": *[0-9]+/, with: "\"hidden_size\": \"many\"") },
            says: ["config.json", "hidden_size"]
        ),
        Mistake(
            name: "config of another model",
            model: edit("config.json") { $0.replacing(/"model_type": *"llama"/, with: "\"model_type\": \"bert\"") },
            says: ["config.json", "model_type", "bert"]
        ),
        Mistake(
            name: "broken tokenizer",
            model: { folder in
                try bytes("tokenizer.model") { Array($0.prefix($0.count - 7)) }(folder)
                try bytes("tokenizer.json") { Array($0.prefix($0.count / 2)) }(folder)
            },
            says: ["tokenizer"]
        ),
        Mistake(
            name: "no tokenizer",
            model: removing("tokenizer.model", "tokenizer.json"),
            says: ["tokenizer"]
        ),
        Mistake(
            name: "no model folder",
            words: { _ in ["--model", "/nonexistent/model"] },
            says: ["/nonexistent/model"]
        ),
        Mistake(
            name: "no data set",
            words: { _ in ["--dataset", "/nonexistent/set.jsonl"] },
            says: ["/nonexistent/set.jsonl"]
        ),
        Mistake(name: "empty data set", dataset: [], says: ["samples.jsonl"]),
        Mistake(
            name: "bad UTF-8",
            dataset: lines("{\"text\": \"good\"}\n{\"text\": \"") + [0xFF, 0xFE] + lines("\"}\n"),
            says: ["samples.jsonl", "line 2", "UTF-8"]
        ),
        Mistake(
            name: "broken line",
            dataset: lines("{\"text\": \"good\"}\n{\"text\": \n"),
            says: ["samples.jsonl", "2"]
        ),
        Mistake(
            name: "line without text",
            dataset: lines("{\"txt\": \"x\"}\n"),
            says: ["samples.jsonl", "line 1", "text"]
        ),
        Mistake(
            name: "token beyond the vocabulary",
            dataset: lines("{\"input_ids\": [1, 99999999]}\n"),
            says: ["samples.jsonl", "99999999"]
        ),
        Mistake(
            name: "token that is no number",
            dataset: lines("{\"input_ids\": [1, \"two\"]}\n"),
            says: ["samples.jsonl", "input_ids"]
        ),
        Mistake(
            name: "unknown scenario",
            words: { _ in ["--scenario", "sideways"] },
            says: ["scenario", "sideways", "Offline"]
        ),
        Mistake(
            name: "unknown key",
            words: { _ in ["harness_config.target_qsp=3"] },
            says: ["harness_config.target_qsp", "harness_config.target_qps"]
        ),
        Mistake(
            name: "unknown option",
            words: { _ in ["model_config.max_new_token=3"] },
            says: ["max_new_token", "max_new_tokens"]
        ),
        Mistake(
            name: "option out of bounds",
            words: { _ in ["model_config.max_new_tokens=0"] },
            says: ["max_new_tokens", "0"]
        ),
        Mistake(
            name: "output below a file",
            words: { ["--output", $0.dataset + "/logs"] },
            says: ["samples.jsonl"]
        ),
        Mistake(
            name: "malformed user.conf",
            words: { site in
                try TextFile.write("*.Offline.target_qps = fast\n", to: site.folder + "/user.conf")
                return ["--user-conf", site.folder + "/user.conf"]
            },
            says: ["user.conf", "line 1"]
        ),
        Mistake(
            name: "no user.conf",
            words: { _ in ["--user-conf", "/nonexistent/user.conf"] },
            says: ["/nonexistent/user.conf"]
        ),
        Mistake(
            name: "no configuration file",
            words: { _ in ["--config-path", "Plugins/Llama2/Configs", "--config-name", "demo"] },
            says: ["demo.yaml", "demo_offline"]
        ),
        Mistake(name: "no plugin", words: { _ in ["--plugin", "libNothing.so"] }, says: ["libNothing.so"]),
        Mistake(name: "no library", words: { _ in ["--plugin", "Makefile"] }, says: ["Makefile"]),
    ]

    /// The dtype of one tensor in the header, with as many bytes.
    private static let dtype: @Sendable (String) throws -> Void = bytes("model.safetensors") { content in
        let length = content.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let header = String(decoding: content[8..<8 + length], as: UTF8.self)
        let changed = header.replacing(
            /("model\.norm\.weight": *\{[^}]*"dtype": *")BF16"/,
            with: { "\($0.output.1)I16\"" }
        )
        // The header is padded with spaces: keep its length.
        let padded = changed + String(repeating: " ", count: max(0, length - changed.utf8.count))
        return Array(content[..<8]) + Array(padded.utf8) + Array(content[(8 + length)...])
    }

    @Test func everyMistake() throws {
        let outcomes = inParallel(BadInputTests.mistakes, atOnce: 3) { mistake in
            let folder = try TemporaryFolder.folder()
            let site = Site(folder: folder, model: folder + "/model", dataset: folder + "/samples.jsonl")
            try TextFile.write(mistake.dataset ?? Array("{\"text\": \"In the beginning\"}\n".utf8), to: site.dataset)
            mkdir(site.model, 0o777)
            for name in [
                "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                "special_tokens_map.json", "model.safetensors",
            ] {
                symlink("\(BadInputTests.checkpoint)/\(name)", "\(site.model)/\(name)")
            }
            try mistake.model?(site.model)
            var words = [
                "--plugin", "libLlama2.so", "--model", site.model, "--dataset", site.dataset, "--scenario", "offline",
                "--mode", "accuracy", "--output", folder + "/logs", "model_config.max_new_tokens=2",
            ]
            words += try mistake.words(site)
            return try HostProcess.run(words, limit: 60)
        }
        for (mistake, outcome) in zip(BadInputTests.mistakes, outcomes) {
            let outcome = try outcome.get()
            #expect(
                outcome.status == 64,
                "\(mistake.name): status \(outcome.status): \(outcome.output)\(outcome.errors)"
            )
            #expect(outcome.errors.contains("error: "), "\(mistake.name): \(outcome.errors)")
            #expect(!outcome.output.contains("Result is"), "\(mistake.name): a result is shown: \(outcome.output)")
            for text in mistake.says {
                #expect(outcome.errors.contains(text), "\(mistake.name): not \"\(text)\" in: \(outcome.errors)")
            }
        }
    }
}
