internal import JSON
internal import RunRecords

/// What a detail log says to the official checker: the first entry of each key.
struct JudgedLog {
    /// The log's path in the tree.
    let path: String
    private(set) var values: [String: JSON] = [:]
    /// Errors that the run reported: the first few, and how many.
    private(set) var errors: [String] = []
    private(set) var errorCount = 0
    /// Whether a line lacks the metadata that every check of errors reads.
    private(set) var lacksMetadata = false
    /// Why the official checker cannot read the log; it then stops and judges nothing.
    private(set) var unreadable: String?
    /// Lines that it passes over.
    private(set) var foreignLines: [String] = []

    private static let kept = 3

    /// Reads a log that exists.
    init(_ files: SubmissionFiles, path: String) {
        self.path = path
        do throws(DetailLogError) {
            var reader = try DetailLogReader(path: files.full(path), source: path)
            var isFirst = true
            while true {
                do {
                    guard let entry = try reader.next() else { break }
                    if isFirst, entry.line != 1 { refuse("line 1 is empty") }
                    add(entry)
                } catch {
                    guard error.kind != .unreadable else { throw error }
                    note(error)
                }
                isFirst = false
            }
        } catch {
            refuse(error.reason)
        }
    }

    private mutating func add(_ entry: DetailLogEntry) {
        if !entry.isOfficiallyReadable {
            refuse("line \(entry.line) (\(entry.key)) is no JSON: its value is written as JSON does not allow")
        }
        if values[entry.key] == nil { values[entry.key] = entry.value }
        if !entry.hasMetadata { lacksMetadata = true }
        guard entry.isError else { return }
        errorCount += 1
        if errors.count < Self.kept { errors.append("\(entry.key): \(entry.string ?? entry.value.text())") }
    }

    private mutating func note(_ error: DetailLogError) {
        let place = error.line.map { "line \($0) " } ?? ""
        // Only the first line has to carry the mark.
        if error.kind == .foreign, error.line != 1 {
            if foreignLines.count < Self.kept { foreignLines.append(place + error.reason) }
        } else {
            refuse(place + error.reason)
        }
    }

    private mutating func refuse(_ reason: String) {
        if unreadable == nil { unreadable = reason }
    }

    subscript(key: String) -> JSON? { values[key] }
    func number(_ key: String) -> Double? { values[key]?.comparable }
    func text(_ key: String) -> String? { values[key]?.asText }
    /// The value as findings show it.
    func shown(_ key: String) -> String { values[key]?.text() ?? "no entry \(key)" }
}
