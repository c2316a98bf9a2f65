internal import JSON

/// A whole detail log, its entries found by key.
///
/// A key may occur several times: a log of a peak search has results for each try, a `SubmissionRun` has an accuracy
/// part and a performance part.  The official tools take the first occurrence; so does everything here that does not
/// say otherwise.
public struct DetailLogContents: Sendable {
    /// Which of several entries with one key is meant.
    public enum Occurrence: Sendable {
        /// The first, which the official checker reads.
        case first
        /// The last, which holds the result of a run of several parts.
        case last
    }

    /// What the file is called in errors.
    public let source: String
    /// The entries, in the order of the file.
    public private(set) var entries: [DetailLogEntry] = []

    private var places: [String: [Int]] = [:]

    /// Entries that were read elsewhere.
    ///
    /// - Parameters:
    ///   - entries: The entries in order.
    ///   - source: What to call the file in errors.
    public init(entries: [DetailLogEntry], source: String) {
        self.source = source
        for entry in entries { append(entry) }
    }

    /// Reads a log that has to be whole.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    /// - Throws: `DetailLogError` for a file that is missing or empty and for the first line that is no entry.
    public init(path: String, source: String? = nil) throws(DetailLogError) {
        var faults: [DetailLogError] = []
        try self.init(path: path, source: source, stopsAtFault: true, faults: &faults)
        if let fault = faults.first { throw fault }
    }

    /// Reads the log of a run's folder, which has to be whole.
    ///
    /// - Parameter folder: The run's folder.
    /// - Throws: `DetailLogError`.
    public init(folder: String) throws(DetailLogError) {
        try self.init(path: "\(folder)/\(DetailLogReader.fileName)")
    }

    /// Reads what can be read of a log.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    ///   - faults: Receives an error for each line that is no entry.
    /// - Throws: `DetailLogError` for a file that is missing, cannot be read or has no line.
    public init(path: String, source: String? = nil, faults: inout [DetailLogError]) throws(DetailLogError) {
        try self.init(path: path, source: source, stopsAtFault: false, faults: &faults)
    }

    private init(
        path: String,
        source: String?,
        stopsAtFault: Bool,
        faults: inout [DetailLogError]
    ) throws(DetailLogError) {
        var reader = try DetailLogReader(path: path, source: source)
        self.source = reader.source
        while true {
            do {
                guard let entry = try reader.next() else { break }
                append(entry)
            } catch {
                guard error.kind != .unreadable else { throw error }
                faults.append(error)
                if stopsAtFault { return }
            }
        }
        guard !entries.isEmpty || !faults.isEmpty else {
            throw DetailLogError(.empty, source: self.source, reason: "is empty: the run wrote nothing")
        }
    }

    private mutating func append(_ entry: DetailLogEntry) {
        places[entry.key, default: []].append(entries.count)
        entries.append(entry)
    }
}

extension DetailLogContents {
    /// All entries with a key, in order.
    public func all(_ key: String) -> [DetailLogEntry] {
        (places[key] ?? []).map { entries[$0] }
    }

    /// The first entry with a key; nil if there is none.
    public func first(_ key: String) -> DetailLogEntry? {
        places[key]?.first.map { entries[$0] }
    }

    /// The last entry with a key; nil if there is none.
    public func last(_ key: String) -> DetailLogEntry? {
        places[key]?.last.map { entries[$0] }
    }

    /// The entry with a key that is meant; nil if there is none.
    public func entry(_ key: String, _ occurrence: Occurrence = .first) -> DetailLogEntry? {
        switch occurrence {
        case .first: first(key)
        case .last: last(key)
        }
    }

    /// The entry of a key that has to be there.
    ///
    /// - Throws: `DetailLogError` with the key.
    public func required(_ key: String, _ occurrence: Occurrence = .first) throws(DetailLogError) -> DetailLogEntry {
        guard let entry = entry(key, occurrence) else {
            throw DetailLogError(.missingKey, source: source, reason: "has no entry \(key)")
        }
        return entry
    }

    /// A number; nil if no entry has the key.
    ///
    /// - Throws: `DetailLogError` where the value is no number.
    public func double(_ key: String, _ occurrence: Occurrence = .first) throws(DetailLogError) -> Double? {
        try value(key, occurrence, "a number", \.double)
    }

    /// A whole number of at least 0, with all 64 bits; nil if no entry has the key.
    ///
    /// - Throws: `DetailLogError` where the value is none.
    public func uint64(_ key: String, _ occurrence: Occurrence = .first) throws(DetailLogError) -> UInt64? {
        try value(key, occurrence, "an integer from 0 to \(UInt64.max)", \.uint64)
    }

    /// A truth value; nil if no entry has the key.
    ///
    /// - Throws: `DetailLogError` where the value is none.
    public func bool(_ key: String, _ occurrence: Occurrence = .first) throws(DetailLogError) -> Bool? {
        try value(key, occurrence, "true or false", \.bool)
    }

    /// A text; nil if no entry has the key.
    ///
    /// - Throws: `DetailLogError` where the value is none.
    public func string(_ key: String, _ occurrence: Occurrence = .first) throws(DetailLogError) -> String? {
        try value(key, occurrence, "a text", \.string)
    }

    private func value<T>(
        _ key: String,
        _ occurrence: Occurrence,
        _ expected: String,
        _ path: (DetailLogEntry) -> T?
    ) throws(DetailLogError) -> T? {
        guard let entry = entry(key, occurrence) else { return nil }
        guard let value = path(entry) else {
            throw DetailLogError(
                .wrongValue,
                source: source,
                line: entry.line,
                reason: "\(key): expected \(expected), found \(entry.value.text())"
            )
        }
        return value
    }
}
