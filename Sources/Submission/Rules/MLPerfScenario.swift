/// A scenario as users and submissions name it.
///
/// An Interactive run is a Server run for LoadGen, with limits of its own.
public enum MLPerfScenario: String, Sendable, CaseIterable {
    /// All samples at once.
    case offline = "Offline"
    /// Queries at random times.
    case server = "Server"
    /// Queries at random times, with shorter limits.
    case interactive = "Interactive"
    /// One sample after the other.
    case singleStream = "SingleStream"
    /// One query of several samples after the other.
    case multiStream = "MultiStream"

    /// The scenario of a folder's name, whatever its case; nil for other names.
    ///
    /// - Parameter folder: The name.
    public init?(folder: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == folder.lowercased() }) else {
            return nil
        }
        self = found
    }

    /// The name that LoadGen writes as `effective_scenario`.
    public var loadGenName: String { self == .interactive ? MLPerfScenario.server.rawValue : rawValue }
}
