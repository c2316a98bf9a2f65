public import Compliance
public import Core

/// One part of a scenario's results: the accuracy run and its score, the performance run, or a compliance test.
public struct Leg: Sendable, Equatable {
    /// What is measured.
    public enum Kind: Sendable, Equatable {
        /// Every sample once, scored.
        case accuracy
        /// The scenario's schedule, timed.
        case performance
        /// A compliance test.
        case compliance(ComplianceTest)

        /// `accuracy`, `performance`, `TEST06`.
        public var name: String {
            switch self {
            case .accuracy: "accuracy"
            case .performance: "performance"
            case .compliance(let test): test.rawValue
            }
        }
    }

    /// A command of a leg.
    public struct Step: Sendable, Equatable {
        /// What it does.
        public enum Purpose: Sendable, Equatable {
            /// A run of the benchmark.
            case run
            /// Scoring the accuracy log.
            case score
            /// A compliance test: its run and its verification.
            case audit
        }

        /// What it does.
        public var purpose: Purpose
        /// The command.
        public var command: HostCommand
    }

    /// The scenario.
    public var scenario: RequestedScenario
    /// What is measured.
    public var kind: Kind
    /// Where its results lie: `.../Offline/performance/run_1`, `.../Offline/accuracy`, `.../Offline/TEST06`.
    public var folder: String
    /// What is to be done for it, in order.
    public var steps: [Step]
    /// The words that the record of its run has to show.
    public var runWords: [String]
    /// Files whose content decides what is run: configuration and conf files.
    public var configurationFiles: [String]

    /// The folder with LoadGen's logs.
    public var runFolder: String {
        if case .compliance = kind { "\(folder)/\(VerdictFolder.runFolder)" } else { folder }
    }
}
