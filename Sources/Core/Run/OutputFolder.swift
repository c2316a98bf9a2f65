import Glibc

/// The folder that a run writes to, made and tried before anything expensive begins.
enum OutputFolder {
    /// A path by which two names of one folder are told to be the same.
    static func canonical(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

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

    /// Adds to a summary that says VALID what was found when it had been written.
    static func withdraw(_ result: RunResult, because faults: [PluginFault]) {
        if result.official != nil, let path = result.logFiles.first, let slash = path.lastIndex(of: "/") {
            return OfficialLogs.withdraw(String(path[..<slash]), because: faults.map(\.description))
        }
        for path in result.logFiles where path.hasSuffix("mlperf_log_summary.txt") {
            guard let file = fopen(path, "ae") else { continue }
            defer { fclose(file) }
            fputs("\nThis result does not count: after the run the host found a fault of the plugin.\n", file)
            for fault in faults { fputs(" * \(fault)\n", file) }
        }
    }
}
