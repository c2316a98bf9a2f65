import Glibc
import PluginAPI

/// What the plugin asks of the file system itself.
enum FileSystem {
    /// Whether there is a file or folder at a path.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether there is a folder at a path.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The whole of a regular file.
    ///
    /// - Throws: `PluginError` with the path and the system's reason.
    static func contents(of path: String) throws -> [UInt8] {
        func failure(_ what: String) -> PluginError {
            PluginError(.ioError, "\(path): \(what): \(String(cString: strerror(errno)))")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw PluginError(.ioError, "\(path): is not a regular file") }
        let size = Int(status.st_size)
        var failed: PluginError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let received = read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                if received < 0 && errno == EINTR { continue }
                if received < 0 { failed = failure("cannot be read") }
                if received <= 0 { break }
                count += received
            }
        }
        if let failed { throw failed }
        return bytes
    }
}
