internal import Glibc

/// Reads a file from its start, in pieces of the caller's choice.
struct FileReader: ~Copyable {
    private let descriptor: CInt
    private let source: String

    init(path: String, source: String) throws(JSONError) {
        self.source = source
        // A pipe that nobody writes would block the opening for ever.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw JSONError(source: source, path: "", reason: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw JSONError(source: source, path: "", reason: "is not a regular file")
        }
    }

    deinit { close(descriptor) }

    /// Appends up to `count` bytes to `buffer`; false at the end of the file.
    func read(_ count: Int, into buffer: inout [UInt8]) throws(JSONError) -> Bool {
        let start = buffer.count
        buffer += repeatElement(0, count: count)
        var received = -1
        var code: CInt = 0
        repeat {
            received = buffer.withUnsafeMutableBytes { bytes in
                Glibc.read(descriptor, bytes.baseAddress.map { $0 + start }, count)
            }
            code = errno
        } while received < 0 && code == EINTR
        buffer.removeLast(count - max(received, 0))
        guard received >= 0 else {
            throw JSONError(source: source, path: "", reason: "cannot be read: \(String(cString: strerror(code)))")
        }
        return received > 0
    }
}

extension JSON {
    /// Reads and parses a file strictly; see `init(parsing:source:)`.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    /// - Throws: `JSONError` when the file cannot be read or is not valid JSON.
    public init(contentsOfFile path: String, source: String? = nil) throws(JSONError) {
        let reader = try FileReader(path: path, source: source ?? path)
        var bytes: [UInt8] = []
        while try reader.read(1 << 20, into: &bytes) {
            guard bytes.count < Int32.max else { break }
        }
        try self.init(parsing: bytes, source: source ?? path)
    }
}
