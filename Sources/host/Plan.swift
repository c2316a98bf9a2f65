import ArgumentParser
import Core
import Glibc

/// `host plan`: what a run would do, without running it.
struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a run would load and issue, and when, without running it.",
        usage: """
            host plan --plugin libNAME.so [settings] [--audit-conf FILE] [--json]
            host plan --qsl TOTAL,PERFORMANCE --scenario S [--model M] [--user-conf FILE] [settings] [--json]
            host plan --settings FILE.json [--qsl TOTAL,PERFORMANCE] [--json]
            """,
        discussion: """
            --json prints effective settings and every query of every phase with the names of the recordings of the \
            official LoadGen (effective, runs, index, sched_ns, ...), in full.  A settings file holds an object with \
            LoadGen's own names (scenario, mode, server_target_qps, ...); what it lacks has the official default.
            """
    )

    @Flag(help: "Prints JSON.")
    var json = false

    @Option(
        help: ArgumentHelp("Samples in the library and samples that it loads at once.", valueName: "total,performance")
    )
    var qsl: String?

    @Option(help: "A JSON file with LoadGen's settings.")
    var settings: String?

    @Option(help: "A compliance test's audit.config, over the settings.")
    var auditConf: String?

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let console = RunConsole()
            let request = try PlanRequest(library: qsl, settingsFile: settings, auditFile: auditConf, words: words)
            let (plan, notes) = try request.plan(console: console)
            for note in notes { console.note(note) }
            if json {
                plan.writeJSON { write($0, to: STDOUT_FILENO) }
            } else {
                write(PlanReport(plan).text, to: STDOUT_FILENO)
            }
            return .valid
        }
        _exit(status.rawValue)
    }
}
