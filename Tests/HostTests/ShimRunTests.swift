import JSON
import Testing

@testable import Core

/// Llama 2 on a GPU as a user runs it, the GPU being played by ShimDriver: late, asynchronous, with memory that the host
/// cannot touch.
@Suite struct ShimRunTests {
    private static let demo = HostProcess.root + "/Plugins/Llama2/Demo"
    private static let golden = HostProcess.root + "/Tests/Golden/golden"

    private func demoPrompts(_ count: Int) throws -> (dataset: String, greedy: [[Int32]]) {
        let path = Self.demo + "/expected_greedy.json"
        let all = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array()
        let chosen = try all.filter { try $0["greedy"].array().count > 8 }
            .sorted { try $0["ids"].array().count < $1["ids"].array().count }.prefix(count)
        let texts = try chosen.map { JSON.object(JSONObject([("text", .string(try $0["text"].string()))])) }
        return (
            try DatasetFile.write(texts),
            try chosen.map { try $0["greedy"].array().map { Int32(try $0.int()) } }
        )
    }

    /// The demo model's first tokens are those of transformers.
    @Test(arguments: ShimDevice.allCases)
    func demoModel(_ device: ShimDevice) throws {
        let (dataset, greedy) = try demoPrompts(2)
        let run = try AccuracyRun(
            model: Self.demo + "/checkpoint",
            dataset: dataset,
            options: ["max_new_tokens=4", "max_batch=2", "prefill_chunk=16", "kv_cache_tokens=512"],
            words: device.words + ["harness_config.enable_warmup=false"],
            environment: device.environment()
        )
        for (index, expected) in greedy.enumerated() {
            #expect(run.tokens[index] == Array(expected.prefix(4)), "prompt \(index)")
        }
    }

    /// A run for performance, with warm-up, ends VALID.
    @Test func performanceRunIsValid() throws {
        let device = ShimDevice.gfx950
        let (dataset, _) = try demoPrompts(2)
        let folder = try TemporaryFolder.folder()
        let settings = [
            "performance_sample_count_override = 2", "Offline.min_duration = 0", "Offline.min_query_count = 2",
        ]
        let conf = folder + "/user.conf"
        try TextFile.write(
            settings.map { ($0.hasPrefix("perf") ? "llama2-70b.*.\($0)" : "llama2-70b.\($0)") + "\n" }.joined()
                + "llama2-70b.Offline.target_qps = 1\n",
            to: conf
        )
        let outcome = try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--model", Self.demo + "/checkpoint", "--dataset", dataset, "--scenario",
                "offline", "--output", folder, "harness_config.user_conf_path=\(conf)", "model_config.max_new_tokens=2",
                "model_config.max_batch=2", "model_config.prefill_chunk=4", "model_config.kv_cache_tokens=512",
            ] + device.words,
            environment: device.environment("late=0")
        )
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("VALID") && !outcome.output.contains("INVALID"), "\(outcome.output)")
    }

    /// The tokens that transformers generates from golden checkpoints.
    @Test(
        arguments: ["llama2/ckpt_bfloat16", "llama2/ckpt_float32", "llama31/ckpt_bfloat16"],
        ShimDevice.allCases
    )
    func goldenTokens(_ name: String, _ device: ShimDevice) throws {
        let folder = "\(Self.golden)/\(name)"
        let path = folder + "/expected.json"
        let prompts = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array().prefix(3)
        let ids = try prompts.map { try $0["ids"].array().map { Int32(try $0.int()) } }
        let run = try AccuracyRun(
            model: folder,
            dataset: try Self.dataset(ids),
            options: [
                "stop_at_eos=false", "min_new_tokens=0", "max_new_tokens=8", "max_batch=3", "prefill_chunk=8",
                "kv_cache_tokens=256",
            ],
            words: device.words + ["harness_config.enable_warmup=false"],
            environment: device.environment()
        )
        for (index, prompt) in prompts.enumerated() {
            let expected = try prompt["greedy"].array().prefix(8).map { Int32(try $0.int()) }
            #expect(run.tokens[index] == expected, "prompt \(index)")
        }
        print("golden \(name) on \(device): greedy tokens compared")
    }

    /// The logits of a row have the same bits in any batch and after any chunks.
    @Test(arguments: ShimDevice.allCases)
    func logitsDoNotDependOnTheBatch(_ device: ShimDevice) throws {
        let ids: [Int32] = [1, 77, 340, 5, 901, 12]
        let prefixes = (2...ids.count).map { Array(ids.prefix($0)) }
        var rows: [Set<[UInt32]>] = []
        for options in [["max_batch=1", "prefill_chunk=64"], ["max_batch=4", "prefill_chunk=5"]] {
            let found = try ShimLogits.rows(
                Self.golden + "/llama2/ckpt_bfloat16",
                prefixes,
                vocabulary: 1200,
                device,
                options: options + ["kv_cache_tokens=256"]
            )
            rows.append(Set(found.rows.map { $0.map(\.bitPattern) }))
        }
        #expect(rows[0].count == 2 * prefixes.count && rows[0] == rows[1])
    }

    static func dataset(_ ids: [[Int32]]) throws -> String {
        try DatasetFile.write(
            ids.map { .object(JSONObject([("input_ids", .array($0.map { .integer(Int64($0)) }))])) }
        )
    }
}
