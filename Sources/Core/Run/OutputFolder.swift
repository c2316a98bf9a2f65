import Files
import Glibc
import JSON
import RunRecords

/// The folder that a run writes to, made and tried before anything expensive begins.
enum OutputFolder {
    /// What a folder holds, as far as a new run is concerned.
    enum State {
        /// Nothing that a run left, or a run that never came to a result.
        case free
        /// A result.
        case result
        /// A run that goes on.
        case inUse
    }

    /// Where `debug_dump_model_output` writes unless told otherwise.
    static let modelOutput = "model_output.jsonl"
    /// Where `debug_record_sample_latencies` writes unless told otherwise.
    static let sampleLatencies = "samples_latency_data.csv"

    /// Every file that a run and what scores it may leave there.
    static let files = [
        "mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json", "mlperf_log_trace.json",
        RunRecord.fileName, SampleTimes.fileName, "accuracy.txt", modelOutput, sampleLatencies,
    ]

    /// Makes the folder, keeps other runs out of it and removes what an earlier run left.
    ///
    /// - Parameter path: The folder.
    /// - Returns: What keeps others out; it must live as long as the run.
    /// - Throws: `LoadGenError.logFile`, and `ConfigError` where another process writes to it.
    static func prepare(_ path: String) throws -> FolderLock {
        do throws(FileError) {
            try Folder.make(path)
        } catch {
            throw LoadGenError.logFile(path: error.path, reason: error.reason)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw LoadGenError.logFile(path: path, reason: String(cString: strerror(errno)))
        }
        guard let lock = FolderLock(path) else { throw inUse(path) }
        for file in files where unlink("\(path)/\(file)") != 0 && errno != ENOENT {
            throw LoadGenError.logFile(path: "\(path)/\(file)", reason: String(cString: strerror(errno)))
        }
        return lock
    }

    /// A path by which two names of one folder are told to be the same.
    static func canonical(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// What a folder holds.
    static func state(_ path: String) -> State {
        guard access(path, F_OK) == 0 else { return .free }
        guard FolderLock(path) != nil else { return .inUse }
        if let record = try? RunRecord(folder: path) {
            return record.status == .failed || record.status == .running ? .free : .result
        }
        return files.contains { access("\(path)/\($0)", F_OK) == 0 } ? .result : .free
    }

    static func inUse(_ path: String) -> ConfigError {
        ConfigError(
            "another process writes its run to \(path); wait for it, or give another folder",
            key: ConfigKey.outputLogDir.name
        )
    }

    /// Adds to logs that say VALID what was found when they had been written.
    static func withdraw(_ result: RunResult, because faults: [PluginFault]) {
        guard let path = result.logFiles.first, let slash = path.lastIndex(of: "/") else { return }
        WithdrawnResult.mark(String(path[..<slash]), because: faults.map(\.description))
    }
}

/// Keeps other processes out of a folder as long as it lives; a process's end lifts it.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; nil where another holds.
    ///
    /// A file system that knows no locks counts as one without.
    ///
    /// - Parameter path: A folder.
    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            return nil
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
