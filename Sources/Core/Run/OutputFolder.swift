import Glibc

/// The folder that a run writes to, made and tried before anything expensive begins.
enum OutputFolder {
    static func prepare(_ path: String) throws {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && !part.isEmpty ? String(part) : "/\(part)"
            if part.isEmpty || made == "/" { continue }
            if mkdir(made, 0o777) != 0, errno != EEXIST {
                throw LoadGenError.logFile(path: made, reason: String(cString: strerror(errno)))
            }
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw LoadGenError.logFile(path: path, reason: String(cString: strerror(errno)))
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw LoadGenError.logFile(path: path, reason: "it is not a folder")
        }
    }

    /// The text of a small file, or nil with errno set.
    static func text(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while bytes.count < 1 << 22 {
            let got = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                let got = fread(base, 1, 1 << 16, file)
                bytes.append(contentsOf: UnsafeRawBufferPointer(buffer)[..<got])
                return got
            }
            if got == 0 { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func sentences(_ messages: [LogMessage]) -> String {
        messages.isEmpty ? "it cannot be used" : messages.map { $0.text }.joined(separator: "; ")
    }
}
