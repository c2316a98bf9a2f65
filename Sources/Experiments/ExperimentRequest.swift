internal import Core

/// What a user asks `host scenarios` for.
public struct ExperimentRequest: Sendable, Equatable {
    /// The words behind the flags.
    public var words: ScenarioWords
    /// The experiment's folder.
    public var folder: String
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
