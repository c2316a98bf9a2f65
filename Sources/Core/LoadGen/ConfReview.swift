import Glibc

/// What a person should know about a configuration file that the official reader takes without a word.
///
/// Nothing here changes what the file does: the review tells which of its lines do nothing, or something other than they
/// say.
struct ConfReview {
    /// Where LoadGen looks a key up.
    private enum Place {
        /// Under the scenario of the run.
        case own
        /// Under these scenarios alone, whatever the run's is.
        case fixed([Scenario])
        /// In MLPerf's own file alone.
        case rulesOnly
    }

    private static let keys: [String: (place: Place, isWhole: Bool)] = {
        var keys: [String: (place: Place, isWhole: Bool)] = [:]
        for key in [
            "mode", "use_token_latencies", "infer_token_latencies", "token_latency_scaling_factor",
            "performance_issue_unique", "performance_issue_same", "performance_issue_same_index",
            "sample_concatenate_permutation", "min_duration", "max_duration", "min_query_count", "max_query_count",
            "performance_sample_count_override", "accuracy_sample_count_override", "print_timestamps",
            "accuracy_log_rng_seed", "accuracy_log_sampling_target",
        ] {
            keys[key] = (.own, true)
        }
        for key in [
            "qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed", "test05", "test05_qsl_rng_seed",
            "test05_sample_index_rng_seed", "test05_schedule_rng_seed",
        ] {
            keys[key] = (.rulesOnly, true)
        }
        keys["accuracy_log_probability"] = (.rulesOnly, false)
        for key in ["coalesce_queries", "max_async_queries", "ttft_latency", "tpot_latency"] {
            keys[key] = (.fixed([.server]), true)
        }
        keys["samples_per_query"] = (.fixed([.multiStream]), true)
        keys["target_latency_percentile"] = (.fixed([.singleStream, .multiStream, .server]), false)
        keys["target_latency"] = (.fixed([.singleStream, .multiStream, .server]), false)
        keys["target_qps"] = (.fixed([.server, .offline]), false)
        return keys
    }()

    /// Keys that stand in MLPerf's published files and that LoadGen does not know: other programs read them.
    private static let foreign: Set<String> = [
        "target_duration", "test07_accuracy_threshold", "test09_min_output_tokens", "test09_max_output_tokens",
    ]

    /// Findings about a file, a sentence each.
    ///
    /// - Parameters:
    ///   - conf: The file's content.
    ///   - file: What to call it.
    ///   - origin: Whose file it is.
    ///   - model: The model of the run, under which lines are looked up.
    ///   - scenario: The scenario of the run.
    /// - Returns: The sentences.
    static func notes(
        on conf: ConfValues,
        file: String,
        origin: SettingsReader.Origin,
        model: String,
        scenario: Scenario
    ) -> [String] {
        var notes = conf.ignored.map { ignored($0.word, at: "\(file):\($0.line)") }
        var otherModels: [String] = []
        var matches = 0
        for (key, entry) in conf.entries {
            let place = "\(file):\(entry.line): \(key)"
            let parts = key.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else {
                notes.append("\(place) is not of the form MODEL.SCENARIO.KEY and has no effect")
                continue
            }
            if parts[0] != "*" && parts[0] != model {
                if !otherModels.contains(parts[0]) { otherModels.append(parts[0]) }
                continue
            }
            matches += 1
            notes += self.notes(on: parts, entry.text, conf, place, origin)
        }
        if !otherModels.isEmpty {
            let own = matches == 0 ? ", and none for every model: it changes nothing" : ", which do not count here"
            let named = otherModels.prefix(8).joined(separator: ", ") + (otherModels.count > 8 ? ", ..." : "")
            notes.append(
                model == "*"
                    ? "\(file) has lines for \(named)\(own); lines of this file count for the model * alone"
                    : "\(file) has lines for \(named)\(own); this run's model is \(model)"
            )
        }
        return notes
    }

    private static func ignored(_ word: String, at place: String) -> String {
        guard let equals = word.firstIndex(of: "="), equals != word.startIndex, !word.hasPrefix("#") else {
            return "\(place): \(word) has no value and is ignored"
        }
        let (key, value) = (word[..<equals], word[word.index(after: equals)...])
        return "\(place): \(word) is ignored: LoadGen wants blanks around '='; write \(key) = \(value)"
    }

    private static func notes(
        on parts: [String],
        _ value: String,
        _ conf: ConfValues,
        _ place: String,
        _ origin: SettingsReader.Origin
    ) -> [String] {
        guard let (lookup, isWhole) = keys[parts[2]] else {
            guard !foreign.contains(parts[2]) else { return [] }
            let nearest = NearestName.of(parts[2], among: keys.keys.sorted())
            return ["\(place) is no key of LoadGen and has no effect" + (nearest.map { "; did you mean \($0)?" } ?? "")]
        }
        guard parts[1] == "*" || Scenario(rawValue: parts[1]) != nil else {
            let nearest = NearestName.of(parts[1], among: Scenario.allCases.map(\.rawValue))
            let hint =
                parts[1] == "Interactive"
                ? "; Interactive is the scenario Server of the model MODEL-interactive"
                : nearest.map { "; did you mean \($0)?" } ?? ""
            return ["\(place): LoadGen has no scenario \(parts[1]), so the line has no effect" + hint]
        }
        switch lookup {
        case .rulesOnly where origin != .mlperf:
            return ["\(place) counts in MLPerf's own mlperf.conf alone and has no effect here"]
        case .fixed(let scenarios) where parts[1] != "*" && !scenarios.map(\.rawValue).contains(parts[1]):
            let names = scenarios.map(\.rawValue).joined(separator: " and ")
            return ["\(place) has no effect: the key belongs to \(names)"]
        default:
            return isWhole ? number(value, conf, place) : []
        }
    }

    /// Whole numbers that are read as another than people see.
    private static func number(_ value: String, _ conf: ConfValues, _ place: String) -> [String] {
        let read = conf.integer(of: value)
        guard "\(read)" != value, value.contains(where: { !$0.isNumber }) || value.hasPrefix("0") else { return [] }
        guard strtod(value, nil) != Double(read) else { return [] }
        return ["\(place) = \(value) is read as \(read): the value must be a whole decimal number of at least 0"]
    }
}
