internal import Glibc

/// Reads a whole regular file of at most `TokenizerLimits.fileBytes` bytes.
func readTokenizerFile(_ path: String) throws -> [UInt8] {
    func failure(_ problem: String) -> TokenizerError {
        TokenizerError(source: path, problem: problem, advice: "check the model folder")
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("cannot be opened: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("fstat: \(String(cString: strerror(errno)))") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is not a regular file") }
    guard status.st_size <= TokenizerLimits.fileBytes else {
        throw failure("has \(status.st_size) bytes, more than \(TokenizerLimits.fileBytes)")
    }
    let size = Int(status.st_size)
    var code: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
            let received = read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
            if received < 0, errno == EINTR { continue }
            if received < 0 { code = errno }
            if received <= 0 { break }
            count += received
        }
    }
    guard code == 0 else { throw failure("cannot be read: \(String(cString: strerror(code)))") }
    guard bytes.count == size else { throw failure("ends after \(bytes.count) of \(size) bytes") }
    return bytes
}

/// Whether something exists at `path`.
func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
}
