/// The models that rounds list, each with what stays the same between rounds; a round changes what it changes.
///
/// Source: `MODEL_CONFIG`, `OFFLINE_MIN_SPQ_SINCE_V4`, `LLM_LATENCY_LIMITS`, `RESULT_FIELD_BENCHMARK_OVERWRITE` and
/// `REQUIRED_ACC_BENCHMARK` of the official checker's constants.
enum Models {
    private static let languageModel: [SystemType: ModelRules.ScenarioRequirement] = [
        .datacenter: .init(all: [.offline], oneOf: [.server, .interactive]),
        .both: .init(all: [.offline], oneOf: [.server, .interactive]),
    ]
    private static let tokenResults: [MLPerfScenario: String] = [
        .offline: "result_tokens_per_second", .server: "result_completed_tokens_per_second",
    ]

    /// Llama 2 70B at a share of the reference's ROUGE: 44.4312, 22.0352, 28.6162 and 294.45 tokens per sample.
    static func llama2(variant: String, share: Double) -> ModelRules {
        ModelRules(
            name: "llama2-70b-\(variant)",
            benchmark: "llama2-70b",
            usesTokenLatencies: true,
            needsEqualIssue: true,
            scenarios: languageModel,
            performanceSamples: 24576,
            accuracySamples: 24576,
            offlineSamplesPerQuery: 24576,
            minQueries: [.offline: 1],
            targetLatency: [.server: 20e9],
            tokenLimits: [
                .server: .init(firstTokenMs: 2000, perTokenMs: 200),
                .interactive: .init(firstTokenMs: 450, perTokenMs: 40),
            ],
            resultKeys: tokenResults,
            targets: [
                .init(.rouge1, 44.4312 * share), .init(.rouge2, 22.0352 * share), .init(.rougeL, 28.6162 * share),
                .init(.tokensPerSample, 294.45 * 0.9),
            ],
            limits: [.init(.tokensPerSample, 294.45 * 1.1)],
            tests: [.test06],
            accuracyFiles: []
        )
    }

    /// gpt-oss-120b: 83.13 percent of the answers right in the reference.
    static let gptOSS = ModelRules(
        name: "gpt-oss-120b",
        benchmark: "gpt-oss-120b",
        usesTokenLatencies: true,
        needsEqualIssue: true,
        scenarios: languageModel,
        performanceSamples: 6396,
        accuracySamples: 4395,
        offlineSamplesPerQuery: 6396,
        minQueries: [.offline: 1],
        targetLatency: [.server: 60e9],
        tokenLimits: [
            .server: .init(firstTokenMs: 3000, perTokenMs: 80),
            .interactive: .init(firstTokenMs: 2000, perTokenMs: 15),
        ],
        resultKeys: tokenResults,
        targets: [.init(.exactMatch, 83.13 * 0.99)],
        limits: [.init(.tokensPerSample, 9999 * 1.1)],
        tests: [.test07, .test09],
        accuracyFiles: []
    )

    /// Wan 2.2: a VBench score of 70.48 in the reference; ten videos are handed in.
    static func wan(videos: [Int]) -> ModelRules {
        ModelRules(
            name: "wan-2.2-t2v-a14b",
            benchmark: "wan-2.2-t2v-a14b",
            usesTokenLatencies: false,
            needsEqualIssue: false,
            scenarios: [.datacenter: .init(all: [.offline, .singleStream])],
            performanceSamples: 50,
            accuracySamples: 248,
            offlineSamplesPerQuery: 50,
            minQueries: [.offline: 1],
            targetLatency: [:],
            tokenLimits: [:],
            resultKeys: [:],
            targets: [.init(.vbenchScore, 70.48 * 0.99)],
            limits: [],
            tests: [.test04],
            accuracyFiles: [("videos", videos.map { "\($0)" })]
        )
    }
}
