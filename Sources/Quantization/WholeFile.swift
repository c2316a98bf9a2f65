internal import Glibc

/// Writes small files so that there is either all of one or nothing.
public enum WholeFile {
    /// Writes a file under another name, brings it to the disk and gives it its name.
    ///
    /// - Parameters:
    ///   - text: What it holds.
    ///   - path: The file.
    /// - Throws: `QuantizationError` when the system refuses.
    public static func write(_ text: String, to path: String) throws(QuantizationError) {
        let partial = path + ".partial"
        guard let file = fopen(partial, "we") else { throw failure(partial) }
        let bytes = Array(text.utf8)
        let written = fwrite(bytes, 1, bytes.count, file)
        let isFlushed = fflush(file) == 0 && fsync(fileno(file)) == 0
        let isClosed = fclose(file) == 0
        guard written == bytes.count, isFlushed, isClosed, rename(partial, path) == 0 else {
            let fault = failure(partial)
            unlink(partial)
            throw fault
        }
    }

    private static func failure(_ path: String) -> QuantizationError {
        QuantizationError(file: path, reason: "cannot be written: \(String(cString: strerror(errno)))")
    }
}
