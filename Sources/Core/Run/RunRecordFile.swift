import Glibc
import JSON
import RunRecords
import Synchronization

/// Keeps `run.json` in a run's folder: written when the run begins and once more when it has ended.
final class RunRecordFile: Sendable {
    private struct State {
        var record: RunRecord
        var isFinished = false
    }

    private let path: String
    private let state: Mutex<State>

    /// - Parameters:
    ///   - folder: The run's folder, which is there.
    ///   - record: What is known of the run; its start is set here.
    init(folder: String, _ record: RunRecord) {
        path = "\(folder)/\(RunRecord.fileName)"
        var record = record
        record.status = .running
        record.started = WallClock.now().iso8601
        state = Mutex(State(record: record))
    }

    /// The record as it stands.
    var record: RunRecord { state.withLock { $0.record } }

    /// Writes the record of a run that goes on.
    ///
    /// - Parameter change: Adds what has become known.
    /// - Throws: `LoadGenError.logFile`: a folder that does not take this file does not take the logs either.
    func update(_ change: (inout RunRecord) -> Void) throws(LoadGenError) {
        let failure = state.withLock { state -> String? in
            guard !state.isFinished else { return nil }
            change(&state.record)
            return write(state.record)
        }
        if let failure { throw .logFile(path: path, reason: failure) }
    }

    /// Writes the end; only the first call does, since a hanging run's end is written by the thread that noticed it.
    ///
    /// - Parameters:
    ///   - status: How the run ended.
    ///   - reasons: Why it does not count, a sentence each.
    ///   - change: Adds what has become known.
    /// - Returns: Why it could not be written; nil if it was.
    @discardableResult
    func finish(
        _ status: RunRecord.Status,
        reasons: [String],
        _ change: (inout RunRecord) -> Void = { _ in }
    ) -> String? {
        state.withLock { state in
            guard !state.isFinished else { return nil }
            state.isFinished = true
            change(&state.record)
            state.record.status = status
            state.record.reasons = reasons
            state.record.ended = WallClock.now().iso8601
            return write(state.record).map { "\(path) could not be written: \($0)" }
        }
    }

    /// Replaces the file in one step, so that a reader finds the old record or the new one.
    private func write(_ record: RunRecord) -> String? {
        let temporary = "\(path).\(getpid()).tmp"
        guard let file = fopen(temporary, "we") else { return String(cString: strerror(errno)) }
        var isWritten = fputs(record.json.text(pretty: true) + "\n", file) >= 0
        isWritten = fflush(file) == 0 && isWritten
        let failure = isWritten ? nil : String(cString: strerror(errno))
        fclose(file)
        if failure == nil, rename(temporary, path) == 0 { return nil }
        let reason = failure ?? String(cString: strerror(errno))
        unlink(temporary)
        return reason
    }
}

extension RunRecord.Status {
    /// The status that a record gives a run.
    init(_ status: RunStatus) {
        self =
            switch status {
            case .valid: .valid
            case .invalid: .invalid
            case .pluginFault: .pluginFault
            case .failed, .usage: .failed
            }
    }
}
