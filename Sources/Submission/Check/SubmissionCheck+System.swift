internal import JSON

extension SubmissionCheck {
    mutating func checkSystem(_ context: SystemContext) {
        let path = context.description
        guard files.exists(path) else {
            return reject(
                "system-description",
                path,
                found: "no such file; \(Self.stops)",
                expected: "a description of the system that \(context.results) names",
                advice: "write it, or rename the folder of the results"
            )
        }
        let read = files.json(path)
        guard case .object(let members)? = read.json else {
            return reject(
                "system-description",
                path,
                found: "\(read.json == nil ? read.fault : "no object"); \(Self.stops)",
                expected: "a JSON object",
                advice: "correct the file"
            )
        }
        let benchmarks = files.folders(in: context.results)
        let type = members["system_type"]?.asText.flatMap(SystemType.init(description:))
        if type == nil, !benchmarks.isEmpty {
            reject(
                "system-type",
                path,
                found: "system_type \(members["system_type"]?.text() ?? "missing")",
                expected: "datacenter, edge, or both with a comma",
                advice: "correct system_type"
            )
        }
        let judged = benchmarks.filter { !files.folders(in: "\(context.results)/\($0)").isEmpty }
        if !judged.isEmpty { checkDescription(members, context) }
        if judged.isEmpty {
            review(
                "results",
                context.results,
                found: "no result",
                expected: "BENCHMARK/SCENARIO folders",
                advice: "remove the folder, or add the results"
            )
        }
        for benchmark in benchmarks {
            checkBenchmark(benchmark, context, system: members, type: type)
        }
        if files.exists("\(context.folder)/systems/\(context.name)_power.yaml") {
            leave("power", "\(context.folder)/systems/\(context.name)_power.yaml", found: "a description of power")
        }
    }

    private mutating func checkDescription(_ system: JSONObject, _ context: SystemContext) {
        let path = context.description
        checkStatus(system, path)
        for (field, folder) in [("submitter", context.submitter), ("division", context.division)]
        where system[field]?.asText?.lowercased() != folder.lowercased() {
            reject(
                "system-\(field)",
                path,
                found: "\(field) \(system[field]?.text() ?? "missing")",
                expected: "\"\(folder)\", as the folder is named",
                advice: "correct \(field) or rename the folder"
            )
        }
        checkFields(system, path)
        for field in rules.system.integers {
            if let value = system[field], !value.convertsToInteger {
                reject(
                    "system-number",
                    path,
                    found: "\(field) \(value.text()); \(Self.stops)",
                    expected: "an integer",
                    advice: "write a number"
                )
            }
        }
        let (hardware, software) = (system["hw_notes"] ?? .null, system["sw_notes"] ?? .null)
        if software.isFilled, software.asText == nil || hardware.isFilled && hardware.asText == nil {
            reject(
                "system-notes",
                path,
                found: "hw_notes or sw_notes is no text; \(Self.stops)",
                expected: "texts",
                advice: "write the notes as texts"
            )
        }
    }

    private mutating func checkStatus(_ system: JSONObject, _ path: String) {
        let status = system["status"]?.asText?.lowercased() ?? ""
        guard !rules.system.statuses.contains(status) else { return }
        reject(
            "system-status",
            path,
            found: "status \(system["status"]?.text() ?? "missing")",
            expected: rules.system.statuses.joined(separator: ", "),
            advice: "correct status"
        )
    }

    private mutating func checkFields(_ system: JSONObject, _ path: String) {
        let isNetwork = system["is_network"]?.isFilled ?? false
        for field in rules.system.filled + rules.system.present + (isNetwork ? rules.system.network : []) {
            guard let value = system[field] else {
                reject(
                    "system-field",
                    path,
                    found: "\(field) is missing",
                    expected: "every field of the round",
                    advice: isNetwork && rules.system.network.contains(field)
                        ? "add it, or leave out is_network" : "add it, with an empty text if that is true"
                )
                continue
            }
            if rules.system.filled.contains(field), !value.isFilled {
                let isZero = value.comparable == 0
                reject(
                    "system-field",
                    path,
                    found: "\(field) is \(value.text())",
                    expected: "a value that is not empty",
                    advice: isZero
                        ? "write \"0\", as a text: the number counts as empty" : "fill it in (N/A is accepted)"
                )
            } else if let text = value.asText, text.hasPrefix(SystemDescription.placeholderMark) {
                review(
                    "system-placeholder",
                    path,
                    found: "\(field) is \(value.text())",
                    expected: "what is true of the system",
                    advice: "fill it in: nothing on the machine told it"
                )
            }
        }
    }
}
