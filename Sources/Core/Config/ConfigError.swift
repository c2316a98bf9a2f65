/// What is wrong with the configuration of a run, and where.
public struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Who can mend it; decides the exit code.
    public enum Fault: Sendable {
        /// The user, in a file or on the command line.
        case usage
        /// The author of the plugin: its declaration of options is wrong.
        case plugin
    }

    /// Who can mend it.
    public var fault: Fault
    /// Where it was written; nil when something is missing.
    public var origin: ConfigOrigin?
    /// The dotted key; nil when the fault is in the text as such.
    public var key: String?
    /// What was expected, what was found, what to do.
    public var reason: String

    /// - Parameters:
    ///   - reason: What was expected, what was found, what to do.
    ///   - key: The dotted key, nil when the fault is in the text as such.
    ///   - origin: Where it was written, nil when something is missing.
    ///   - fault: Who can mend it.
    public init(_ reason: String, key: String? = nil, origin: ConfigOrigin? = nil, fault: Fault = .usage) {
        self.fault = fault
        self.origin = origin
        self.key = key
        self.reason = reason
    }

    /// `configs/offline.yaml:12: harness_config.target_qps: expected a number, found 'fast'`.
    public var description: String {
        [origin?.description, key?.shortened(to: 120), reason].compactMap(\.self).joined(separator: ": ")
    }
}
