internal import Compliance
public import Core

/// The legs of an experiment, in the order in which they are run.
public struct ExperimentPlan: Sendable, Equatable {
    /// The legs.
    public let legs: [Leg]
    /// The experiment's folder.
    public let folder: String
    /// The division that it is for.
    public let division: Division

    /// What a plan has to know of the plugin's workload.
    public struct Workload: Sendable, Equatable {
        /// MLPerf's name of the benchmark; nil if the workload is none.
        public var benchmark: String?
        /// The id.
        public var id: String

        /// A workload from its names.
        public init(benchmark: String?, id: String) {
            self.benchmark = benchmark
            self.id = id
        }
    }

    /// Plans an experiment.
    ///
    /// - Parameters:
    ///   - request: What is asked for.
    ///   - workload: Looks into the plugin that a configuration names.
    /// - Throws: `ConfigError` for words that no run would take, `ExperimentError` where nothing is left to do, and what
    ///   `workload` throws.
    public init(_ request: ExperimentRequest, workload: (RunConfiguration) throws -> Workload) throws {
        folder = request.folder
        division = request.division
        var scenarios = request.words.scenarios
        var found: [(scenario: RequestedScenario, words: [String], configuration: RunConfiguration)] = []
        if scenarios.isEmpty {
            let words = request.words.settings(for: .offline)
            let configuration = try RunConfiguration(words: words + ["scenario=Offline"])
            scenarios = RequiredLegs.scenarios(
                of: Self.benchmark(configuration, try workload(configuration)),
                round: configuration.round.rawValue
            )
        }
        for scenario in scenarios {
            let words = request.words.settings(for: scenario)
            found.append((scenario, words, try RunConfiguration(words: words + ["scenario=\(scenario.rawValue)"])))
        }
        var legs: [Leg] = []
        for (scenario, words, configuration) in found {
            let workload = try workload(configuration)
            let tree = ExperimentTree(
                folder: request.folder,
                system: ExperimentTree.systemName(configuration),
                benchmark: Self.benchmark(configuration, workload) ?? workload.id
            )
            let planner = LegPlanner(tree: tree, scenario: scenario, words: words, configuration: configuration)
            if !request.skipsAccuracy { legs.append(planner.accuracy) }
            if !request.skipsPerformance { legs.append(planner.performance) }
            guard !request.skipsCompliance, request.division == .closed else { continue }
            let round = configuration.round.rawValue
            let tests = RequiredLegs.tests(of: Self.benchmark(configuration, workload), round: round)
            legs += tests.map { planner.compliance($0) }
        }
        guard !legs.isEmpty else {
            throw ExperimentError("nothing is left to do: accuracy, performance and compliance are all left out")
        }
        self.legs = legs
    }

    private static func benchmark(_ configuration: RunConfiguration, _ workload: Workload) -> String? {
        configuration.benchmark ?? workload.benchmark
    }
}

/// Makes the legs of one scenario.
struct LegPlanner {
    let tree: ExperimentTree
    let scenario: RequestedScenario
    let words: [String]
    let configuration: RunConfiguration

    var accuracy: Leg {
        let folder = tree.accuracy(scenario)
        let run = runWords(mode: "accuracy", folder: folder)
        return leg(
            .accuracy,
            folder,
            [
                .init(purpose: .run, command: HostCommand(run)),
                .init(purpose: .score, command: HostCommand(ScoringCommand.words(run: run))),
            ],
            run
        )
    }

    var performance: Leg {
        let folder = tree.performance(scenario)
        let run = runWords(mode: "performance", folder: folder)
        return leg(.performance, folder, [.init(purpose: .run, command: HostCommand(run))], run)
    }

    func compliance(_ test: ComplianceTest) -> Leg {
        let folder = tree.compliance(test, scenario)
        let audit =
            ["audit", "--test", test.rawValue] + words + ["scenario=\(scenario.rawValue)", "--output", folder]
            + (test.needsPerformanceReference ? ["--reference", tree.performance(scenario)] : [])
        return leg(
            .compliance(test),
            folder,
            [.init(purpose: .audit, command: HostCommand(audit))],
            AuditRun.runWords(words: words + ["scenario=\(scenario.rawValue)"], test: test, folder: folder)
        )
    }

    private func runWords(mode: String, folder: String) -> [String] {
        words + ["scenario=\(scenario.rawValue)", "test_mode=\(mode)", "harness_config.output_log_dir=\(folder)"]
    }

    private func leg(_ kind: Leg.Kind, _ folder: String, _ steps: [Leg.Step], _ runWords: [String]) -> Leg {
        Leg(
            scenario: scenario,
            kind: kind,
            folder: folder,
            steps: steps,
            runWords: runWords,
            configurationFiles: [
                configuration.configFile, configuration.userConfPath, configuration.mlperfConfPath,
            ].compactMap { $0 }
        )
    }
}
