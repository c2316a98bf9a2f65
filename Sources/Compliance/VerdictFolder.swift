/// Files a verdict with the logs that belong to it, where the submission checker looks for them.
///
/// ```
/// TEST07/verify_accuracy.txt
/// TEST07/accuracy/mlperf_log_accuracy.json
/// TEST07/performance/run_1/mlperf_log_summary.txt, mlperf_log_detail.txt
/// ```
public enum VerdictFolder {
    /// Where in a test's folder its run's logs lie.
    public static let runFolder = "performance/run_1"

    /// Writes the verdict's files, and copies the run's logs unless they lie where they belong.
    ///
    /// - Parameters:
    ///   - verdict: The verdict.
    ///   - run: The folder with the logs of the test's run.
    ///   - folder: The test's folder, made if need be.
    /// - Throws: `ComplianceError` naming the file that cannot be read or written.
    public static func write(_ verdict: ComplianceVerdict, run: String, to folder: String) throws(ComplianceError) {
        let logs = "\(folder)/\(runFolder)"
        if run != logs {
            try TextFile.makeFolder(logs)
            for name in ["mlperf_log_summary.txt", "mlperf_log_detail.txt"] {
                try TextFile.copy("\(run)/\(name)", to: "\(logs)/\(name)")
            }
        }
        if verdict.test.filesAccuracyLog {
            try TextFile.makeFolder("\(folder)/accuracy")
            let name = "mlperf_log_accuracy.json"
            try TextFile.copy("\(run)/\(name)", to: "\(folder)/accuracy/\(name)")
        }
        // Last: a verdict says that everything else is there.
        for file in verdict.files { try TextFile.write(file.text, to: "\(folder)/\(file.name)") }
    }

    /// Whether a folder holds the verdict files of a test and they say that it is passed, as the checker reads them.
    ///
    /// - Parameters:
    ///   - test: The test.
    ///   - folder: The test's folder.
    /// - Returns: nil where a file is missing or cannot be read.
    public static func passed(_ test: ComplianceTest, in folder: String) -> Bool? {
        var passed = true
        for name in test.verdictFiles {
            guard let text = try? TextFile.read("\(folder)/\(name)") else { return nil }
            let lines = Set(text.split(whereSeparator: \.isNewline).map { trimmed($0) })
            if test == .test06 {
                let first = ["First token check pass: True", "First token check pass: Skipped"]
                passed =
                    passed && first.contains(where: lines.contains) && lines.contains("EOS check pass: True")
                    && lines.contains("Sample length check pass: True")
            } else {
                passed = passed && lines.contains("TEST PASS")
            }
        }
        return passed
    }

    /// Makes a test's folder ready for a run: no old verdict stands beside the new logs, and the audit.config is there.
    ///
    /// - Parameters:
    ///   - folder: The test's folder, made if need be.
    ///   - test: The test.
    ///   - audit: What to write.
    /// - Throws: `ComplianceError` naming the file that cannot be removed or written.
    public static func prepare(
        _ folder: String,
        test: ComplianceTest,
        audit: AuditConfiguration
    ) throws(ComplianceError) {
        try TextFile.makeFolder(folder)
        try removeVerdict(test, from: folder)
        try TextFile.write(audit.text, to: "\(folder)/\(AuditConfiguration.fileName)")
    }

    /// A small text file, whole.
    ///
    /// - Throws: `ComplianceError` where it cannot be read.
    public static func text(of path: String) throws(ComplianceError) -> String { try TextFile.read(path) }

    /// Replaces a small text file in one step.
    ///
    /// - Throws: `ComplianceError` where it cannot be written.
    public static func write(text: String, to path: String) throws(ComplianceError) {
        try TextFile.write(text, to: path)
    }

    /// Takes the verdict files of a test away.
    ///
    /// - Throws: `ComplianceError` for one that cannot be removed.
    static func removeVerdict(_ test: ComplianceTest, from folder: String) throws(ComplianceError) {
        for name in test.verdictFiles { try TextFile.remove("\(folder)/\(name)") }
    }
}
