import Glibc
import RunRecords

/// Leaves `samples.safetensors` in a run's folder, from which `host report` draws its charts.
struct SampleTimesRecord: Sendable {
    /// The run's folder.
    let folder: String
    /// Runs of more samples leave no file.
    var limit = SampleTimes.usualLimit

    /// Writes the file.
    ///
    /// A run's result does not depend on it, so nothing is thrown.
    ///
    /// - Parameter times: What the ledger holds.
    /// - Returns: Why there is no file, as a sentence; nil where there is one.
    func write(_ times: IssuedSampleTimes) -> String? {
        let path = "\(folder)/\(SampleTimes.fileName)"
        // One of an earlier run in this folder would be taken for this run's.
        unlink(path)
        guard times.sampleCount <= limit else {
            return "\(SampleTimes.fileName) is left out: the run has \(times.sampleCount) samples, more than \(limit)"
        }
        do {
            try times.write(to: path)
            return nil
        } catch {
            return "\(SampleTimes.fileName) is left out: \(error)"
        }
    }
}
