/// What keeps a compliance test from being judged: a file that is missing, cut off or no log.
public struct ComplianceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, or what else is wrong.
    public var source: String
    /// What is wrong with it and what to do.
    public var reason: String

    /// An error about a file.
    public init(source: String, reason: String) {
        self.source = source
        self.reason = reason
    }

    /// `PATH: what is wrong`.
    public var description: String { "\(source): \(reason)" }
}
