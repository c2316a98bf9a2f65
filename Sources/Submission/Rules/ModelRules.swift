/// What a round asks of the results of one model.
public struct ModelRules: Sendable {
    /// Scenarios that a closed submission has to have.
    public struct ScenarioRequirement: Sendable {
        /// Each of these.
        public var all: [MLPerfScenario]
        /// And at least one of these, where there are any; no other scenario may be there.
        public var oneOf: [MLPerfScenario]

        /// A requirement from its parts.
        public init(all: [MLPerfScenario], oneOf: [MLPerfScenario] = []) {
            self.all = all
            self.oneOf = oneOf
        }
    }

    /// Limits of the 99th percentile, in nanoseconds; a latency has to be below them.
    public struct TokenLatencyLimits: Sendable {
        /// Time to the first token.
        public var firstToken: Double
        /// Time for each further token.
        public var perToken: Double

        /// Limits in milliseconds.
        public init(firstTokenMs: Double, perTokenMs: Double) {
            firstToken = firstTokenMs * 1e6
            perToken = perTokenMs * 1e6
        }
    }

    /// A bound of a score.
    public struct AccuracyBound: Sendable {
        /// The score.
        public var metric: ScoredMetric
        /// Its bound.
        public var value: Double

        /// A bound from its parts.
        public init(_ metric: ScoredMetric, _ value: Double) {
            self.metric = metric
            self.value = value
        }
    }

    /// The folder's name in a submission, with the accuracy variant: `llama2-70b-99.9`.
    public var name: String
    /// MLPerf's plain name, as in mlperf.conf: `llama2-70b`.
    public var benchmark: String
    /// Whether latencies are those of tokens.
    public var usesTokenLatencies: Bool
    /// Whether every sample has to be issued equally often in the closed division.
    public var needsEqualIssue: Bool
    /// Scenarios by type of system; a type that is not listed cannot be submitted to the closed division.
    public var scenarios: [SystemType: ScenarioRequirement]
    /// Fewest samples that the performance run may have loaded.
    public var performanceSamples: Int
    /// Samples of the accuracy run, exactly.
    public var accuracySamples: Int
    /// Fewest samples in Offline's query, closed division.
    public var offlineSamplesPerQuery: Int
    /// Fewest queries of scenarios without early stopping.
    public var minQueries: [MLPerfScenario: Int]
    /// Longest latency that early stopping may have been told, in nanoseconds, by LoadGen's scenario.
    public var targetLatency: [MLPerfScenario: Double]
    /// Limits of token latencies.
    public var tokenLimits: [MLPerfScenario: TokenLatencyLimits]
    /// The key of the result by LoadGen's scenario, where it is not the round's usual one.
    public var resultKeys: [MLPerfScenario: String]
    /// Scores that have to be reached; in the order of the official tables.
    public var targets: [AccuracyBound]
    /// Scores that must not be passed, where they are given.
    public var limits: [AccuracyBound]
    /// Compliance tests of each scenario, closed division.
    public var tests: [ComplianceTestRules]
    /// Further files of the accuracy run: folder and names without their type.
    public var accuracyFiles: [(folder: String, names: [String])]
}

/// Kinds of systems that have rules of their own.
public enum SystemType: String, Sendable, CaseIterable {
    /// In a data centre.
    case datacenter
    /// At the edge.
    case edge
    /// Submitted as both.
    case both = "datacenter,edge"

    /// The kind that a system description names; nil for other words.
    public init?(description: String) {
        if description == "edge,datacenter" {
            self = .both
        } else {
            self.init(rawValue: description)
        }
    }

    /// The kind that a user names.
    ///
    /// - Parameter name: `datacenter`, `edge`, or both with a comma.
    /// - Returns: The kind.
    /// - Throws: ``SubmissionError`` for other words.
    public static func named(_ name: String) throws(SubmissionError) -> SystemType {
        guard let type = SystemType(description: name) else {
            throw SubmissionError(
                what: "the type of system \(name)",
                reason: "is none: choose \(allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return type
    }
}
