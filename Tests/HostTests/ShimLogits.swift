import Testing

@testable import Core

/// Logits that a device of ShimDriver computed in a run of Llama 2 through `host --plugin`.
enum ShimLogits {
    /// The logits of all steps of a run with two tokens for each prompt.
    ///
    /// - Parameters:
    ///   - model: Folder of the checkpoint.
    ///   - prompts: Token ids.
    ///   - vocabulary: Width of a row.
    ///   - device: Where.
    ///   - options: More of model_config.
    /// - Returns: The run, and the rows in the order in which they were computed.
    /// - Throws: What stops a test.
    static func rows(
        _ model: String,
        _ prompts: [[Int32]],
        vocabulary: Int,
        _ device: ShimDevice,
        options: [String]
    ) throws -> (run: AccuracyRun, rows: [[Float]]) {
        let file = try TemporaryFolder.file()
        let run = try AccuracyRun(
            model: model,
            dataset: try ShimRunTests.dataset(prompts),
            options: ["stop_at_eos=false", "min_new_tokens=2", "max_new_tokens=2"] + options,
            words: device.words + ["harness_config.enable_warmup=false"],
            environment: device.environment(logits: file)
        )
        let bytes = try TextFile.read(file)
        let floats = bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        #expect(floats.count == 2 * prompts.count * vocabulary, "two rows for each prompt")
        return (
            run,
            stride(from: 0, to: floats.count / vocabulary * vocabulary, by: vocabulary).map {
                Array(floats[$0..<$0 + vocabulary])
            }
        )
    }

    /// The logits after each prefix of some tokens, one row after the other.
    static func afterPrefixes(
        _ model: String,
        _ ids: [Int32],
        vocabulary: Int,
        _ device: ShimDevice,
        options: [String]
    ) throws -> [Float] {
        let prompts = ids.indices.map { Array(ids[...$0]) }
        let found = try rows(
            model,
            prompts,
            vocabulary: vocabulary,
            device,
            options: options + ["max_batch=1", "prefill_chunk=32", "kv_cache_tokens=256"]
        )
        // One sample after the other, each with the row of its prompt and one more.
        var logits = [Float](repeating: .nan, count: ids.count * vocabulary)
        for (place, index) in found.run.order.enumerated() where 2 * place < found.rows.count {
            logits.replaceSubrange(index * vocabulary..<(index + 1) * vocabulary, with: found.rows[2 * place])
        }
        return logits
    }
}
