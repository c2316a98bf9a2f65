/// One entry of the detail log that is not tied to a moment of the run.
public struct LogMessage: Sendable, Equatable {
    /// How the official tools count an entry.
    public enum Severity: Sendable, Equatable {
        /// Plain information.
        case information
        /// Counted as a warning.
        case warning
        /// Counted as an error.
        case error
    }

    /// The entry's key, such as `error_runtime`.
    public var key: String
    /// The entry's text.
    public var text: String
    /// How it counts.
    public var severity: Severity

    /// - Parameters:
    ///   - key: The entry's key.
    ///   - text: The entry's text.
    ///   - severity: How it counts.
    public init(key: String, text: String, severity: Severity = .information) {
        self.key = key
        self.text = text
        self.severity = severity
    }

    static func error(_ key: String, _ text: String) -> Self {
        Self(key: key, text: text, severity: .error)
    }

    static func warning(_ text: String) -> Self {
        Self(key: "warning_generic_message", text: text, severity: .warning)
    }
}
