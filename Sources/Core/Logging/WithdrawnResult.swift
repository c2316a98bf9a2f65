import Glibc

/// A result that does not count although its closed logs say so.
///
/// The official library knows nothing of a plugin's faults, and some faults show after the logs were closed. Such a run is
/// marked where people and tools look: in words in the summary, and as an error in the detail log.
enum WithdrawnResult {
    /// Marks the logs of a folder.
    static func mark(_ folder: String, because reasons: [String]) {
        guard !reasons.isEmpty else { return }
        if let file = fopen("\(folder)/mlperf_log_summary.txt", "ae") {
            fputs("\nThis result does not count. The host found:\n", file)
            for reason in reasons { fputs(" * \(LogText.oneLine(reason))\n", file) }
            fclose(file)
        }
        if let file = fopen("\(folder)/mlperf_log_detail.txt", "ae") {
            for reason in reasons {
                fputs(
                    ":::MLLOG {\"key\": \"error_runtime\", \"value\": \"\(LogText.oneLine(reason))\", \"time_ms\": 0.000000, "
                        + "\"namespace\": \"mlperf::logging\", \"event_type\": \"POINT_IN_TIME\", \"metadata\": "
                        + "{\"is_error\": true, \"is_warning\": false, \"file\": \"\(#fileID)\", \"line_no\": \(#line), "
                        + "\"pid\": \(getpid()), \"tid\": \(BackgroundThread.currentNumber)}}\n",
                    file
                )
            }
            fclose(file)
        }
    }
}
