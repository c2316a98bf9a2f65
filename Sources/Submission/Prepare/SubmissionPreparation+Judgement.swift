internal import JSON
internal import RunRecords

extension SubmissionPreparation {
    /// Names what keeps a scenario's results out of a submission.
    mutating func judge(_ scenario: ExperimentScenario) {
        judge(scenario.performance, modes: ["PerformanceOnly", "SubmissionRun"], scenario)
        judge(scenario.accuracy, modes: ["AccuracyOnly", "SubmissionRun"], scenario)
        if let log = scenario.performance.log, log.unreadable == nil {
            let validity = log.text("result_validity")
            // What the record says already is not said twice.
            if validity != "VALID", scenario.performance.record?.status != .invalid {
                refuse(scenario.performance.path, "the result is \(validity ?? "missing"); run it again")
            }
            judgeSeeds(log)
        }
        if let log = scenario.accuracy.log, log.errorCount > 0 {
            refuse(
                log.path,
                "reports \(log.errorCount) errors, which no submission may: \(log.errors.joined(separator: "; "))"
            )
        }
        compare(scenario)
    }

    private mutating func refuse(_ path: String, _ reason: String) {
        // Reasons of LoadGen have several lines.
        let line = reason.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let obstacle = Obstacle(.refused, path, line)
        if !obstacles.contains(obstacle) { obstacles.append(obstacle) }
    }

    private mutating func judge(_ run: ExperimentRun, modes: [String], _ scenario: ExperimentScenario) {
        guard let record = run.record else { return }
        switch record.status {
        case .running: refuse(run.path, "the run did not end, or goes on; run it again")
        case .failed, .pluginFault:
            refuse(run.path, "the run failed: \(record.reasons.first ?? "no reason was written"); run it again")
        case .invalid:
            refuse(run.path, "the result is INVALID: \(record.reasons.first ?? "see the summary"); run it again")
        case .valid: break
        }
        if !record.isForSubmission {
            refuse(
                run.path,
                "the host does not offer it for a submission: \(record.submissionObstacles.first ?? "see run.json")"
            )
        }
        if let mismatch = record.resources?.mismatches.first {
            refuse(
                run.path,
                "model or data set are not those of \(record.resources?.manifest ?? "the manifest"): \(mismatch)"
            )
        }
        if record.scenario != scenario.scenario.rawValue {
            refuse(run.path, "is a run of \(record.scenario), in the folder of \(scenario.scenario.rawValue)")
        }
        if !modes.contains(record.mode) {
            refuse(run.path, "is a run in mode \(record.mode), expected \(modes.joined(separator: " or "))")
        }
        if record.round != rules.name { refuse(run.path, "is a run of round \(record.round), not \(rules.name)") }
        if request.division == "closed", !record.engine.hasPrefix("official") {
            refuse(
                run.path,
                "was made with the LoadGen \(record.engine); the closed division asks for --loadgen official"
            )
        }
        if request.division == "closed", record.overridesSeeds {
            refuse(
                run.path,
                "has seeds put over those of its LoadGen (override_seeds), which the closed division does not take"
            )
        }
    }

    private mutating func judgeSeeds(_ log: JudgedLog) {
        for seed in rules.seeds {
            guard let found = log["effective_\(seed.key)"], found.text() != "\(seed.value)" else { continue }
            refuse(
                log.path,
                "\(seed.key) is \(found.text()), not \(seed.value) of round \(rules.name); run it again without seeds of your own"
            )
        }
    }

    /// A score counts for a result only where both come of the same thing.
    private mutating func compare(_ scenario: ExperimentScenario) {
        guard let first = scenario.performance.record, let second = scenario.accuracy.record else { return }
        let fields: [(String, KeyPath<RunRecord, String>)] = [
            ("plugin", \.plugin), ("workload", \.workload), ("workload_version", \.workloadVersion), ("host", \.host),
            ("round", \.round), ("engine", \.engine), ("benchmark", \.benchmark), ("model", \.model),
            ("device", \.device),
        ]
        for (name, field) in fields where first[keyPath: field] != second[keyPath: field] {
            refuse(
                scenario.path,
                "performance and accuracy differ in \(name): \"\(first[keyPath: field])\" and \"\(second[keyPath: field])\"; run one of them again"
            )
        }
    }
}
