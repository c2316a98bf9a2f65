internal import Compliance
internal import Core
internal import Glibc

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

    /// The name of the system under test: the machine's, without its domain.
    static func systemName(_ configuration: RunConfiguration) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "system" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.split(separator: ".").first.map(String.init) ?? "system"
    }
}
