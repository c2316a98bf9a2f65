internal import JSON
internal import RunRecords

extension SubmissionPreparation {
    /// The accuracy variants that a benchmark's results are filed under.
    mutating func variants(_ group: [ExperimentScenario]) -> [ModelRules] {
        let benchmark =
            group.lazy.compactMap(\.performance.record?.benchmark).first { !$0.isEmpty } ?? group[0].benchmark
        let variants = rules.variants(of: benchmark)
        guard !variants.isEmpty else {
            obstacles.append(
                Obstacle(
                    .refused,
                    "\(group[0].system)/\(group[0].benchmark)",
                    "round \(rules.name) has no rules here for \(benchmark.isEmpty ? "a workload without benchmark" : benchmark): known are "
                        + rules.models.map(\.name).joined(separator: ", ")
                )
            )
            return []
        }
        switch request.variant {
        case "all": return variants
        case "highest":
            let reached = variants.filter { model in
                group.allSatisfy { scenario in
                    experiment.files.text("\(scenario.path)/accuracy/accuracy.txt").text.map { text in
                        let scores = AccuracyText(text, rules: model)
                        return scores.missed.isEmpty && scores.exceeded.isEmpty && scores.absent.isEmpty
                    } ?? false
                }
            }
            if let highest = reached.last { return [highest] }
            // What claims least: only the open division takes it.
            if request.division == "closed" {
                obstacles.append(
                    Obstacle(
                        .refused,
                        "\(group[0].system)/\(group[0].benchmark)",
                        "the accuracy reaches no target of \(variants.map(\.name).joined(separator: " or ")); only the open division takes it"
                    )
                )
            }
            return [variants[0]]
        default:
            guard let named = variants.first(where: { $0.name == request.variant }) else {
                obstacles.append(
                    Obstacle(
                        .refused,
                        "--variant \(request.variant)",
                        "is none of \(benchmark): choose highest, all, \(variants.map(\.name).joined(separator: ", "))"
                    )
                )
                return []
            }
            return [named]
        }
    }

    mutating func plan(_ scenario: ExperimentScenario, _ model: ModelRules, _ texts: SubmissionTexts, folder: String) {
        for name in ["mlperf_log_summary.txt", "mlperf_log_detail.txt"] {
            copy("\(scenario.performance.path)/\(name)", to: "\(folder)/performance/run_1/\(name)")
            copy("\(scenario.accuracy.path)/\(name)", to: "\(folder)/accuracy/\(name)")
        }
        planAccuracy(scenario, model, folder)
        for test in scenario.tests { plan(test, of: scenario, model, folder: "\(folder)/\(test)") }
        if request.division == "closed" {
            for test in model.tests where !scenario.tests.contains(test.name) {
                obstacles.append(
                    Obstacle(
                        .missing,
                        "\(scenario.path)/\(test.name)",
                        "there is no such test; run host audit --test \(test.name)"
                    )
                )
            }
        }
        let record = scenario.performance.record ?? RunRecord()
        planUserConf(scenario, record, folder)
        tree.write(measurements(texts, record), to: "\(folder)/measurements.json")
        tree.write(texts.readme(scenario, model: model), to: "\(folder)/README.md")
    }

    private mutating func copy(_ source: String, to path: String) {
        guard experiment.files.kind(source) == .file else { return }
        tree.copy(experiment.files.full(source), to: path)
    }

    private mutating func planAccuracy(_ scenario: ExperimentScenario, _ model: ModelRules, _ folder: String) {
        let files = experiment.files
        let scores = "\(scenario.accuracy.path)/accuracy.txt"
        let log = "\(scenario.accuracy.path)/mlperf_log_accuracy.json"
        var digest: String?
        if let text = files.text(scores).text {
            digest =
                AccuracyText.lines(text).lazy.compactMap { line in
                    line.hasPrefix("hash=") ? String(line.dropFirst(5)) : nil
                }.first
            if digest == nil {
                obstacles.append(
                    Obstacle(.refused, scores, "has no line hash=DIGEST; score the run with host accuracy")
                )
            }
        } else {
            obstacles.append(Obstacle(.missing, scores, "there is no score; run host accuracy"))
        }
        copy(scores, to: "\(folder)/accuracy/accuracy.txt")
        planAccuracyLog(log, digest: digest, to: "\(folder)/accuracy/mlperf_log_accuracy.json")
        for (name, stems) in model.accuracyFiles {
            for file in files.files(in: "\(scenario.accuracy.path)/\(name)")
            where stems.contains(String(file.prefix { $0 != "." })) {
                copy("\(scenario.accuracy.path)/\(name)/\(file)", to: "\(folder)/accuracy/\(name)/\(file)")
            }
        }
    }

    /// Plans an accuracy log, truncated where it is too large.
    ///
    /// - Parameters:
    ///   - log: The log, in the experiment.
    ///   - digest: What `accuracy.txt` says of the whole log; nil where nothing says it.
    ///   - path: Where it goes.
    private mutating func planAccuracyLog(_ log: String, digest: String?, to path: String) {
        guard experiment.files.kind(log) == .file, let read = AccuracyLogCopy.read(experiment.files.full(log)) else {
            obstacles.append(Obstacle(.missing, log, "there is no such file; run it again"))
            return
        }
        if read.size <= rules.longestAccuracyLog {
            let whole =
                read.size <= AccuracyLogCopy.kept ? read.head : Array((experiment.files.text(log).text ?? "").utf8)
            if let digest, digest != read.digest, !AccuracyLogCopy.isTruncated(whole) { refuseDigest(log) }
            copy(log, to: path)
            return
        }
        if let digest, digest != read.digest { refuseDigest(log) }
        tree.write(read.head + Array(AccuracyLogCopy.gap.utf8) + read.tail, to: path)
    }

    private mutating func refuseDigest(_ log: String) {
        obstacles.append(
            Obstacle(
                .refused,
                log,
                "is not the log that accuracy.txt was made of: its SHA-256 differs; run host accuracy again"
            )
        )
    }

    private mutating func plan(_ test: String, of scenario: ExperimentScenario, _ model: ModelRules, folder: String) {
        guard let rules = model.tests.first(where: { $0.name == test }) else { return }
        let source = "\(scenario.path)/\(test)"
        let verdict = "\(source)/\(rules.verdictFile)"
        if experiment.files.kind(verdict) != .file {
            obstacles.append(
                Obstacle(
                    request.division == "closed" ? .missing : .note,
                    verdict,
                    "there is no verdict; run host audit --test \(test)"
                )
            )
            return
        }
        if request.division == "closed", let text = experiment.files.text(verdict).text {
            for (found, _) in SubmissionCheck.missing(in: text, rules) {
                obstacles.append(Obstacle(.refused, verdict, "the test is failed: \(found)"))
            }
        }
        copy(verdict, to: "\(folder)/\(rules.verdictFile)")
        for name in ["mlperf_log_summary.txt", "mlperf_log_detail.txt"] {
            copy("\(source)/performance/run_1/\(name)", to: "\(folder)/performance/run_1/\(name)")
        }
        let log = "\(source)/accuracy/mlperf_log_accuracy.json"
        if experiment.files.kind(log) == .file {
            planAccuracyLog(log, digest: nil, to: "\(folder)/accuracy/mlperf_log_accuracy.json")
        }
    }

    private mutating func planUserConf(_ scenario: ExperimentScenario, _ record: RunRecord, _ folder: String) {
        guard !record.userConf.isEmpty else {
            return tree.write(SubmissionTexts.noUserConf, to: "\(folder)/user.conf")
        }
        guard let text = SubmissionFiles(root: ".").text(absolute: record.userConf) else {
            obstacles.append(
                Obstacle(
                    .missing,
                    record.userConf,
                    "the run's user.conf cannot be read; call this from the folder of the run"
                )
            )
            return
        }
        let log = experiment.files.changed("\(scenario.performance.path)/mlperf_log_detail.txt")
        if let changed = SubmissionFiles(root: record.userConf).changed("."), let log, changed > log {
            obstacles.append(
                Obstacle(
                    .note,
                    record.userConf,
                    "was changed after the run of \(scenario.path); see that it says what held"
                )
            )
        }
        tree.write(text.isEmpty ? SubmissionTexts.noUserConf : text, to: "\(folder)/user.conf")
    }
}
