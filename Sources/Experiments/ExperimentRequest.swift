public import Core

/// What a user asks `host scenarios` for.
public struct ExperimentRequest: Sendable, Equatable {
    /// The words behind the flags.
    public var words: ScenarioWords
    /// The experiment's folder.
    public var folder: String
    /// The division of the submission that it is for.
    public var division = Division.closed
    /// Whether accuracy is left out.
    public var skipsAccuracy = false
    /// Whether performance is left out.
    public var skipsPerformance = false
    /// Whether compliance tests are left out.
    public var skipsCompliance = false

    /// The folder where none is given.
    public static let defaultFolder = "results/experiment"

    /// Everything, in the default folder.
    public init(words: ScenarioWords, folder: String = ExperimentRequest.defaultFolder) {
        self.words = words
        self.folder = folder
    }
}

/// A division of MLPerf Inference.
public enum Division: String, Sendable, CaseIterable {
    /// The reference's model, its accuracy and every compliance test.
    case closed
    /// Any model: no compliance tests, and an accuracy below the target is no fault.
    case open

    /// A division by its name.
    ///
    /// - Throws: `ConfigError` for a name that is none.
    public init(named name: String) throws(ConfigError) {
        guard let division = Division(rawValue: name.lowercased()) else {
            throw ConfigError("\"\(name)\" is neither closed nor open", key: "--division")
        }
        self = division
    }
}
