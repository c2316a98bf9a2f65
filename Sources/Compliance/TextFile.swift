internal import Files
internal import Glibc

/// Small text files, whole.
enum TextFile {
    /// A file larger than this is no summary and no configuration.
    static let limit = 16 << 20

    static func read(_ path: String) throws(ComplianceError) -> String {
        // A pipe that nobody writes would block the opening for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ComplianceError(source: path, reason: "is not a regular file")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "cannot be read") }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[0..<count]
        }
        throw ComplianceError(source: path, reason: "has more than \(limit >> 20) MiB: not the file that it should be")
    }

    /// Replaces a file at once: who reads it sees the old content or the new one.
    static func write(_ text: String, to path: String) throws(ComplianceError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(temporary, "cannot be written") }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(temporary, "cannot be written")
                close(descriptor)
                throw error
            }
            done += count
        }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else { throw failure(path, "cannot be written") }
    }

    /// Copies a file of any size.
    static func copy(_ source: String, to target: String) throws(ComplianceError) {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard input >= 0 else { throw failure(source, "cannot be opened") }
        defer { close(input) }
        let temporary = target + ".new"
        let output = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard output >= 0 else { throw failure(temporary, "cannot be written") }
        while true {
            let count = sendfile(output, input, nil, 1 << 30)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let error = failure(temporary, "cannot be written")
                close(output)
                throw error
            }
            if count == 0 { break }
        }
        guard close(output) == 0, rename(temporary, target) == 0 else { throw failure(target, "cannot be written") }
    }

    /// Removes a file, if it is there.
    static func remove(_ path: String) throws(ComplianceError) {
        if unlink(path) != 0, errno != ENOENT { throw failure(path, "cannot be removed") }
    }

    static func makeFolder(_ path: String) throws(ComplianceError) {
        do throws(FileError) {
            try Folder.make(path)
        } catch {
            throw ComplianceError(source: error.path, reason: error.reason)
        }
    }

    private static func failure(_ path: String, _ what: String) -> ComplianceError {
        ComplianceError(source: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }
}
