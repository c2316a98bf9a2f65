extension RoundRules {
    /// MLPerf Inference v6.0.
    static let v60 = RoundRules(
        name: "v6.0",
        seeds: [
            ("qsl_rng_seed", 2_465_351_861_681_999_779), ("sample_index_rng_seed", 14_276_810_075_590_677_512),
            ("schedule_rng_seed", 3_936_089_224_930_324_775),
        ],
        models: [
            Models.llama2(variant: "99", share: 0.99), Models.llama2(variant: "99.9", share: 0.999), Models.gptOSS,
            Models.wan(videos: [130, 106, 84, 59, 12, 31, 86, 122, 233, 96]),
        ],
        otherModels: [
            "resnet", "retinanet", "bert-99", "bert-99.9", "3d-unet-99", "3d-unet-99.9", "llama3.1-8b",
            "llama3.1-8b-edge", "stable-diffusion-xl", "mixtral-8x7b", "llama3.1-405b", "rgat", "pointpainting",
            "deepseek-r1", "whisper", "qwen3-vl-235b-a22b", "dlrm-v3", "yolo-95", "yolo-99",
        ],
        resultKeys: [
            .offline: "result_samples_per_second", .singleStream: "early_stopping_latency_ss",
            .multiStream: "early_stopping_latency_ms", .server: "result_completed_samples_per_sec",
        ]
    )
}
