import Glibc
import RunRecords

/// The latency of every sample of a performance run as text, for a spreadsheet.
///
/// Columns: `sample` (in the order of issue), `index` (in the data set), `latency_ns`, `ttft_ns`, `tpot_ns`, `tokens`.  A latency
/// counts from when the query was due; a sample without an answer has no latency, one without tokens no others.  The time per
/// output token is that of LoadGen: what follows the first token, over the tokens that follow it.
enum SampleLatencyFile {
    /// Writes the file.
    ///
    /// - Parameters:
    ///   - path: The file; an earlier one is replaced.
    ///   - times: What the ledger holds.
    /// - Returns: Why there is none, as a sentence; nil where there is one.
    static func write(to path: String, _ times: IssuedSampleTimes) -> String? {
        guard let file = fopen(path, "we") else { return "\(path) is left out: \(String(cString: strerror(errno)))" }
        var isWritten = fputs("sample,index,latency_ns,ttft_ns,tpot_ns,tokens\n", file) >= 0
        for row in 0..<times.sampleCount where isWritten {
            let scheduled = times.value(.scheduled, row / times.header.samplesPerQuery)
            let completed = times.value(.completed, row)
            let first = times.value(.firstToken, row)
            let tokens = times.value(.tokens, row)
            let latency = completed < 0 ? "" : "\(completed - scheduled)"
            let toFirst = first < 0 ? "" : "\(first - scheduled)"
            let perToken = first < 0 || completed < 0 || tokens < 2 ? "" : "\((completed - first) / (tokens - 1))"
            let index = times.value(.libraryIndex, row)
            isWritten = fputs("\(row),\(index),\(latency),\(toFirst),\(perToken),\(tokens)\n", file) >= 0
        }
        isWritten = fflush(file) == 0 && isWritten
        let reason = String(cString: strerror(errno))
        fclose(file)
        return isWritten ? nil : "\(path) is not complete: \(reason)"
    }
}
