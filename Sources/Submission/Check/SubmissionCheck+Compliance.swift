internal import JSON

extension SubmissionCheck {
    /// Files of compliance tests that the official checker reads wherever they are, and stops if it cannot.
    private static let verdictFiles = [
        ("TEST01", "verify_accuracy.txt"), ("TEST04", "verify_accuracy.txt"), ("TEST06", "verify_accuracy.txt"),
        ("TEST07", "verify_accuracy.txt"), ("TEST08", "verify_accuracy.txt"), ("TEST09", "verify_output_len.txt"),
    ]
    private static let performanceFiles = ["mlperf_log_detail.txt", "mlperf_log_summary.txt"]
    private static let optionalFiles = [
        "mlperf_log_accuracy.json", "mlperf_log_trace.json", "results.json", ".gitkeep",
    ]

    /// Judges the compliance tests of a scenario; the open division needs none.
    mutating func checkCompliance(_ context: ScenarioContext, _ system: JSONObject) {
        let tests = context.system.isOpen ? [] : context.model.tests
        for (test, file) in Self.verdictFiles
        where !tests.contains(where: { $0.name == test && $0.verdictFile == file }) {
            let path = "\(context.path)/\(test)/\(file)"
            guard files.exists(path) else { continue }
            let read = files.text(path)
            if read.text == nil { rejectVerdict(path, "\(read.fault); \(Self.stops)", "a text") }
        }
        for test in ["TEST01", "TEST04"] where !tests.contains(where: { $0.name == test }) {
            _ = log("\(context.path)/\(test)/performance/run_1/mlperf_log_detail.txt")
        }
        for test in tests { check(test, context, system) }
    }

    private mutating func check(_ test: ComplianceTestRules, _ context: ScenarioContext, _ system: JSONObject) {
        let folder = "\(context.path)/\(test.name)"
        guard files.exists(folder) else {
            return reject(
                "compliance",
                folder,
                found: "no such folder",
                expected: "the test of this scenario, which the closed division asks for",
                advice: "run host audit --test \(test.name), or submit to the open division"
            )
        }
        let path = "\(folder)/\(test.verdictFile)"
        let read = files.text(path)
        if let text = read.text {
            checkVerdict(test, text, path)
        } else {
            rejectVerdict(path, files.exists(path) ? read.fault : "no such file", "the verdict of \(test.name)")
        }
        if test.needsPerformanceRun { checkRun(of: test, context, system, folder: "\(folder)/performance/run_1") }
    }

    private mutating func checkVerdict(_ test: ComplianceTestRules, _ text: String, _ path: String) {
        for (found, expected) in Self.missing(in: text, test) { rejectVerdict(path, found, expected) }
    }

    /// What a verdict lacks to be one of success, with what is found in its place.
    static func missing(in text: String, _ test: ComplianceTestRules) -> [(found: String, expected: String)] {
        switch test.verdict {
        case .contains(let words):
            return text.contains(words) ? [] : [("no \"\(words)\"", words)]
        case .lines(let groups):
            let lines = Set(AccuracyText.lines(text).map { Self.trimmed($0) })
            return groups.filter { group in !group.contains { lines.contains($0[...]) } }.map { group in
                let subject = group[0].prefix { $0 != ":" }
                let found = lines.first { $0.hasPrefix(subject) }.map { "\"\($0)\"" } ?? "no such line"
                return (found, group.map { "the line \"\($0)\"" }.joined(separator: " or "))
            }
        }
    }

    private mutating func rejectVerdict(_ path: String, _ found: String, _ expected: String) {
        reject(
            "compliance-verdict",
            path,
            found: found,
            expected: expected,
            advice: "run the test again with host audit; a test that fails cannot be submitted"
        )
    }

    private mutating func checkRun(
        of test: ComplianceTestRules,
        _ context: ScenarioContext,
        _ system: JSONObject,
        folder: String
    ) {
        let path = "\(folder)/mlperf_log_detail.txt"
        guard files.kind(folder) == .folder else {
            return reject(
                "compliance-run",
                folder,
                found: "no such folder",
                expected: Self.performanceFiles.joined(separator: " and "),
                advice: "run host audit --test \(test.name)"
            )
        }
        let names = files.files(in: folder)
        let missing = Self.performanceFiles.filter { !names.contains($0) }
        let extra = names.filter { !Self.performanceFiles.contains($0) && !Self.optionalFiles.contains($0) }
        if !missing.isEmpty || !extra.isEmpty {
            reject(
                "compliance-run",
                folder,
                found: (missing.map { "no \($0)" } + extra.map { "also \($0)" }).joined(separator: ", "),
                expected: "exactly \(Self.performanceFiles.joined(separator: " and "))",
                advice: extra.isEmpty
                    ? "copy the logs of the test's run" : "remove what the test's run need not hand in"
            )
        }
        if let log = log(path), log.unreadable == nil {
            _ = checkPerformance(log, context, system, path: path)
        }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        var rest = line
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
