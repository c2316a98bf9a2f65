/// Why there is no report.
public struct ReportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened, where, and what to do next.
    public var description: String

    /// An error in words.
    public init(_ description: String) { self.description = description }
}
