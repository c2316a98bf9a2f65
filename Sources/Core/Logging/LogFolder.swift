import Glibc

/// The folder that takes a run's logs.
enum LogFolder {
    /// Makes the folder and its parents, and checks that files can be made in it.
    static func create(_ path: String) throws {
        guard !path.isEmpty else {
            throw LoadGenError.logFile(path: "\"\"", reason: "the output folder has no name")
        }
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += (prefix.isEmpty || prefix.hasSuffix("/") ? "" : "/") + part
            if mkdir(prefix, 0o755) != 0 && errno != EEXIST {
                throw LoadGenError.logFile(path: prefix, reason: String(cString: strerror(errno)))
            }
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw LoadGenError.logFile(path: path, reason: String(cString: strerror(errno)))
        }
    }
}
