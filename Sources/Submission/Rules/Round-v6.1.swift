extension RoundRules {
    /// MLPerf Inference v6.1.
    static let v61 = RoundRules(
        name: "v6.1",
        seeds: [
            ("qsl_rng_seed", 2_085_463_073_848_966_840), ("sample_index_rng_seed", 2_747_215_439_041_700_203),
            ("schedule_rng_seed", 16_159_082_839_903_944_936),
        ],
        models: [
            Models.llama2(variant: "99.9", share: 0.999), Models.gptOSS,
            Models.wan(videos: [130, 106, 84, 59, 12, 123, 43, 22, 238, 32]),
        ],
        otherModels: [
            "resnet", "bert-99", "bert-99.9", "3d-unet-99", "3d-unet-99.9", "llama3.1-8b", "llama3.1-8b-edge",
            "stable-diffusion-xl", "rgat", "deepseek-r1", "whisper", "qwen3-vl-235b-a22b", "qwen3.6-27b", "dlrm-v3",
            "yolo-95", "yolo-99", "e2e-rag-qna", "e2e-rag-db",
        ],
        resultKeys: [
            .offline: "result_samples_per_second", .singleStream: "early_stopping_latency_ss",
            .multiStream: "early_stopping_latency_ms", .server: "result_completed_samples_per_sec",
            .interactive: "result_completed_samples_per_sec",
        ]
    )
}
