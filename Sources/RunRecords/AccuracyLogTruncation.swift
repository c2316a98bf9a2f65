internal import Files
internal import Glibc

/// Shortens an accuracy log for a submission, as MLCommons' `truncate_accuracy_log.py` does.
///
/// The hash of the full log must be in `accuracy.txt` before.
public enum AccuracyLogTruncation {
    /// Bytes that are kept of each end.
    public static let viewableSize = 4096
    /// The largest log that the submission checker takes, in bytes.
    public static let largestLog = 10 * 1024
    /// What stands between the two ends.
    static let gap = "\n\n...\n\n"

    /// Keeps a copy of a log elsewhere.
    ///
    /// - Parameters:
    ///   - path: The log.
    ///   - folder: Where the copy goes, under the log's name; made if it is not there.
    /// - Returns: The copy.
    /// - Throws: ``AccuracyLogError`` when there is such a file already or it cannot be written.
    public static func backUp(_ path: String, in folder: String) throws(AccuracyLogError) -> String {
        let copy = folder + "/" + AccuracyLogReader.fileName
        do throws(FileError) {
            try Folder.make(folder)
        } catch {
            throw AccuracyLogError(path: error.path, entry: nil, offset: 0, reason: error.reason)
        }
        let source = try opened(path, O_RDONLY)
        defer { close(source) }
        let target = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard target >= 0 else {
            throw failure(
                copy,
                errno == EEXIST ? "a backup is not overwritten; choose another folder" : "cannot be made"
            )
        }
        defer { close(target) }
        while true {
            let bytes = try read(source, 1 << 20, path)
            if bytes.isEmpty { break }
            try write(bytes, to: target, copy)
        }
        guard fsync(target) == 0 else { throw failure(copy, "cannot be written") }
        return copy
    }

    /// Leaves 4 KiB of each end; a log shorter than 4 KiB stays as it is.
    ///
    /// As with the official script, a log of less than 8 KiB shows its middle twice.
    ///
    /// - Parameter path: The log.
    /// - Throws: ``AccuracyLogError`` when it cannot be read or written.
    public static func truncate(_ path: String) throws(AccuracyLogError) {
        let file = try opened(path, O_RDWR)
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(path, "cannot be examined") }
        let size = Int(status.st_size)
        if size < viewableSize { return }
        let head = try read(file, viewableSize, path)
        guard lseek(file, size - viewableSize, SEEK_SET) >= 0 else { throw failure(path, "cannot be read") }
        let tail = try read(file, viewableSize, path)
        guard lseek(file, 0, SEEK_SET) == 0, ftruncate(file, 0) == 0 else { throw failure(path, "cannot be written") }
        try write(head + Array(gap.utf8) + tail, to: file, path)
    }

    private static func failure(_ path: String, _ what: String) -> AccuracyLogError {
        let reason = "\(what): \(String(cString: strerror(errno)))"
        return AccuracyLogError(path: path, entry: nil, offset: 0, reason: reason)
    }

    private static func opened(_ path: String, _ mode: CInt) throws(AccuracyLogError) -> CInt {
        let file = open(path, mode | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure(path, "cannot be opened") }
        return file
    }

    /// Up to `count` bytes, fewer only at the end of the file.
    private static func read(_ file: CInt, _ count: Int, _ path: String) throws(AccuracyLogError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let received = Glibc.read(file, buffer.baseAddress.map { $0 + filled }, count - filled)
                if received < 0 && errno == EINTR { continue }
                failed = received < 0
                if received <= 0 { break }
                filled += received
            }
        }
        if failed { throw failure(path, "cannot be read") }
        return bytes
    }

    private static func write(_ bytes: [UInt8], to file: CInt, _ path: String) throws(AccuracyLogError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure(path, "cannot be written") }
            written += count
        }
    }
}
