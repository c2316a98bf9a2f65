internal import Compliance
internal import Core

/// Where an experiment's results lie: `FOLDER/<system>/<benchmark>/<Scenario>/{performance/run_1,accuracy,TESTnn}`.
struct ExperimentTree: Sendable, Equatable {
    /// The experiment's folder.
    var folder: String
    /// Name of the system.
    var system: String
    /// MLPerf's name of the benchmark, or the id of a workload that is none.
    var benchmark: String

    /// The folder of a scenario.
    func scenario(_ scenario: RequestedScenario) -> String {
        "\(folder)/\(system)/\(benchmark)/\(scenario.rawValue)"
    }

    /// The folder of the performance run.
    func performance(_ scenario: RequestedScenario) -> String { "\(self.scenario(scenario))/performance/run_1" }

    /// The folder of the accuracy run.
    func accuracy(_ scenario: RequestedScenario) -> String { "\(self.scenario(scenario))/accuracy" }

    /// The folder of a compliance test.
    func compliance(_ test: ComplianceTest, _ scenario: RequestedScenario) -> String {
        "\(self.scenario(scenario))/\(test.rawValue)"
    }

    /// The name of the system under test, as runs file their results under it.
    static func systemName(_ configuration: RunConfiguration) -> String {
        configuration.systemName.map(ResultsFolder.fileName) ?? ResultsFolder.machineName()
    }
}
