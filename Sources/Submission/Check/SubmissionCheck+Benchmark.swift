internal import JSON

extension SubmissionCheck {
    mutating func checkBenchmark(_ name: String, _ context: SystemContext, system: JSONObject, type: SystemType?) {
        let path = "\(context.results)/\(name)"
        let scenarios = files.folders(in: path)
        let model = rules.model(name) ?? context.mapping[name].flatMap { rules.model($0) }
        guard let model else {
            let official = context.mapping[name] ?? name
            if rules.otherModels.contains(official) {
                leave("model", path, found: "the model \(official)")
            } else if !context.isOpen || !scenarios.isEmpty {
                rejectModel(name, path, isOpen: context.isOpen)
            }
            return
        }
        if !context.isOpen, let type { checkScenarios(scenarios, model, path, type) }
        for scenario in scenarios {
            checkScenario(
                ScenarioContext(system: context, model: model, folder: scenario, path: "\(path)/\(scenario)"),
                system
            )
        }
    }

    private mutating func rejectModel(_ name: String, _ path: String, isOpen: Bool) {
        let near = rules.models.map(\.name).filter { $0.hasPrefix(name) || name.hasPrefix($0) }
        reject(
            "model",
            path,
            found: "\(name), which round \(rules.name) does not list" + (isOpen ? "" : "; \(Self.stops)"),
            expected: "one of " + rules.models.map(\.name).joined(separator: ", "),
            advice: near.isEmpty
                ? (isOpen ? "rename the folder, or map the name in model_mapping.json" : "rename the folder")
                : "rename the folder to \(near.joined(separator: " or "))"
        )
    }

    private mutating func checkScenarios(_ folders: [String], _ model: ModelRules, _ path: String, _ type: SystemType) {
        guard let required = model.scenarios[type] else {
            return reject(
                "scenarios",
                path,
                found: "results for a system of type \(type.rawValue); \(Self.stops)",
                expected: "a type that lists \(model.name): "
                    + SystemType.allCases.filter { model.scenarios[$0] != nil }.map(\.rawValue).joined(
                        separator: " or "
                    ),
                advice: "correct system_type, or submit to the open division"
            )
        }
        // Without a scenario there is nothing that the official checker would check.
        guard !folders.isEmpty else { return }
        let found = folders.map { $0.lowercased() }
        let missing = required.all.filter { !found.contains($0.rawValue.lowercased()) }.map(\.rawValue)
        if !missing.isEmpty {
            reject(
                "scenarios",
                path,
                found: folders.joined(separator: ", "),
                expected: required.all.map(\.rawValue).joined(separator: " and "),
                advice: "run \(missing.joined(separator: " and ")) too"
            )
        }
        if !required.oneOf.isEmpty, !required.oneOf.contains(where: { found.contains($0.rawValue.lowercased()) }) {
            reject(
                "scenarios",
                path,
                found: folders.joined(separator: ", "),
                expected: "at least one of " + required.oneOf.map(\.rawValue).joined(separator: ", "),
                advice: "run one of them too"
            )
        }
        let allowed = (required.all + required.oneOf).map { $0.rawValue.lowercased() }
        for folder in folders where !allowed.contains(folder.lowercased()) {
            reject(
                "scenarios",
                "\(path)/\(folder)",
                found: "the scenario \(folder)",
                expected: (required.all + required.oneOf).map(\.rawValue).joined(separator: ", "),
                advice: "remove the folder: \(model.name) is not submitted with it"
            )
        }
    }
}

/// Which scenario's results are being checked.
struct ScenarioContext {
    var system: SystemContext
    var model: ModelRules
    /// The folder's name.
    var folder: String
    /// The folder's path.
    var path: String

    /// The scenario that the folder is named after.
    var scenario: MLPerfScenario? { MLPerfScenario(folder: folder) }
    var performance: String { "\(path)/performance/run_1/mlperf_log_detail.txt" }
    var accuracy: String { "\(path)/accuracy/mlperf_log_detail.txt" }
}
