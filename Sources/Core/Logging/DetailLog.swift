import Glibc
import Synchronization

/// `mlperf_log_detail.txt`: one `:::MLLOG` line per entry, in the official form.
///
/// Entries are written by the thread that runs the test, before and after its timed part, never within it.
final class DetailLog: Sendable {
    private struct State {
        var errors: UInt64 = 0
        var warnings: UInt64 = 0
        var problems: [LogMessage] = []
        var isClosed = false
    }

    /// How many errors and warnings are kept for the report.
    private static let keptProblems = 32

    private let file: LogFile
    private let origin: Int64
    private let pid = getpid()
    private let state = Mutex(State())

    init(path: String) throws {
        file = try LogFile(path: path)
        origin = MonotonicClock.now()
    }

    var failure: String? { file.failure.map { "\(file.path): \($0)" } }
    var errors: UInt64 { state.withLock { $0.errors } }
    var warnings: UInt64 { state.withLock { $0.warnings } }
    /// The first errors and warnings.
    var problems: [LogMessage] { state.withLock { $0.problems } }

    func entry(
        _ key: String,
        _ value: LogValue,
        severity: LogMessage.Severity = .information,
        file source: String = #fileID,
        line: Int = #line
    ) {
        let time = MonotonicClock.now() - origin
        let fraction = "\(time % 1_000_000)"
        let digits = String(repeating: "0", count: 6 - fraction.count) + fraction
        let text =
            ":::MLLOG {\"key\": \"\(key)\", \"value\": \(value.json), \"time_ms\": \(time / 1_000_000).\(digits), "
            + "\"namespace\": \"mlperf::logging\", \"event_type\": \"POINT_IN_TIME\", \"metadata\": {\"is_error\": "
            + "\(severity == .error), \"is_warning\": \(severity == .warning), \"file\": \"\(source)\", \"line_no\": "
            + "\(line), \"pid\": \(pid), \"tid\": \(BackgroundThread.currentNumber)}}\n"
        state.withLock { state in
            guard !state.isClosed else { return }
            switch severity {
            case .information: break
            case .warning: state.warnings += 1
            case .error: state.errors += 1
            }
            if severity != .information, state.problems.count < Self.keptProblems, case .text(let words) = value {
                state.problems.append(LogMessage(key: key, text: words, severity: severity))
            }
            file.append(text)
        }
    }

    func entry(_ message: LogMessage, file source: String = #fileID, line: Int = #line) {
        entry(message.key, .text(message.text), severity: message.severity, file: source, line: line)
    }

    func flush() {
        file.flush()
    }

    /// Closes the file; later entries are dropped.
    func finish() {
        state.withLock { state in
            state.isClosed = true
            file.finish()
        }
    }
}
