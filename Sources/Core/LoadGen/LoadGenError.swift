/// Why a test could not be planned or run.
public enum LoadGenError: Error, Sendable, CustomStringConvertible {
    /// A setting has a value with which no test can be run.
    case invalidSetting(name: String, value: String, reason: String)
    /// The settings lead to a plan without a single query.
    case emptyPlan(reason: String)
    /// The plan is too large to be held.
    case planTooLarge(reason: String)
    /// A log file could not be written.
    case logFile(path: String, reason: String)
    /// A configuration file could not be read.
    case configurationFile(path: String, reason: String)
    /// The engine that was asked for cannot be had.
    case engine(reason: String)
    /// The run object was used out of order.
    case wrongState(String)

    /// What happened, where, and what to do next.
    public var description: String {
        switch self {
        case .invalidSetting(let name, let value, let reason):
            "setting \(name) = \(value): \(reason)"
        case .emptyPlan(let reason):
            "the settings generate no query at all: \(reason)"
        case .planTooLarge(let reason):
            "the settings generate too many queries: \(reason)"
        case .logFile(let path, let reason):
            "cannot write the log file \(path): \(reason)"
        case .configurationFile(let path, let reason):
            "cannot read the configuration file \(path): \(reason)"
        case .engine(let reason), .wrongState(let reason):
            reason
        }
    }
}
