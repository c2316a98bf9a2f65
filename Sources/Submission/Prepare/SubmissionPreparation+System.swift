internal import JSON
internal import RunRecords

extension SubmissionPreparation {
    /// Plans the description of a system.
    ///
    /// - Returns: The system's name in the submission.
    mutating func planSystem(
        _ system: String,
        of systems: [String],
        _ scenarios: [ExperimentScenario],
        root: String
    ) throws(SubmissionError) -> String {
        if let path = request.system {
            let name = Self.stem(path)
            guard systems.count == 1 || system == name else {
                throw SubmissionError(
                    what: path,
                    reason: "describes \(name), but the experiment has results of \(systems.joined(separator: ", "))"
                )
            }
            let read = Self.json(path)
            guard case .object(var members)? = read.0 else {
                throw SubmissionError(what: path, reason: read.0 == nil ? read.1 : "is no JSON object")
            }
            for (field, value) in [("submitter", request.submitter), ("division", request.division)] {
                if let found = members[field], found.asText?.lowercased() != value.lowercased() {
                    obstacles.append(Obstacle(.note, path, "\(field) is \(found.text()); the copy says \"\(value)\""))
                }
                members.updateValue(.string(value), forKey: field)
            }
            tree.write(JSON.object(members).text(pretty: true) + "\n", to: "\(root)/systems/\(name).json")
            return name
        }
        let record = scenarios.lazy.compactMap(\.performance.record).first ?? RunRecord()
        let isProcessor = ["", "cpu"].contains(record.device.lowercased())
        let description = SystemDescription.detected(
            name: system,
            accelerators: isProcessor ? nil : (record.device, record.deviceCount),
            framework: "Podium \(record.host)",
            request: request
        )
        let open = description.members.filter { $0.1.asText?.hasPrefix(SystemDescription.placeholderMark) ?? false }
        obstacles.append(
            Obstacle(
                .note,
                "\(root)/systems/\(system).json",
                "the system was detected on this machine (give --system FILE where the runs were made elsewhere)"
                    + (open.isEmpty ? "" : "; to fill in: " + open.map(\.0).joined(separator: ", "))
            )
        )
        tree.write(JSON.object(description.members).text(pretty: true) + "\n", to: "\(root)/systems/\(system).json")
        return system
    }

    /// A file's name without folder and type.
    private static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.hasSuffix(".json") ? String(name.dropLast(5)) : name
    }
}
