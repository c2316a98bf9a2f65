internal import JSON
internal import RunRecords

/// One scenario's results in an experiment.
struct ExperimentScenario {
    /// The system's folder in the experiment.
    var system: String
    /// The benchmark's folder.
    var benchmark: String
    var scenario: MLPerfScenario
    /// Path below the experiment.
    var path: String
    var performance: ExperimentRun
    var accuracy: ExperimentRun
    /// Compliance tests that have a folder, by name.
    var tests: [String]
}

/// A run's folder with what its files say.
struct ExperimentRun {
    var path: String
    var record: RunRecord?
    var log: JudgedLog?
}

/// The results that are found below an experiment's folder.
struct Experiment {
    let files: SubmissionFiles
    private(set) var scenarios: [ExperimentScenario] = []
    private(set) var obstacles: [Obstacle] = []

    init(folder: String) throws(SubmissionError) {
        files = SubmissionFiles(root: folder)
        guard files.kind(".") == .folder else {
            throw SubmissionError(what: folder, reason: "is no folder; name the one that host scenarios wrote")
        }
        for system in files.folders(in: ".") where !files.isLink(system) {
            for benchmark in files.folders(in: system) {
                for name in files.folders(in: "\(system)/\(benchmark)") {
                    guard let scenario = MLPerfScenario(rawValue: name) else { continue }
                    read(system, benchmark, scenario)
                }
            }
        }
        guard !scenarios.isEmpty else {
            throw SubmissionError(
                what: folder,
                reason: "holds no results: expected SYSTEM/BENCHMARK/SCENARIO/{performance/run_1,accuracy}"
            )
        }
    }

    private mutating func read(_ system: String, _ benchmark: String, _ scenario: MLPerfScenario) {
        let path = "\(system)/\(benchmark)/\(scenario.rawValue)"
        scenarios.append(
            ExperimentScenario(
                system: system,
                benchmark: benchmark,
                scenario: scenario,
                path: path,
                performance: run("\(path)/performance/run_1"),
                accuracy: run("\(path)/accuracy"),
                tests: files.folders(in: path).filter { $0.hasPrefix("TEST") }
            )
        )
    }

    private mutating func run(_ path: String) -> ExperimentRun {
        var run = ExperimentRun(path: path)
        guard files.kind(path) == .folder else {
            obstacles.append(Obstacle(.missing, path, "there is no such run; run the scenario"))
            return run
        }
        do {
            run.record = try RunRecord(folder: files.full(path))
        } catch {
            obstacles.append(Obstacle(.missing, "\(path)/\(RunRecord.fileName)", error.reason))
        }
        let log = "\(path)/mlperf_log_detail.txt"
        if files.kind(log) == .file {
            run.log = JudgedLog(files, path: log)
            if let reason = run.log?.unreadable { obstacles.append(Obstacle(.missing, log, "\(reason); run it again")) }
        } else {
            obstacles.append(Obstacle(.missing, log, "there is no such file; run it again"))
        }
        if files.kind("\(path)/mlperf_log_summary.txt") != .file {
            obstacles.append(
                Obstacle(.missing, "\(path)/mlperf_log_summary.txt", "there is no such file; run it again")
            )
        }
        return run
    }
}
