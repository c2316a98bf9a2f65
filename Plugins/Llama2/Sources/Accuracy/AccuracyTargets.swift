import JSON
import PluginAPI

/// What a score must reach: the reference implementation's scores and the share of them that counts.
struct AccuracyTargets {
    /// One figure of the report.
    struct Metric {
        var name: String
        var value: Double
        var minimum: Double?
        var maximum: Double?

        /// Whether the value is within its bounds.
        var isMet: Bool { value >= minimum ?? -.infinity && value <= maximum ?? .infinity }

        var json: JSON {
            var members: [(String, JSON)] = [("name", .string(name)), ("value", .number(value))]
            if let minimum { members.append(("minimum", .number(minimum))) }
            if let maximum { members.append(("maximum", .number(maximum))) }
            return .object(JSONObject(members))
        }
    }

    /// 0.99 or 0.999.
    let share: Double
    /// Reference scores in per cent, and tokens per sample.
    let rouge1, rouge2, rougeL, tokensPerSample: Double
    /// How many samples a complete log answers; 0 for all of the data set.
    let samples: Int

    /// Reads the options of the workload.
    init(_ configuration: Configuration) throws {
        share = try configuration.string("accuracy_target") == "99" ? 0.99 : 0.999
        rouge1 = try configuration.number("reference_rouge1")
        rouge2 = try configuration.number("reference_rouge2")
        rougeL = try configuration.number("reference_rougel")
        tokensPerSample = try configuration.number("reference_tokens_per_sample")
        samples = try configuration.integer("accuracy_samples")
    }

    /// The figures that are judged, as MLPerf's submission checker judges them: tokens per sample within a tenth.
    func judged(rouge1: Double, rouge2: Double, rougeL: Double, tokensPerSample: Double) -> [Metric] {
        [
            Metric(name: "rouge1", value: rouge1, minimum: share * self.rouge1),
            Metric(name: "rouge2", value: rouge2, minimum: share * self.rouge2),
            Metric(name: "rougeL", value: rougeL, minimum: share * self.rougeL),
            Metric(
                name: "tokens_per_sample",
                value: tokensPerSample,
                minimum: 0.9 * self.tokensPerSample,
                maximum: 1.1 * self.tokensPerSample
            ),
        ]
    }

    static let declarations: [OptionDeclaration] = [
        .string(
            "accuracy_target",
            default: "99.9",
            values: ["99", "99.9"],
            help: "per cent of the reference scores that an accuracy log must reach"
        ),
        .number(
            "reference_rouge1",
            default: 44.4312,
            minimum: 0,
            maximum: 100,
            help: "ROUGE-1 of the reference in per cent; the default is MLPerf's for llama2-70b"
        ),
        .number(
            "reference_rouge2",
            default: 22.0352,
            minimum: 0,
            maximum: 100,
            help: "ROUGE-2 of the reference in per cent"
        ),
        .number(
            "reference_rougel",
            default: 28.6162,
            minimum: 0,
            maximum: 100,
            help: "ROUGE-L of the reference in per cent"
        ),
        .number(
            "reference_tokens_per_sample",
            default: 294.45,
            minimum: 0,
            help: "tokens that the reference generates for a sample; a log must be within a tenth"
        ),
        .integer(
            "accuracy_samples",
            default: 0,
            minimum: 0,
            maximum: 1 << 32,
            help: "samples that a complete accuracy log answers; 0: the whole data set"
        ),
    ]
}
