internal import Glibc

extension ReportPage {
    /// Writes the page; the file appears under its name when it is complete.
    ///
    /// - Parameter path: The file.
    /// - Throws: `ReportError` where the system refuses.
    public func write(to path: String) throws(ReportError) {
        let partial = path + ".partial"
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be created") }
        var rest = Array(html.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                let error = Self.failure(path, "cannot be written")
                close(descriptor)
                unlink(partial)
                throw error
            }
            rest = rest.dropFirst(written)
        }
        guard close(descriptor) == 0, rename(partial, path) == 0 else {
            let error = Self.failure(path, "cannot be written")
            unlink(partial)
            throw error
        }
    }

    private static func failure(_ path: String, _ what: String) -> ReportError {
        ReportError("\(path): \(what): \(String(cString: strerror(errno))); name another file with --output")
    }
}
