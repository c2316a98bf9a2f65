internal import Glibc

/// Files and folders of an experiment.
enum ExperimentFiles {
    /// Whether a folder holds a run's summary.
    static func hasSummary(_ folder: String) -> Bool {
        access("\(folder)/mlperf_log_summary.txt", R_OK) == 0
    }
}
