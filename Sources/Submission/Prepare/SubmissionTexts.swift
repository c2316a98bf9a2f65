internal import JSON
internal import RunRecords

/// Texts and small files that a submission needs beside its logs.
struct SubmissionTexts {
    let request: SubmissionRequest
    let rules: RoundRules

    /// `measurements.json`: what the runs tell of weights and data, and over it what the submitter says.
    func measurements(_ record: RunRecord, given: JSONObject) -> JSON {
        let weights = record.model.isEmpty ? nil : CheckpointFacts(folder: record.model)
        func fact(_ value: String?, _ what: String) -> JSON {
            .string(value ?? "\(SystemDescription.placeholderMark): \(what)")
        }
        let types = weights.flatMap { $0.types.isEmpty ? nil : $0.types.joined(separator: ", ") }
        let transformations = weights.flatMap { weights -> String? in
            guard !weights.types.isEmpty else { return nil }
            return weights.quantization.map { "quantisation (\($0)), as the checkpoint holds it" }
                ?? "layout only; values as in the checkpoint"
        }
        let names = weights.flatMap { $0.files.isEmpty ? nil : $0.files.joined(separator: ", ") }
        let usesTokens = rules.variants(of: record.benchmark).first?.usesTokenLatencies ?? false
        var members: JSONObject = [
            "input_data_types": fact(usesTokens ? "int32" : nil, "element types of the inputs"), "retraining": "No",
            "starting_weights_filename": fact(names, "file names of the weights"),
            "weight_data_types": fact(types, "element types of the weights"),
            "weight_transformations": fact(transformations, "what was done to the weights"),
        ]
        for (key, value) in given { members.updateValue(value, forKey: key) }
        return .object(members)
    }

    /// `user.conf` of runs that had none.
    static let noUserConf = "# No user.conf was used: the settings are those of MLPerf's mlperf.conf for this round.\n"

    /// `README.md` of a scenario: how the result is made again.
    func readme(_ scenario: ExperimentScenario, model: ModelRules) -> String {
        let record = scenario.performance.record ?? RunRecord()
        var text = "# \(model.name), \(scenario.scenario.rawValue)\n\n"
        text += "Round \(rules.name), division \(request.division), system \(scenario.system).\n\n"
        text += "| | |\n|---|---|\n| host | Podium \(record.host) |\n"
        text += "| workload | \(record.workload) \(record.workloadVersion) (\(record.plugin)) |\n"
        text += "| LoadGen | \(record.engine) |\n| device | \(record.deviceCount) x \(record.device) |\n"
        text += "| model | \(record.model) |\n| data set | \(record.dataset) |\n\n"
        text += "## How to make it again\n\nPerformance:\n\n" + Self.command(record)
        if let accuracy = scenario.accuracy.record {
            text += "\nAccuracy, and its score:\n\n" + Self.command(accuracy)
            text += "    host accuracy --run \(Self.word("\(request.experiment)/\(scenario.accuracy.path)")) "
            text += Self.words(accuracy.words).joined(separator: " ") + "\n"
        }
        for test in scenario.tests {
            text +=
                "\nCompliance \(test):\n\n    host audit --test \(test) "
                + Self.words(record.words).joined(separator: " ") + "\n"
        }
        text +=
            "\nPaths are relative to the folder that the commands were given in. `user.conf` beside this file is the one of "
        text += "the performance run. What held for every option of the workload:\n\n"
        if case .object(let options) = record.options {
            for (key, value) in options { text += "    \(key) = \(value.text())\n" }
        }
        return text
    }

    /// `src/README.md`.
    func source(_ records: [RunRecord]) -> String {
        var text = "# Implementation\n\nResults were made with Podium, whose host loads a workload as a plugin.\n\n"
        text += request.source.map { "Source: \($0)\n\n" } ?? ""
        text += "| workload | version | plugin | host | LoadGen |\n|---|---|---|---|---|\n"
        var rows: [String] = []
        for record in records {
            let row =
                "| \(record.workload) | \(record.workloadVersion) | \(record.plugin) | \(record.host) | \(record.engine) |\n"
            if !rows.contains(row) { rows.append(row) }
        }
        return text + rows.joined()
    }

    /// `Documentation/calibration.md`.
    func calibration(_ records: [RunRecord]) -> String {
        if let path = request.calibration, let text = SubmissionFiles(root: ".").text(absolute: path) { return text }
        var text = "# Quantisation and calibration\n\n"
        var folders: [String] = []
        for record in records where !record.model.isEmpty && !folders.contains(record.model) {
            folders.append(record.model)
            let weights = CheckpointFacts(folder: record.model)
            text +=
                "\(record.workload): weights are those of the checkpoint (\(weights.types.joined(separator: ", "))). "
            text +=
                weights.quantization.map {
                    "They were quantised before with the method \($0).\n\n\(SystemDescription.placeholderMark): data and "
                        + "procedure of the calibration.\n"
                } ?? "Nothing was quantised or calibrated.\n"
        }
        return text
    }

    /// The command of a run, indented as Markdown's code.
    private static func command(_ record: RunRecord) -> String {
        "    host " + words(record.words).joined(separator: " ") + "\n"
    }

    private static func words(_ words: [String]) -> [String] { words.map(word) }

    /// A word as a shell takes it.
    private static func word(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                    || "-_./=:,+@%".unicodeScalars.contains($0))
        }
        guard !plain || text.isEmpty else { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
