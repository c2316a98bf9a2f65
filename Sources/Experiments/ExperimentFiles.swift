internal import Glibc

/// Files and folders of an experiment.
enum ExperimentFiles {
    /// Whether a folder holds a run's summary.
    static func hasSummary(_ folder: String) -> Bool {
        access("\(folder)/mlperf_log_summary.txt", R_OK) == 0
    }

    /// The folder that a path lies in.
    static func parent(of path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        while parts.last?.isEmpty == true { parts.removeLast() }
        guard parts.count > 1 else { return path.hasPrefix("/") ? "/" : "." }
        return parts.dropLast().joined(separator: "/")
    }

    /// Makes a folder with all that it lies in.
    static func makeFolder(_ path: String) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made == "/" ? "" : "/") + part
            mkdir(made, 0o777)
        }
    }
}
