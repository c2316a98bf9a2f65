import Glibc
import JSON
import Testing

@testable import Core

/// Llama 2 as a user runs it, against what transformers generates from the same checkpoints.
@Suite struct Llama2RunTests {
    private static let demo = HostProcess.root + "/Plugins/Llama2/Demo"

    /// The demo's prompts and transformers' greedy tokens.
    private func demoPrompts(_ count: Int) throws -> [(text: String, greedy: [Int32])] {
        let path = Llama2RunTests.demo + "/expected_greedy.json"
        let expected = JSONField(try JSON(contentsOfFile: path), at: path)
        let all = try expected["prompts"].array().map { prompt in
            (text: try prompt["text"].string(), greedy: try prompt["greedy"].array().map { Int32(try $0.int()) })
        }
        // LoadGen counts a sample of one token as an error, and that makes an accuracy run invalid.
        return Array(all.filter { $0.greedy.count > 1 }.prefix(count))
    }

    @Test func demoModelEqualsTransformers() throws {
        let prompts = try demoPrompts(16)
        let dataset = try DatasetFile.write(prompts.map { .object(JSONObject([("text", .string($0.text))])) })
        let options = ["max_new_tokens=64", "min_new_tokens=0", "max_batch=8", "prefill_chunk=64"]
        let model = Llama2RunTests.demo + "/checkpoint"
        let run = try AccuracyRun(model: model, dataset: dataset, options: options)
        #expect(run.tokens.count == prompts.count)
        for (index, prompt) in prompts.enumerated() {
            #expect(run.tokens[index] == prompt.greedy, "prompt \(index): \(prompt.text)")
        }
        // The same bytes in a process of its own, and with one thread.
        let isolated = try AccuracyRun(model: model, dataset: dataset, options: options, words: ["--isolate"])
        #expect(isolated.data == run.data)
        let single = try AccuracyRun(model: model, dataset: dataset, options: options, words: ["threads=1"])
        #expect(single.data == run.data)
        // And from instances that share the samples.
        for words in [["harness_config.device_count=2"], ["harness_config.device_count=3", "--isolate"]] {
            let several = try AccuracyRun(
                model: model,
                dataset: dataset,
                options: options,
                words: words + ["threads=2", "harness_config.schedule_algo=shortest_queue_with_tokens"]
            )
            #expect(several.data == run.data, "\(words)")
        }
    }

    @Test func tokensOfGoldenCheckpoints() throws {
        let root = getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? HostProcess.root + "/Tests/Golden"
        var count = 0
        for area in Llama2RunTests.names(in: root + "/golden") {
            for checkpoint in Llama2RunTests.names(in: "\(root)/golden/\(area)") where checkpoint.hasPrefix("ckpt") {
                let folder = "\(root)/golden/\(area)/\(checkpoint)"
                guard let config = try? JSON(contentsOfFile: folder + "/config.json"),
                    config["model_type"] == .string("llama"),
                    let expected = try? JSON(contentsOfFile: folder + "/expected.json"), expected["prompts"] != nil
                else { continue }
                try compare("\(area)/\(checkpoint)", folder, JSONField(expected, at: folder + "/expected.json"))
                count += 1
            }
        }
        #expect(count > 0, "\(root)/golden has no Llama checkpoint")
    }

    private func compare(_ name: String, _ folder: String, _ expected: JSONField) throws {
        let prompts = try expected["prompts"].array()
        let greedy = try prompts.map { try $0["greedy"].array().map { Int32(try $0.int()) } }
        let dataset = try DatasetFile.write(
            try prompts.map { prompt in
                let ids = try prompt["ids"].array().map { JSON.integer(Int64(try $0.int())) }
                return .object(JSONObject([("input_ids", .array(ids))]))
            }
        )
        let run = try AccuracyRun(
            model: folder,
            dataset: dataset,
            options: ["stop_at_eos=false", "min_new_tokens=0", "max_new_tokens=\(greedy.map(\.count).max() ?? 1)"]
        )
        var wrong = 0
        for (index, tokens) in greedy.enumerated() {
            let got = (run.tokens[index] ?? []).prefix(tokens.count)
            wrong += zip(got, tokens).count { $0 != $1 } + tokens.count - got.count
        }
        #expect(wrong == 0, "\(name): tokens that differ")
        print("golden \(name) through host --plugin: \(wrong == 0 ? "passed" : "failed") worst=\(wrong) tolerance=0")
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
