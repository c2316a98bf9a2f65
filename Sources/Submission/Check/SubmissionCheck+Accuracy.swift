internal import JSON

extension SubmissionCheck {
    /// Judges an accuracy run as the official `AccuracyCheck` does; the open division waives targets, limits and hash.
    mutating func checkAccuracy(_ context: ScenarioContext, _ log: JudgedLog) {
        checkScores(context)
        let json = "\(context.path)/accuracy/mlperf_log_accuracy.json"
        if !files.exists(json) {
            reject(
                "accuracy-log",
                json,
                found: "no such file",
                expected: "the accuracy log, truncated",
                advice: "copy it from the accuracy run"
            )
        } else if files.size(json) > rules.longestAccuracyLog {
            reject(
                "accuracy-log",
                json,
                found: "\(files.size(json)) bytes",
                expected: "at most \(rules.longestAccuracyLog) bytes",
                advice: "truncate it after its hash is in accuracy.txt (host submission prepare does both)"
            )
        }
        guard log.unreadable == nil else { return }
        if log.lacksMetadata || log.errorCount > 0 {
            reject(
                "accuracy-errors",
                context.accuracy,
                found: log.lacksMetadata
                    ? "a line without metadata.is_error"
                    : "\(log.errorCount) errors: \(log.errors.joined(separator: "; "))",
                expected: "no errors in an accuracy log",
                advice: "run the accuracy run again"
            )
        }
        let key =
            log["effective_accuracy_sample_count"] != nil
            ? "effective_accuracy_sample_count" : "qsl_reported_total_count"
        if log.number(key) != Double(context.model.accuracySamples) {
            reject(
                "accuracy-samples",
                context.accuracy,
                found: "\(key) \(log.shown(key))",
                expected: "\(context.model.accuracySamples), the whole data set",
                advice: "run with the benchmark's own data set and no accuracy_sample_count_override"
            )
        }
        checkAccuracyFiles(context)
    }

    private mutating func checkScores(_ context: ScenarioContext) {
        let path = "\(context.path)/accuracy/accuracy.txt"
        let read = files.text(path)
        guard let text = read.text else {
            return reject(
                "accuracy-txt",
                path,
                found: files.exists(path) ? "\(read.fault); \(Self.stops)" : "no such file",
                expected: "the scores",
                advice: "score the run with host accuracy"
            )
        }
        let scores = AccuracyText(text, rules: context.model)
        if let malformed = scores.malformed {
            reject(
                "accuracy-txt",
                path,
                found: "\(malformed), which is no number",
                expected: "a number",
                advice: "score the run again"
            )
        }
        for (metric, fault, expected) in Self.faults(scores) {
            judge(
                context,
                "accuracy-target",
                path,
                found: "'\(metric.rawValue)' \(fault)",
                expected: expected,
                advice: "an accuracy variant with a lower target, or the open division"
            )
        }
        if scores.hash == nil {
            judge(
                context,
                "accuracy-hash",
                path,
                found: "no line hash=DIGEST",
                expected: "the SHA-256 of the whole accuracy log",
                advice: "write it before truncating the log (host accuracy does)"
            )
        }
    }

    /// Objects in the division that the official checker objects in, else as a review would.
    private mutating func judge(
        _ context: ScenarioContext,
        _ rule: String,
        _ path: String,
        found: String,
        expected: String,
        advice: String
    ) {
        if context.system.isOpen {
            // The open division sets no target; what is worth telling is a score that is not there at all.
            guard rule == "accuracy-hash" || found.hasSuffix("missing") else { return }
            review(rule, path, found: found, expected: expected, advice: advice)
        } else {
            reject(rule, path, found: found, expected: expected, advice: advice)
        }
    }

    private static func faults(_ scores: AccuracyText) -> [(metric: ScoredMetric, fault: String, expected: String)] {
        scores.absent.map { ($0, "is missing", "a score in the form 'NAME': NUMBER") }
            + scores.missed.map { ($0.bound.metric, $0.found, "at least \($0.bound.value)") }
            + scores.exceeded.map { ($0.bound.metric, $0.found, "at most \($0.bound.value)") }
    }

    private mutating func checkAccuracyFiles(_ context: ScenarioContext) {
        for (folder, names) in context.model.accuracyFiles {
            let path = "\(context.path)/accuracy/\(folder)"
            let found = Set(files.files(in: path).map { $0.prefix { $0 != "." } })
            let missing = names.filter { !found.contains($0[...]) }
            guard !missing.isEmpty || files.kind(path) != .folder else { continue }
            reject(
                "accuracy-files",
                path,
                found: files.kind(path) == .folder ? "no \(missing.joined(separator: ", "))" : "no such folder",
                expected: "files named " + names.joined(separator: ", "),
                advice: "copy them from the accuracy run; the names are those of round \(rules.name)"
            )
        }
    }
}
