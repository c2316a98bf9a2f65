import ArgumentParser
import Core
import Experiments
import Glibc
import JSON

/// `host scenarios`: accuracy, performance and compliance of several scenarios.
struct Scenarios: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs accuracy, performance and compliance tests of several scenarios.",
        usage: "host scenarios --plugin libNAME.so [Offline] [Server] [Interactive] [SingleStream] [settings]",
        discussion: """
            Every part is a command of its own, which --dry-run shows.  Results lie in \
            DIR/<system>/<benchmark>/<Scenario>/{performance/run_1,accuracy,TESTnn}; what is there already with the same \
            settings is kept, and what is missing, cut off or INVALID is run again.  The link `latest` beside DIR leads to \
            it.

            In a setting, {scenario} stands for the scenario's name in small letters, as in --config-name demo_{scenario}; \
            a setting for one scenario alone begins with its name, as in Server:harness_config.target_qps=300.  Without \
            scenarios, those that MLPerf asks of the benchmark are run.  Exit status 0: everything is OK.
            """
    )

    @Option(name: .customLong("experiment"), help: "Folder of the results, made or gone on with.")
    var experiment: String = ExperimentRequest.defaultFolder

    @Option(help: "closed or open; open has no compliance tests, and an accuracy below the target is no fault.")
    var division: String = Division.closed.rawValue

    @Flag(help: "Shows the commands and what is done already; runs nothing.")
    var dryRun = false

    @Flag(help: "Leaves out compliance tests.")
    var skipCompliance = false

    @Flag(help: "Leaves out accuracy.")
    var skipAccuracy = false

    @Flag(help: "Leaves out performance.")
    var skipPerformance = false

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Scenarios and settings.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            var request = ExperimentRequest(words: ScenarioWords(words), folder: experiment)
            request.division = try Division(named: division)
            request.skipsAccuracy = skipAccuracy
            request.skipsPerformance = skipPerformance
            request.skipsCompliance = skipCompliance
            let console = RunConsole()
            let plan = try ExperimentPlan(request) { try ExperimentPlan.Workload($0, console: console) }
            let planned = ScenarioExperiment(plan, console: console)
            if dryRun {
                write(planned.dryRun(program: CommandLine.arguments.first ?? "host"), to: STDOUT_FILENO)
                return .valid
            }
            let report = planned.run()
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return report.status
        }
        _exit(status.rawValue)
    }
}
