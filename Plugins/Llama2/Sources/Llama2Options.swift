import PluginAPI
import TextGeneration

/// The workload's options, `model_config.*`.
enum Llama2Options {
    static let declarations: [OptionDeclaration] =
        [
            .integer(
                "max_new_tokens",
                default: 1024,
                minimum: 1,
                maximum: 1 << 20,
                help: "tokens generated for a sample at most; MLPerf's llama2-70b asks for 1024"
            ),
            .integer(
                "min_new_tokens",
                default: 1,
                minimum: 0,
                maximum: 1 << 20,
                help: "an end-of-sequence token is not chosen among the first so many"
            ),
            .boolean("stop_at_eos", default: true, help: "an end-of-sequence token ends the sample"),
            .integer(
                "max_batch",
                default: 32,
                minimum: 1,
                maximum: 4096,
                help: "sequences that are computed at the same time"
            ),
            .integer(
                "prefill_chunk",
                default: 256,
                minimum: 1,
                maximum: 1 << 16,
                help: "prompt positions that one step computes at most"
            ),
            .integer(
                "page_size",
                default: 16,
                minimum: 1,
                maximum: 4096,
                help: "positions in a page of the key-value cache"
            ),
            .integer(
                "kv_cache_tokens",
                default: 0,
                minimum: 0,
                maximum: 1 << 32,
                help:
                    "positions that the cache holds; 0: max_batch times the context, as far as half of the memory goes"
            ),
        ] + AccuracyTargets.declarations

    /// The options of the engine.
    static func generation(_ configuration: Configuration, endTokens: [Int32]) throws -> GenerationOptions {
        GenerationOptions(
            maxNewTokens: try configuration.integer("max_new_tokens"),
            minNewTokens: try configuration.integer("min_new_tokens"),
            endTokens: try configuration.boolean("stop_at_eos") ? endTokens : [],
            pageSize: try configuration.integer("page_size"),
            cacheTokens: try configuration.integer("kv_cache_tokens"),
            maxBatch: try configuration.integer("max_batch"),
            prefillChunk: try configuration.integer("prefill_chunk")
        )
    }
}
