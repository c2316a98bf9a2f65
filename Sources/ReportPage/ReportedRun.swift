internal import Glibc
internal import JSON
internal import RunRecords

/// Everything that the page says of one run.
struct ReportedRun: Sendable {
    /// How the run ended, for a badge.
    enum Verdict: String, Sendable {
        case valid = "VALID"
        case invalid = "INVALID"
        case accuracy = "ACCURACY"
        case noResult = "NO RESULT"
        case pluginFault = "PLUGIN FAULT"
        case failed = "FAILED"

        /// Whether a reader may take the numbers for a result.
        var isGood: Bool { self == .valid || self == .accuracy }
    }

    /// The folder as it was found.
    var folder: String
    /// `A`, `B`, … in the order of the page.
    var label = ""
    /// The colour of its curves and its letter: its place among the runs that it is compared with.
    var colour = 0
    var record: RunRecord?
    var log: DetailLogContents?
    /// Text of accuracy.txt.
    var accuracy: String?
    var series: RunSeries?
    /// What is missing or odd, a sentence each.
    var notes: [String] = []

    /// Longest text file that is shown.
    private static let longestText = 64 << 10

    /// Reads a folder; whatever is missing or broken becomes a note.
    init(folder: String) {
        self.folder = folder
        readRecord()
        readLog()
        accuracy = Self.text("\(folder)/accuracy.txt")
        readSamples()
    }

    private mutating func readRecord() {
        guard Self.exists("\(folder)/\(RunRecord.fileName)") else {
            notes.append("There is no run.json: plugin, command line, options and system are not known.")
            return
        }
        do {
            record = try RunRecord(folder: folder)
        } catch {
            notes.append("run.json cannot be read: \(error)")
        }
    }

    private mutating func readLog() {
        let path = "\(folder)/\(DetailLogReader.fileName)"
        guard Self.exists(path) else {
            notes.append("There is no \(DetailLogReader.fileName), so there are no results to show.")
            return
        }
        do {
            var faults: [DetailLogError] = []
            log = try DetailLogContents(path: path, faults: &faults)
            for fault in faults.prefix(3) { notes.append("\(fault)") }
            if faults.count > 3 { notes.append("\(path): \(faults.count - 3) more lines cannot be read.") }
        } catch {
            notes.append("\(error)")
        }
    }

    private mutating func readSamples() {
        let path = "\(folder)/\(SampleTimes.fileName)"
        guard !isAccuracyRun else { return }
        guard Self.exists(path) else {
            notes.append(
                "There is no \(SampleTimes.fileName), so there are tables and no charts: it is written by the host at the "
                    + "end of a performance run, and LoadGen's own logs hold no times of single samples."
            )
            return
        }
        do {
            let times = try SampleTimes(path: path)
            let rules = RunSeries.Rules(
                usesTokenLatencies: usesTokenLatencies,
                target: targetShare ?? times.share("target_latency_percentile") ?? 0.99,
                latencyLimit: latencyLimit,
                firstTokenLimit: firstTokenLimit,
                outputTokenLimit: outputTokenLimit
            )
            let series = try RunSeries(times, rules: rules)
            if let obstacle = disagreement(with: series, scenario: times.header.scenario) {
                notes.append("\(SampleTimes.fileName) is left out: \(obstacle)")
            } else {
                self.series = series
            }
        } catch {
            notes.append("There are no charts: \(error)")
        }
    }

    /// Why the times cannot be those of the logs; nil where they agree.
    ///
    /// An official engine measures for itself, a little apart from the host in front of it.
    private func disagreement(with series: RunSeries, scenario: String) -> String? {
        guard let log else { return nil }
        if let logged = log.last("effective_scenario")?.string, logged != scenario {
            return "it is of a run of \(scenario), the logs are of \(logged)"
        }
        guard let longest = log.last("result_max_latency_ns")?.double else { return nil }
        let own = Double(series.latency.most)
        let allowed = max(5e6, longest * 0.05)
        guard abs(own - longest) > allowed else { return nil }
        return
            "its longest latency is \(Quantity.duration(own)), that of the log \(Quantity.duration(longest)); it belongs "
            + "to another run"
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: longestText)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension SampleTimes {
    /// A share that the file states; nil where it states none between 0 and 1.
    fileprivate func share(_ name: String) -> Double? {
        guard let value = header.texts[name].flatMap({ Double($0) }), value > 0, value < 1 else { return nil }
        return value
    }
}
