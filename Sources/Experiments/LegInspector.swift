internal import Compliance
internal import Core
internal import Files
internal import Glibc
internal import JSON
internal import RunRecords

/// Decides what of a leg is there already and counts.
enum LegInspector {
    /// Looks at a leg's folder.
    ///
    /// - Parameters:
    ///   - leg: The leg.
    ///   - record: What the last invocation said.
    ///   - division: Whether an accuracy below its target is a fault.
    /// - Returns: What is to be done.
    static func state(of leg: Leg, record: ExperimentRecord, division: Division) -> LegState {
        if let fault = runFault(leg) { return LegState(fault: fault, keepsRun: false) }
        switch leg.kind {
        case .performance:
            return LegState(fault: nil, keepsRun: true)
        case .accuracy:
            return LegState(fault: scoreFault(leg, record, division), keepsRun: true)
        case .compliance(let test):
            return LegState(fault: verdictFault(test, leg), keepsRun: false)
        }
    }

    /// Why the run of a leg has to be made (again); nil if it counts.
    static func runFault(_ leg: Leg) -> String? {
        let folder = leg.runFolder
        guard exists("\(folder)/\(RunRecord.fileName)") else { return "not run yet" }
        let record: RunRecord
        do {
            record = try RunRecord(folder: folder)
        } catch {
            return "its record cannot be read: \(error)"
        }
        switch record.status {
        case .valid: break
        case .running: return "its run was cut off"
        case .invalid where leg.acceptsInvalidRun: break
        case .invalid: return "its run is INVALID" + because(record)
        case .pluginFault: return "the plugin failed in its run" + because(record)
        case .failed: return "its run failed" + because(record)
        }
        if record.words != leg.runWords { return "its settings were others: \(difference(record.words, leg.runWords))" }
        for file in leg.configurationFiles {
            guard let changed = Timestamp.modified(file), let started = Timestamp(iso8601: record.started) else {
                continue
            }
            // The record's start is in whole seconds.
            if changed.seconds > started.seconds { return "\(file) has changed since" }
        }
        return logFault(leg)
    }

    /// Why the logs of a run that ended are not whole; nil if they are.
    private static func logFault(_ leg: Leg) -> String? {
        for name in ["mlperf_log_summary.txt", "mlperf_log_detail.txt"]
        where (size("\(leg.runFolder)/\(name)") ?? 0) == 0 {
            return "\(name) is missing or empty"
        }
        if leg.kind == .performance { return nil }
        let name = "mlperf_log_accuracy.json"
        guard let tail = tail(of: "\(leg.runFolder)/\(name)") else { return "\(name) is missing" }
        return tail.last == UInt8(ascii: "]") ? nil : "\(name) is cut off"
    }

    private static func scoreFault(_ leg: Leg, _ record: ExperimentRecord, _ division: Division) -> String? {
        let score = "\(leg.folder)/accuracy.txt"
        guard let scored = Timestamp.modified(score), (size(score) ?? 0) > 0 else { return "not scored yet" }
        guard let logged = Timestamp.modified("\(leg.folder)/mlperf_log_accuracy.json"), logged <= scored else {
            return "its log is newer than its score"
        }
        switch record.scores[leg.folder] {
        case RunStatus.valid.rawValue: return nil
        case RunStatus.invalid.rawValue: return division == .open ? nil : "its score is below the target"
        case nil: return "nothing says yet whether its score reaches the target"
        default: return "its scoring failed"
        }
    }

    private static func verdictFault(_ test: ComplianceTest, _ leg: Leg) -> String? {
        guard let passed = VerdictFolder.passed(test, in: leg.folder) else { return "not verified yet" }
        guard passed else { return "the test is failed" }
        for name in test.verdictFiles {
            guard let verified = Timestamp.modified("\(leg.folder)/\(name)"),
                let logged = Timestamp.modified("\(leg.runFolder)/mlperf_log_summary.txt"), logged <= verified
            else { return "its logs are newer than its verdict" }
            if test.needsPerformanceReference,
                let reference = Timestamp.modified(
                    "\(Folder.parent(of: leg.folder))/\(VerdictFolder.runFolder)/mlperf_log_summary.txt"
                ),
                verified < reference
            {
                return "its reference is newer than its verdict"
            }
        }
        return nil
    }

    private static func because(_ record: RunRecord) -> String {
        record.reasons.first.map { ": \(InOneLine.text($0))" } ?? ""
    }

    private static func difference(_ old: [String], _ new: [String]) -> String {
        let gone = old.filter { !new.contains($0) }
        let added = new.filter { !old.contains($0) }
        if gone.isEmpty, added.isEmpty { return "the same words in another order" }
        return (gone.prefix(3).map { "without \($0)" } + added.prefix(3).map { "with \($0)" }).joined(separator: ", ")
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The last bytes of a file without the white space behind them.
    private static func tail(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let end = lseek(descriptor, 0, SEEK_END)
        let count = pread(descriptor, &bytes, bytes.count, max(0, end - off_t(bytes.count)))
        guard count >= 0 else { return nil }
        var tail = Array(bytes[0..<count])
        while let last = tail.last, last <= 0x20 { tail.removeLast() }
        return tail
    }
}

extension Leg {
    /// Whether a run that does not count as a performance result serves the leg.
    var acceptsInvalidRun: Bool {
        if case .compliance(let test) = kind { !test.needsValidRun } else { false }
    }
}
