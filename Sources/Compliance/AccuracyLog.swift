internal import RunRecords

/// The accuracy log of a test's run, response by response.
enum AccuracyLog {
    /// Hands over the entries of a run's accuracy log, one at a time.
    ///
    /// - Throws: `ComplianceError` for a log that is missing, cut off, undecodable or without entries.
    static func forEachResponse(
        in run: String,
        _ body: (AccuracyLogEntry) -> Void
    ) throws(ComplianceError) {
        let path = "\(run)/\(AccuracyLogReader.fileName)"
        var count = 0
        do {
            var log = try AccuracyLogReader(path: path)
            while let entry = try log.next() {
                body(entry)
                count += 1
            }
        } catch {
            var place = ""
            if let entry = error.entry, entry > 0 { place = "entry \(entry), byte \(error.offset): " }
            throw ComplianceError(source: path, reason: place + error.reason)
        }
        if count == 0 { throw ComplianceError(source: path, reason: "has no entries: nothing was logged to verify") }
    }
}
