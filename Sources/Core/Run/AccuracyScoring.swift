import CPluginAPI
import Glibc
import JSON
import RunRecords

/// Scores an accuracy log through the workload's accuracy extension and writes `accuracy.txt` beside it.
///
/// The log is read once, entry by entry; the workload runs as a head, which needs neither weights nor device.
public struct AccuracyScoring: Sendable {
    /// What is left behind in the folder of the log.
    public static let reportName = "accuracy.txt"

    /// What came of it.
    public struct Outcome: Sendable {
        /// Id of the workload.
        public var workload: String
        /// The log.
        public var log: String
        /// Entries that it has.
        public var entries: Int
        /// Whether every target is met.
        public var passed: Bool
        /// The figures.
        public var metrics: [AccuracyMetric]
        /// What the workload says, without the hash.
        public var text: String
        /// SHA-256 of the full log in hexadecimal digits.
        public var hash: String
        /// The report, `accuracy.txt`.
        public var report: String
        /// Copy of the full log, where the log was truncated.
        public var backup: String?
    }

    private let configuration: RunConfiguration
    private let console: RunConsole

    /// So many entries, or bytes of responses, are handed over at once.
    private static let batch = (entries: 1024, bytes: 4 << 20)

    /// - Parameters:
    ///   - configuration: Plugin, model (its tokenizer is enough), data set and options.
    ///   - console: Who is told.
    public init(_ configuration: RunConfiguration, console: RunConsole) {
        self.configuration = configuration
        self.console = console
    }

    /// The log that a command line names.
    ///
    /// - Parameters:
    ///   - log: A file, or nil.
    ///   - run: Folder of a run, or nil.
    ///   - output: Folder that the settings name, or nil.
    /// - Returns: The path of the log.
    /// - Throws: `ConfigError` when none or two are named.
    public static func log(_ log: String?, run: String?, output: String?) throws -> String {
        switch (log, run, output) {
        case (.some, .some, _): throw ConfigError("--log and --run both name a log; give one of them", key: "--log")
        case (let log?, nil, _): return log
        case (nil, let folder?, _), (nil, nil, let folder?):
            var folder = folder
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            return folder + "/" + AccuracyLogReader.fileName
        case (nil, nil, nil): throw ConfigError("no log is named; give --log FILE or --run FOLDER", key: "--log")
        }
    }

    /// Scores a log.
    ///
    /// - Parameters:
    ///   - log: `mlperf_log_accuracy.json`, in full.
    ///   - backup: A folder that keeps the full log while the log itself is truncated; nil to leave the log alone.
    /// - Returns: Figures, verdict and hash, when `accuracy.txt` is written.
    /// - Throws: `ConfigError` for a log or data set that cannot be scored; `PluginFault`.
    public func score(_ log: String, truncatingInto backup: String? = nil) throws -> Outcome {
        for notice in configuration.notices { console.note(notice) }
        do {
            var reader = try AccuracyLogReader(path: log)
            let (workload, verdict) = try verdict(log, &reader)
            let outcome = try report(log, workload, verdict, entries: reader.entries, hash: reader.hash)
            return try backup.map { try truncate(outcome, $0) } ?? outcome
        } catch let error as AccuracyLogError {
            throw ConfigError(error.description, key: "--log")
        }
    }

    private func verdict(
        _ log: String,
        _ reader: inout AccuracyLogReader
    ) throws -> (workload: String, verdict: AccuracyVerdict) {
        let plugin = try openPlugin(
            named: configuration.plugin,
            isolated: configuration.isolate,
            limits: configuration.callLimits,
            log: console.log
        )
        let (workload, position) = try plugin.workload(named: configuration.workload)
        let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
            .resolve(configuration.options)
        let instance = try plugin.makeInstance(
            InstanceRequest(
                workload: position,
                role: "head",
                model: configuration.modelPath,
                dataset: configuration.datasetPath,
                options: .object(options),
                limits: configuration.callLimits
            )
        )
        guard instance.abilities.offers(MLP_ACCURACY) else {
            throw ConfigError("\(workload.id) cannot score a log: it does not offer \(MLP_ACCURACY)", key: "--plugin")
        }
        try instance.prepare()
        let verdict = try blaming(log) {
            try instance.beginAccuracy()
            var entries: [AccuracyEntry] = []
            var bytes = 0
            while let entry = try reader.next() {
                bytes += entry.data.count
                entries.append(
                    AccuracyEntry(index: entry.index, data: entry.data, tokenCount: entry.tokenCount ?? 0)
                )
                if entries.count < Self.batch.entries && bytes < Self.batch.bytes { continue }
                try instance.addResponses(entries)
                entries.removeAll(keepingCapacity: true)
                bytes = 0
            }
            if !entries.isEmpty { try instance.addResponses(entries) }
            return try instance.finishAccuracy()
        }
        try instance.destroy()
        return (workload.id, verdict)
    }

    /// What a workload refuses while it scores is the fault of the log or of the data set, not its own.
    private func blaming<Result>(_ log: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let fault as PluginFault {
            let refusals = [MLP_INVALID_ARGUMENT, MLP_IO_ERROR, MLP_NOT_FOUND, MLP_UNSUPPORTED]
            guard refusals.contains(Int(fault.status)) else { throw fault }
            throw ConfigError("\(log) cannot be scored: \(fault.reason)", key: "--log")
        }
    }

    private func report(
        _ log: String,
        _ workload: String,
        _ verdict: AccuracyVerdict,
        entries: Int,
        hash: String
    ) throws -> Outcome {
        let metrics: [AccuracyMetric]
        do {
            metrics = try AccuracyMetric.reading(verdict.metrics)
        } catch let error as JSONError {
            throw PluginFault(
                .contract,
                library: configuration.plugin,
                call: "accuracy.finish",
                reason: error.description
            )
        }
        let folder = log.lastIndex(of: "/").map { String(log[...$0]) } ?? ""
        let report = folder + Self.reportName
        let body = verdict.text.isEmpty || verdict.text.hasSuffix("\n") ? verdict.text : verdict.text + "\n"
        try Self.write(body + "hash=\(hash)\n", to: report)
        return Outcome(
            workload: workload,
            log: log,
            entries: entries,
            passed: verdict.passed,
            metrics: metrics,
            text: body,
            hash: hash,
            report: report
        )
    }

    private func truncate(_ outcome: Outcome, _ backup: String) throws -> Outcome {
        var outcome = outcome
        outcome.backup = try AccuracyLogTruncation.backUp(outcome.log, in: backup)
        try AccuracyLogTruncation.truncate(outcome.log)
        // The score is still that of this log: it stays the newer file, by which experiments tell.
        utimensat(AT_FDCWD, outcome.report, nil, 0)
        return outcome
    }

    /// Writes a file whole or not at all.
    private static func write(_ text: String, to path: String) throws {
        func failure() -> ConfigError {
            ConfigError("\(path): cannot be written: \(String(cString: strerror(errno)))", key: "--log")
        }
        let part = path + ".part"
        guard let file = fopen(part, "we") else { throw failure() }
        let isWritten = fputs(text, file) >= 0 && fflush(file) == 0
        guard fclose(file) == 0, isWritten, rename(part, path) == 0 else {
            let error = failure()
            unlink(part)
            throw error
        }
    }
}
