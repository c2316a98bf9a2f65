/// What is wrong with a detail log, and where.
public struct DetailLogError: Error, Equatable, Sendable {
    /// Kinds of faults.
    public enum Kind: Sendable, Equatable {
        /// There is no such file, or it cannot be read.
        case unreadable
        /// The file holds no entry.
        case empty
        /// The line is not one of a log: it lacks the mark `:::MLLOG`.
        case foreign
        /// The line lacks the mark and is no UTF-8.
        case notText
        /// The line ends in the middle of an entry.
        case cutOff
        /// The line has the mark, but what follows is no entry.
        case malformed
        /// The entry's value is not of the kind that its key needs.
        case wrongValue
        /// No line has the key.
        case missingKey
    }

    /// The kind.
    public var kind: Kind
    /// The file.
    public var source: String
    /// The line, from 1; nil where the fault is in no single line.
    public var line: Int?
    /// What was found and what was expected.
    public var reason: String

    /// An error from its parts.
    public init(_ kind: Kind, source: String, line: Int? = nil, reason: String) {
        self.kind = kind
        self.source = source
        self.line = line
        self.reason = reason
    }
}

extension DetailLogError: CustomStringConvertible {
    /// `mlperf_log_detail.txt:17: ends in the middle of an entry ...`.
    public var description: String {
        source + (line.map { ":\($0)" } ?? "") + ": " + reason
    }
}
