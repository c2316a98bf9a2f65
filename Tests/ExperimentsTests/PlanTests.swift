import Compliance
import Core
import Testing

@testable import Experiments

@Suite("Planning an experiment")
struct PlanTests {
    private func plan(
        _ words: [String],
        benchmark: String?,
        _ change: (inout ExperimentRequest) -> Void = { _ in }
    ) throws -> ExperimentPlan {
        var request = ExperimentRequest(words: ScenarioWords(words), folder: "out/e")
        change(&request)
        return try ExperimentPlan(request) { _ in ExperimentPlan.Workload(benchmark: benchmark, id: "some.id") }
    }

    private func names(_ plan: ExperimentPlan) -> [String] {
        plan.legs.map { "\($0.scenario.rawValue) \($0.kind.name)" }
    }

    /// The required scenarios and tests are those of the submission checker's tables.
    @Test(
        "A benchmark's scenarios and compliance tests are the round's",
        arguments: [
            ("llama2-70b", ["Offline", "Server"], ["TEST06"]),
            ("gpt-oss-120b", ["Offline", "Server"], ["TEST07", "TEST09"]),
            ("wan-2.2-t2v-a14b", ["Offline", "SingleStream"], ["TEST04"]),
        ]
    )
    func required(benchmark: String, scenarios: [String], tests: [String]) throws {
        let expected = scenarios.flatMap { scenario in
            (["accuracy", "performance"] + tests).map { "\(scenario) \($0)" }
        }
        #expect(names(try plan(["plugin=x"], benchmark: benchmark)) == expected)
    }

    @Test("The legs are those asked for")
    func chosen() throws {
        let words = ["plugin=x", "Interactive", "Offline"]
        #expect(
            names(try plan(words, benchmark: "llama2-70b") { $0.skipsAccuracy = true })
                == ["Interactive performance", "Interactive TEST06", "Offline performance", "Offline TEST06"]
        )
        #expect(
            names(try plan(words, benchmark: nil) { $0.skipsPerformance = true })
                == ["Interactive accuracy", "Offline accuracy"]
        )
        #expect(throws: ExperimentError.self) {
            try plan(words, benchmark: nil) { ($0.skipsAccuracy, $0.skipsPerformance) = (true, true) }
        }
    }

    @Test("Folders and commands are those of the tree of results")
    func commands() throws {
        let words = ["plugin=x", "Server", "Server:harness_config.target_qps=5", "Offline:threads=3"]
        let legs = try plan(words, benchmark: "gpt-oss-120b").legs
        let machine = legs[0].folder.split(separator: "/")[2]
        let folder = "out/e/\(machine)/gpt-oss-120b/Server"
        #expect(
            legs.map(\.folder) == ["accuracy", "performance/run_1", "TEST07", "TEST09"].map { "\(folder)/\($0)" }
        )
        #expect(
            legs[1].steps.map(\.command.words) == [
                [
                    "plugin=x", "harness_config.target_qps=5", "scenario=Server", "test_mode=performance",
                    "harness_config.output_log_dir=\(folder)/performance/run_1",
                ]
            ]
        )
        #expect(legs[0].steps.map(\.purpose) == [.run, .score])
        #expect(legs[2].steps[0].command.words.prefix(3) == ["audit", "--test", "TEST07"])
        #expect(legs[2].runFolder == "\(folder)/TEST07/performance/run_1")
        #expect(legs[2].runWords.contains("harness_config.audit_conf_path=\(folder)/TEST07/audit.config"))
    }

    @Test("Words that no run would take are refused before anything is run")
    func wrongWords() {
        #expect(throws: ConfigError.self) {
            try plan(["plugin=x", "Offline", "Server:no_such_key=1", "Server"], benchmark: nil)
        }
        #expect(throws: ConfigError.self) { try plan(["Offline"], benchmark: nil) }
    }
}
