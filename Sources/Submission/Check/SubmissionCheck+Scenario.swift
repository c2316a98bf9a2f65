internal import JSON

extension SubmissionCheck {
    mutating func checkScenario(_ context: ScenarioContext, _ system: JSONObject) {
        let before = report.findings.count
        if ![context.scenario?.rawValue, context.scenario?.rawValue.lowercased()].contains(context.folder) {
            reject(
                "scenario-folder",
                context.path,
                found: context.folder + "; \(Self.stops)",
                expected: MLPerfScenario.allCases.map(\.rawValue).joined(separator: ", "),
                advice: "rename or remove the folder"
            )
        }
        let performance = log(context.performance)
        let accuracy = log(context.accuracy)
        if performance == nil, accuracy == nil {
            if files.exists("\(context.path)/config.yaml") || files.exists("\(context.path)/config.yml") {
                leave("endpoints", context.path, found: "a submission of an endpoint, without LoadGen's logs")
            } else {
                reject(
                    "logs",
                    context.path,
                    found: "neither a performance nor an accuracy log; \(Self.stops)",
                    expected: "performance/run_1/mlperf_log_detail.txt and accuracy/mlperf_log_detail.txt",
                    advice: "run the scenario, or remove its folder"
                )
            }
            return
        }
        for (found, path) in [(performance, context.performance), (accuracy, context.accuracy)] where found == nil {
            reject(
                "logs",
                path,
                found: "no such file; \(Self.stops)",
                expected: "the detail log of the run",
                advice: "run it, or remove \(context.path)"
            )
        }
        checkMeasurements(context)
        checkCompliance(context, system)
        if let accuracy { checkAccuracy(context, accuracy) }
        if let performance, performance.unreadable == nil {
            let value = checkPerformance(performance, context, system, path: context.performance)
            reviewPerformance(performance, context)
            if let value, !report.findings[before...].contains(where: { $0.severity == .rejected }) {
                report.results.append(CheckReport.Result(path: context.path, value: value.value, key: value.key))
            }
        }
        reviewPair(performance, accuracy, context)
        if files.exists("\(context.path)/performance/power") {
            leave("power", "\(context.path)/performance/power", found: "measurements of power")
        }
    }

    /// A log, with a finding where it cannot be read; nil where there is none.
    mutating func log(_ path: String) -> JudgedLog? {
        guard files.exists(path) else { return nil }
        let log = JudgedLog(files, path: path)
        if let reason = log.unreadable {
            reject(
                "log-unreadable",
                path,
                found: "\(reason); \(Self.stops)",
                expected: "lines of :::MLLOG and JSON, whole",
                advice: reason.contains("cut off")
                    ? "the run did not end: run it again" : "run it again, or name things without quotes"
            )
        }
        if !log.foreignLines.isEmpty {
            review(
                "log-lines",
                path,
                found: log.foreignLines.joined(separator: "; "),
                expected: "lines of LoadGen alone",
                advice: "keep other output out of the log: run it again"
            )
        }
        return log
    }

    private mutating func checkMeasurements(_ context: ScenarioContext) {
        for name in rules.scenarioFiles {
            let path = "\(context.path)/\(name)"
            if files.kind(path) != .file || files.size(path) == 0 {
                reject(
                    "scenario-file",
                    path,
                    found: files.kind(path) == .file ? "an empty file" : "no such file",
                    expected: "a file that is not empty",
                    advice: name == "user.conf" ? "copy the one of the run, or state that none was used" : "write it"
                )
            }
        }
        if !files.exists(context.system.source) {
            reject(
                "source",
                context.system.source,
                found: "no such folder",
                expected: "the implementation, or where it is",
                advice: "add the folder"
            )
        }
        let path = "\(context.path)/measurements.json"
        guard files.exists(path) else {
            return reject(
                "measurements",
                path,
                found: "no such file",
                expected: rules.measurements.joined(separator: ", "),
                advice: "write it"
            )
        }
        let read = files.json(path)
        guard case .object(let members)? = read.json else {
            return reject(
                "measurements",
                path,
                found: read.json == nil ? "\(read.fault); \(Self.stops)" : "no object",
                expected: "a JSON object",
                advice: "correct the file"
            )
        }
        for field in rules.measurements where !(members[field]?.isFilled ?? false) {
            reject(
                "measurements",
                path,
                found: members[field].map { "\(field) is \($0.text())" } ?? "\(field) is missing",
                expected: "a value that is not empty",
                advice: "fill it in"
                    + (field == "retraining" ? ": \"No\" as a text, for false counts as empty" : "")
            )
        }
        for field in rules.measurements {
            if let text = members[field]?.asText, text.hasPrefix(SystemDescription.placeholderMark) {
                review(
                    "measurements-placeholder",
                    path,
                    found: "\(field) is \"\(text)\"",
                    expected: "what is true of the run",
                    advice: "fill it in: the run's record does not tell it"
                )
            }
        }
    }
}
