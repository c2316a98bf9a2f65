/// What keeps a submission from being read or written at all.
public struct SubmissionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, the option or the value.
    public var what: String
    /// What is wrong with it, and what to do.
    public var reason: String

    /// An error from its parts.
    public init(what: String, reason: String) {
        self.what = what
        self.reason = reason
    }

    /// `WHAT: REASON`.
    public var description: String { "\(what): \(reason)" }
}
