internal import Glibc
internal import RunRecords

/// Finds the folders of runs.
enum RunTree {
    /// Files of which each makes a folder a run's.
    static let marks = ["mlperf_log_detail.txt", "mlperf_log_summary.txt", RunRecord.fileName]
    private static let depth = 12

    /// The folder itself if it is a run's, and every folder below it that is one, in order of their names.
    ///
    /// Links to folders are not followed, so that no run appears twice (`latest`) and no circle is walked.
    ///
    /// - Parameter folder: Where to look.
    /// - Returns: Paths that begin with `folder`.
    /// - Throws: `ReportError` where the folder cannot be read.
    static func runs(in folder: String) throws(ReportError) -> [String] {
        guard let names = names(in: folder) else {
            throw ReportError(
                "\(folder): \(String(cString: strerror(errno))); name the folder of a run or one above it"
            )
        }
        var found: [String] = []
        search(folder, names, depth: 0, &found)
        return found
    }

    private static func search(_ folder: String, _ names: [String], depth: Int, _ found: inout [String]) {
        if names.contains(where: marks.contains) { found.append(folder) }
        guard depth < Self.depth else { return }
        for name in names where !name.hasPrefix(".") {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            guard let inner = Self.names(in: path) else { continue }
            search(path, inner, depth: depth + 1, &found)
        }
    }

    private static func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
