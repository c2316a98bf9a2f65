import Synchronization

/// `mlperf_log_trace.json`: when each sample was due, issued and complete, in the form that Chrome's trace viewer reads.
///
/// The official file holds the times of the library's own functions as well; here are the samples, which is what there is to
/// see of a system under test.  It is written when a phase is over, from what the ledger holds.
final class TraceLog: Sendable {
    private let file: LogFile
    private let origin: Int64
    private let wallOrigin: WallClock

    init(path: String) throws {
        file = try LogFile(path: path)
        origin = MonotonicClock.now()
        wallOrigin = WallClock.now()
        file.append("{\"traceEvents\":[\n")
    }

    var failure: String? { file.failure.map { "\(file.path): \($0)" } }

    /// Appends one pair of events for each sample that was answered, in the order of issue.
    func append(_ phase: LedgerPhase, firstQueryID: UInt64, issued: Int, pid: Int32) {
        for slot in 0..<min(issued, phase.count) {
            let entry = phase.slots + slot
            guard entry.pointee.state.load(ordering: .acquiring) & SlotState.complete != 0, entry.pointee.latency >= 0
            else { continue }
            let query = phase.query(of: slot)
            let number = phase.firstSampleID + UInt64(slot)
            let due = phase.scheduled[query]
            let latency = entry.pointee.latency
            let head = "{\"name\":\"Sample\",\"cat\":\"default\",\"ph\":"
            let facts =
                "\"sample_seq\":\(number),\"query_seq\":\(firstQueryID + UInt64(query)),"
                + "\"sample_idx\":\(phase.samples[slot].index),\"issue_start_ns\":\(phase.issued[query] - due),"
                + "\"complete_ns\":\(latency)"
            // The blank in the second line is the official one's.
            file.append(
                "\(head)\"b\",\"pid\":\(pid),\"id\":\(number),\"ts\":\(microseconds(due)),\"args\":{\(facts)}},\n"
                    + "\(head)\"e\", \"pid\":\(pid),\"id\":\(number),\"ts\":\(microseconds(due + latency))},\n"
            )
        }
    }

    /// Writes the end and closes the file.
    func finish() {
        file.append(
            "{\"name\":\"LastTrace\"}\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{\n\"ts\":"
                + "\(Self.thousandths(wallOrigin.nanosecondsSinceEpoch)),\n\"version\":\"MLPerf LoadGen v1.0\"\n}\n}\n"
        )
        file.finish()
    }

    private func microseconds(_ time: Int64) -> String { Self.thousandths(time - origin) }

    /// Nanoseconds as microseconds with three digits behind the point.
    private static func thousandths(_ nanoseconds: Int64) -> String {
        let fraction = "\(abs(nanoseconds % 1000))"
        let sign = nanoseconds < 0 && nanoseconds > -1000 ? "-" : ""
        return "\(sign)\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
