internal import JSON

extension SubmissionCheck {
    /// Scenarios whose result may be told from a run of another, on systems at the edge.
    private static let inferences: [(run: MLPerfScenario, folder: MLPerfScenario)] = [
        (.singleStream, .multiStream), (.multiStream, .offline), (.singleStream, .offline),
    ]

    private func isInferred(_ scenario: MLPerfScenario, _ context: ScenarioContext) -> Bool {
        scenario.rawValue.lowercased() != context.folder.lowercased()
            && !(scenario == .server && context.scenario == .interactive)
    }

    mutating func checkInference(
        _ scenario: MLPerfScenario,
        _ context: ScenarioContext,
        _ system: JSONObject,
        _ path: String
    ) {
        guard isInferred(scenario, context) else { return }
        let isEdge = system["system_type"]?.asText?.lowercased().contains("edge") ?? false
        let isListed = Self.inferences.contains { $0.run == scenario && $0.folder == context.scenario }
        guard !isEdge || !isListed else { return }
        reject(
            "scenario",
            path,
            found: "a run of \(scenario.rawValue) in the folder \(context.folder)",
            expected: "a run of \(context.scenario?.loadGenName ?? "a scenario")",
            advice: "put the run where it belongs, or run \(context.folder)"
        )
    }

    /// The number that would be published.
    mutating func result(
        _ log: JudgedLog,
        _ scenario: MLPerfScenario,
        _ context: ScenarioContext,
        _ system: JSONObject,
        _ path: String
    ) -> (key: String, value: Double)? {
        var keys = [rules.resultKeys[scenario]].compactMap(\.self)
        if let special = context.model.resultKeys[scenario] { keys.append(special) }
        if isInferred(scenario, context), scenario == .singleStream, context.scenario == .offline {
            keys.append("result_qps_without_loadgen_overhead")
        }
        var value: Double?
        for key in keys {
            guard let number = log[key]?.asFloat else {
                reject(
                    "result",
                    path,
                    found: log[key].map { "\(key) \($0.text())" } ?? "no entry \(key)",
                    expected: "the result of the run",
                    advice: "run it again: the log has no result"
                )
                return nil
            }
            value = number
        }
        guard let value, let key = keys.last else { return nil }
        guard value != 0 else {
            reject(
                "result",
                path,
                found: "\(key) is 0, which the official checker takes for no result",
                expected: "a result above 0",
                advice: "run it again, longer"
            )
            return nil
        }
        return (key, value)
    }
}
