import Synchronization

/// The three log files of a test.
final class RunLogs: Sendable {
    let detail: DetailLog
    let accuracy: AccuracyLog
    /// Only where it was asked for.
    let trace: TraceLog?
    private let summary: LogFile
    let paths: [String]

    /// Creates the files, and the folder if need be.
    init(folder: String, hasTokens: Bool, wantsFirstTokens: Bool, hasTrace: Bool = false) throws {
        try LogFolder.create(folder)
        let base = folder.hasSuffix("/") ? folder : folder + "/"
        let names = ["summary.txt", "detail.txt", "accuracy.json"] + (hasTrace ? ["trace.json"] : [])
        paths = names.map { base + "mlperf_log_" + $0 }
        summary = try LogFile(path: paths[0])
        detail = try DetailLog(path: paths[1])
        accuracy = try AccuracyLog(path: paths[2], hasTokens: hasTokens, wantsFirstTokens: wantsFirstTokens)
        trace = hasTrace ? try TraceLog(path: paths[3]) : nil
        try accuracy.start()
    }

    func write(_ performance: PerformanceSummary) {
        summary.append(performance.summaryText())
        for entry in performance.detailEntries() {
            detail.entry(entry.key, entry.value)
        }
        detail.entry("num_errors", .count(detail.errors))
    }

    /// Closes all three.
    func finish() {
        summary.append(EncounterCounts.text(warnings: detail.warnings, errors: detail.errors))
        summary.finish()
        detail.finish()
        accuracy.finish()
        trace?.finish()
    }

    /// What could not be written.
    var failures: [String] {
        let summaryFailure = summary.failure.map { "\(summary.path): \($0)" }
        return [summaryFailure, detail.failure, accuracy.failure, trace?.failure].compactMap { $0 }.map {
            "A log could not be written completely: \($0)."
        }
    }
}
