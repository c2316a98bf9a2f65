import Glibc
import JSON
import Testing

@testable import Core

/// Two steps in flight on a stream that is asynchronous: the samples have the tokens that they have with one.
@Suite struct ShimStepsTests {
    private static let demo = HostProcess.root + "/Plugins/Llama2/Demo"

    /// The demo model with end tokens that its texts soon meet.
    private static func model(ends: [Int]) throws -> String {
        let folder = try TemporaryFolder.folder()
        for name in ["config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json"] {
            _ = symlink("\(demo)/checkpoint/\(name)", "\(folder)/\(name)")
        }
        let list = JSON.array(ends.map { .integer(Int64($0)) })
        try TextFile.write(
            JSON.object(JSONObject([("eos_token_id", list)])).text(),
            to: folder + "/generation_config.json"
        )
        return folder
    }

    /// Samples that an end token ends beside some that go on, on few pages: rows too many, slots and pages that change
    /// hands, preemption.
    @Test(arguments: [ShimDevice.gfx950])
    func tokensAreThoseOfOneStepInFlight(_ device: ShimDevice) throws {
        let path = Self.demo + "/expected_greedy.json"
        let prompts = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array()
            .filter { try $0["greedy"].array().count > 8 }
            .sorted { try $0["ids"].array().count < $1["ids"].array().count }.prefix(4)
        let greedy = try prompts.map { try $0["greedy"].array().prefix(6).map { try $0.int() } }
        let ends = [greedy[0][3], greedy[3][5]]
        let expected = greedy.map { tokens in
            tokens.firstIndex { ends.contains($0) }.map { Array(tokens[...$0]) } ?? tokens
        }
        // MLPerf takes a sample of a single token for an error.
        #expect(expected.contains { $0.count < 6 } && expected.allSatisfy { $0.count > 1 })
        let dataset = try DatasetFile.write(
            prompts.map { .object(JSONObject([("text", .string(try $0["text"].string()))])) }
        )
        let model = try Self.model(ends: ends)
        for (steps, machine) in [("1", "late=0"), ("2", "late=1")] {
            let run = try AccuracyRun(
                model: model,
                dataset: dataset,
                options: [
                    "min_new_tokens=0", "max_new_tokens=6", "max_batch=3", "prefill_chunk=16", "page_size=2",
                    "kv_cache_tokens=48", "steps_in_flight=\(steps)",
                ],
                words: device.words + ["harness_config.enable_warmup=false"],
                environment: device.environment(machine)
            )
            for (index, tokens) in expected.enumerated() {
                #expect(run.tokens[index] == tokens.map { Int32($0) }, "prompt \(index), \(steps) in flight")
            }
        }
    }
}
