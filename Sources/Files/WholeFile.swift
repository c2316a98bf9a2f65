internal import Glibc

/// Files that are read and written as one.
public enum WholeFile {
    /// Whether there is a file, a link to one or anything else under a name.
    public static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The bytes of a file.
    ///
    /// - Throws: `FileError` when it is no regular file or cannot be read.
    public static func read(_ path: String) throws(FileError) -> [UInt8] {
        // A pipe that nobody writes would block the opening for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, reason: "is not a regular file")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(path, "cannot be read") }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Writes a file under another name, brings it to the disk and gives it its name: there is either all of it or
    /// nothing.
    ///
    /// - Parameters:
    ///   - bytes: What it holds.
    ///   - path: The file; one that is there is replaced.
    ///   - isShared: Whether other processes may write it at the same time. If not, what a killed process left is
    ///     written over.
    /// - Throws: `FileError` when the system refuses.
    public static func write(
        _ bytes: UnsafeRawBufferPointer,
        to path: String,
        isShared: Bool = false
    ) throws(FileError) {
        let partial = isShared ? "\(path).\(getpid()).partial" : "\(path).partial"
        guard let file = fopen(partial, "we") else { throw FileError(partial, "cannot be written") }
        let written = fwrite(bytes.baseAddress, 1, bytes.count, file)
        let isFlushed = fflush(file) == 0 && fsync(fileno(file)) == 0
        let isClosed = fclose(file) == 0
        guard written == bytes.count, isFlushed, isClosed, rename(partial, path) == 0 else {
            let error = FileError(path, "cannot be written")
            unlink(partial)
            throw error
        }
    }

    /// Writes a text in the same way.
    ///
    /// - Parameters:
    ///   - text: What the file holds.
    ///   - path: The file; one that is there is replaced.
    ///   - isShared: Whether other processes may write it at the same time.
    /// - Throws: `FileError` when the system refuses.
    public static func write(_ text: String, to path: String, isShared: Bool = false) throws(FileError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write(bytes, to: path, isShared: isShared) }
        }
        try result.get()
    }
}
