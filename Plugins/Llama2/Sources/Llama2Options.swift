import PluginAPI
import TextGeneration

/// What goes into products with quantised weights, `model_config.activations`.
enum ActivationChoice: String, CaseIterable, Sendable {
    /// Rounded as the checkpoint's scheme says.
    case exact
    /// Int8 blocks for MXFP4 weights, float32 for others; gfx950 has no int8 blocks (docs/formats.md).
    case fast
}

/// The type of the key-value cache, `model_config.kv_cache`.
enum KVCacheChoice: String, CaseIterable, Sendable {
    /// What the checkpoint says.
    case auto
    case f32, bf16, fp8
}

/// How many steps the device is given at once, `model_config.steps_in_flight`.
enum StepsInFlightChoice: String, CaseIterable, Sendable {
    /// 1 on a CPU, 2 on a GPU.
    case auto
    case one = "1"
    case two = "2"

    /// For the engine.
    var count: Int? { Int(rawValue) }
}

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
                maximum: 16384,
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
            .string(
                "activations",
                default: ActivationChoice.exact.rawValue,
                values: ActivationChoice.allCases.map(\.rawValue),
                help:
                    "what goes into products with quantised weights; exact: rounded as the checkpoint's scheme says (MXFP4 "
                    + "blocks, FP8 with stored scales, outputs too), the numbers that accuracy is stated for; fast: int8 "
                    + "blocks of 32 for MXFP4 weights (on gfx950 MXFP4 where the scheme says so, else float32), float32 for FP8 "
                    + "weights, outputs not rounded"
            ),
            .string(
                "kv_cache",
                default: KVCacheChoice.auto.rawValue,
                values: KVCacheChoice.allCases.map(\.rawValue),
                help:
                    "type of the key-value cache; auto: fp8 where the checkpoint says so or brings kv_cache_scales.json, "
                    + "else f32; fp8 takes the scales of the checkpoint's tensors, else those of that file, else 1"
            ),
            .string(
                "steps_in_flight",
                default: StepsInFlightChoice.auto.rawValue,
                values: StepsInFlightChoice.allCases.map(\.rawValue),
                help:
                    "steps given to the device at once; 2: one is prepared while the one before it runs, and a sample that "
                    + "an end-of-sequence token ends has one row too many; auto: 1 on a CPU, 2 on a GPU"
            ),
        ] + AccuracyTargets.declarations

    /// How products with quantised weights are computed.
    static func activations(_ configuration: Configuration) throws -> ActivationChoice {
        try choice(configuration, "activations")
    }

    /// The type of the key-value cache.
    static func kvCache(_ configuration: Configuration) throws -> KVCacheChoice {
        try choice(configuration, "kv_cache")
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ configuration: Configuration,
        _ name: String
    ) throws -> Choice where Choice.RawValue == String {
        let word = try configuration.string(name) ?? ""
        guard let choice = Choice(rawValue: word) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw PluginError(.invalidArgument, "model_config.\(name): expected one of \(known), found \"\(word)\"")
        }
        return choice
    }

    /// The options of the engine.
    static func generation(
        _ configuration: Configuration,
        endTokens: [Int32],
        cacheType: KVCacheType
    ) throws -> GenerationOptions {
        GenerationOptions(
            maxNewTokens: try configuration.integer("max_new_tokens"),
            minNewTokens: try configuration.integer("min_new_tokens"),
            endTokens: try configuration.boolean("stop_at_eos") ? endTokens : [],
            pageSize: try configuration.integer("page_size"),
            cacheTokens: try configuration.integer("kv_cache_tokens"),
            cacheType: cacheType,
            maxBatch: try configuration.integer("max_batch"),
            prefillChunk: try configuration.integer("prefill_chunk"),
            stepsInFlight: try (choice(configuration, "steps_in_flight") as StepsInFlightChoice).count
        )
    }
}
