/// The rules of one MLPerf Inference round, as the official submission checker applies them.
///
/// Source: `MODEL_CONFIG`, `RESULT_FIELD_NEW` and the constants beside them of mlcommons/inference,
/// tools/submission/submission_checker/constants.py at commit b66003e1.  A new round is a new value of this type in a
/// file of its own, added to ``all``.
public struct RoundRules: Sendable {
    /// `v6.0`.
    public var name: String
    /// Seeds of the round: `qsl_rng_seed`, `sample_index_rng_seed`, `schedule_rng_seed`.
    public var seeds: [(key: String, value: UInt64)]
    /// Models that are judged.
    public var models: [ModelRules]
    /// Models that the official checker knows and these rules do not.
    public var otherModels: [String]
    /// The keys of the result by LoadGen's scenario.
    public var resultKeys: [MLPerfScenario: String]
    /// Shortest `min_duration` of a performance run, in milliseconds.
    public var minDurationMs = 600_000.0
    /// Longest accuracy log after truncation, in bytes.
    public var longestAccuracyLog = 10_240
    /// Fields of a system description.
    public var system = SystemDescriptionRules.inference6
    /// Fields of `measurements.json`, which may not be empty.
    public var measurements = [
        "input_data_types", "retraining", "starting_weights_filename", "weight_data_types", "weight_transformations",
    ]
    /// Files beside `measurements.json` that may not be empty.
    public var scenarioFiles = ["user.conf", "README.md"]

    /// The rounds, oldest first.
    public static let all: [RoundRules] = [.v60, .v61]

    /// The rules of a round.
    ///
    /// - Parameter name: `v6.0`, `v6.1`.
    /// - Returns: The rules.
    /// - Throws: ``SubmissionError`` for a round without rules.
    public static func named(_ name: String) throws(SubmissionError) -> RoundRules {
        guard let rules = all.first(where: { $0.name == name }) else {
            throw SubmissionError(
                what: "round \(name)",
                reason: "has no rules here: known are \(all.map(\.name).joined(separator: ", "))"
            )
        }
        return rules
    }

    /// The rules of a model's folder; nil for a name that the round does not list.
    public func model(_ name: String) -> ModelRules? { models.first { $0.name == name } }

    /// The variants of a benchmark, the loosest first: `llama2-70b` has `-99` and `-99.9` in v6.0.
    ///
    /// - Parameter benchmark: The plain name; the name of a variant gives that variant alone.
    /// - Returns: The rules of each.
    public func variants(of benchmark: String) -> [ModelRules] {
        models.filter { $0.benchmark == benchmark || $0.name == benchmark }
    }
}

/// What a system description has to say.
///
/// Source: `SYSTEM_DESC_…` and `VALID_AVAILABILITIES` of the official checker's constants.
public struct SystemDescriptionRules: Sendable {
    /// Fields that have to be there and may not be empty (`0`, `false` and `""` are empty).
    public var filled: [String]
    /// Fields that have to be there.
    public var present: [String]
    /// Fields that a network submission has to have.
    public var network: [String]
    /// Fields that have to convert to an integer.
    public var integers: [String]
    /// Values of `status`, in lower case.
    public var statuses: [String]

    /// Rounds v6.0 and v6.1.
    public static let inference6 = SystemDescriptionRules(
        filled: [
            "division", "submitter", "system_type", "status", "system_name", "number_of_nodes",
            "host_processor_model_name", "host_processors_per_node", "host_processor_core_count",
            "host_memory_capacity", "host_memory_configuration", "host_storage_capacity", "host_storage_type",
            "host_networking", "host_network_card_count", "host_networking_topology", "accelerators_per_node",
            "accelerator_model_name", "accelerator_memory_capacity", "accelerator_host_interconnect",
            "accelerator_memory_configuration", "accelerator_interconnect", "cooling", "framework",
            "operating_system", "other_software_stack",
        ],
        present: [
            "host_processor_frequency", "host_processor_caches", "host_processor_interconnect",
            "accelerator_frequency", "accelerator_interconnect_topology", "accelerator_on-chip_memories", "hw_notes",
            "sw_notes", "system_type_detail",
        ],
        network: [
            "is_network", "network_type", "network_media", "network_rate", "nic_loadgen", "number_nic_loadgen",
            "net_software_stack_loadgen", "network_protocol", "number_connections", "nic_sut", "number_nic_sut",
            "net_software_stack_sut", "network_topology",
        ],
        integers: ["number_of_nodes", "accelerators_per_node"],
        statuses: ["available", "preview", "rdi"]
    )
}
