internal import JSON

/// What the official checker lets pass and the rules or a review do not.
extension SubmissionCheck {
    mutating func reviewPerformance(_ log: JudgedLog, _ context: ScenarioContext) {
        if log.text("result_validity") != "VALID" {
            review(
                "validity",
                log.path,
                found: "result_validity \(log.shown("result_validity"))",
                expected: "VALID",
                advice: "run it again: an INVALID result cannot be published"
            )
        }
        if log.errorCount > 0 {
            review(
                "log-errors",
                log.path,
                found: "\(log.errorCount) errors: \(log.errors.joined(separator: "; "))",
                expected: "no errors",
                advice: "run it again without what caused them"
            )
        }
        if context.scenario == .interactive, let limits = context.model.tokenLimits[.interactive] {
            for (key, limit) in Self.tokenKeys(limits) {
                if let value = log.number(key), !(value < limit) {
                    review(
                        "interactive-latency",
                        log.path,
                        found: "\(key) \(log.shown(key))",
                        expected:
                            "below \(Int(limit)): the official checker applies Server's limits, the rules Interactive's",
                        advice: "lower target_qps"
                    )
                }
            }
        }
        if context.model.needsEqualIssue, context.system.division == "closed",
            log["effective_sample_concatenate_permutation"] != .bool(true)
        {
            review(
                "equal-issue",
                log.path,
                found:
                    "effective_sample_concatenate_permutation \(log.shown("effective_sample_concatenate_permutation"))",
                expected: "true: every sample is issued equally often",
                advice: "remove sample_concatenate_permutation from user.conf"
            )
        }
        reviewMode(log, ["PerformanceOnly", "SubmissionRun"])
        reviewEngine(log, context)
    }

    private mutating func reviewMode(_ log: JudgedLog, _ modes: [String]) {
        guard let mode = log.text("effective_test_mode"), !modes.contains(mode) else { return }
        review(
            "mode",
            log.path,
            found: "a run in mode \(mode)",
            expected: modes.joined(separator: " or "),
            advice: "put the run where it belongs"
        )
    }

    /// A closed submission has to use the official library, whose version ends in the digits of its commit.
    private mutating func reviewEngine(_ log: JudgedLog, _ context: ScenarioContext) {
        guard !context.system.isOpen, let version = log.text("loadgen_version") else { return }
        let commit = version.split(separator: "@").last.map { $0.drop { $0 == " " } } ?? ""
        guard commit.isEmpty || !commit.allSatisfy(\.isHexDigit) else { return }
        review(
            "loadgen",
            log.path,
            found: "loadgen_version \"\(version)\"",
            expected: "MLCommons' own LoadGen, which the closed division asks for",
            advice: "run with --loadgen official, or submit to the open division"
        )
    }

    mutating func reviewPair(_ performance: JudgedLog?, _ accuracy: JudgedLog?, _ context: ScenarioContext) {
        if let accuracy, accuracy.unreadable == nil {
            reviewMode(accuracy, ["AccuracyOnly", "SubmissionRun"])
            if let scenario = accuracy.text("effective_scenario"), scenario != context.scenario?.loadGenName {
                review(
                    "accuracy-scenario",
                    accuracy.path,
                    found: "an accuracy run of \(scenario)",
                    expected: "one of \(context.scenario?.loadGenName ?? context.folder)",
                    advice: "run the accuracy run of this scenario"
                )
            }
        }
        if let first = performance?.text("loadgen_version"), let second = accuracy?.text("loadgen_version"),
            first != second
        {
            review(
                "loadgen",
                context.path,
                found: "performance with \(first), accuracy with \(second)",
                expected: "one LoadGen for both runs",
                advice: "run both with the same host"
            )
        }
        for folder in ["performance/run_1", "accuracy"] where files.kind("\(context.path)/\(folder)") == .folder {
            let path = "\(context.path)/\(folder)/mlperf_log_summary.txt"
            if !files.exists(path) {
                review(
                    "summary",
                    path,
                    found: "no such file",
                    expected: "LoadGen's summary beside the detail log",
                    advice: "copy it from the run"
                )
            }
        }
    }

    /// What keeps a tree from being uploaded to the organisers' repository.
    ///
    /// Source: tools/submission/repository_checks.sh of mlcommons/inference.
    mutating func checkRepository() {
        var left = 100_000
        var folders = [""]
        while let folder = folders.popLast(), left > 0 {
            for name in files.names(in: folder.isEmpty ? "." : folder) {
                left -= 1
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                var faults: [String] = []
                if files.isLink(path) { faults.append("a symbolic link") }
                if name.hasPrefix(".") { faults.append("a name that begins with a point") }
                if name.contains(" ") { faults.append("a name with a blank") }
                if files.kind(path) == .file, files.size(path) > 50 << 20 { faults.append("more than 50 MB") }
                if !faults.isEmpty {
                    review(
                        "repository",
                        path,
                        found: faults.joined(separator: ", "),
                        expected: "what the organisers' repository takes",
                        advice: "remove, rename or shorten it"
                    )
                }
                if files.kind(path) == .folder, !files.isLink(path) { folders.append(path) }
            }
        }
        if left <= 0 { leave("repository", ".", found: "more than 100000 files") }
    }
}
