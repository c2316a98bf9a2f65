import ArgumentParser
import Core
import Glibc

/// `host conform`: whether a plugin keeps the contract's rules.
struct Conform: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tests a plugin against the contract's numbered rules, each in a process of its own.",
        usage: "host conform --plugin libNAME.so [settings] [--only RULE] [--json] [--in-process]",
        discussion: """
            Settings are those of a run: a model and a data set let more rules be tested.  A rule that cannot be tested \
            is shown as skip, which is no pass.  Exit status: 0 no rule is broken, 3 a rule is broken.
            """
    )

    @Flag(help: "Prints JSON.")
    var json = false

    @Flag(help: "Runs the rules in this process, for a debugger.")
    var inProcess = false

    @Option(help: "Tests one rule (MLP-S03, S03) or one group (S).")
    var only: String?

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let configuration = ConformanceConfiguration(try RunConfiguration(words: words), words: words)
            let runner = ConformanceRunner(configuration: configuration, inProcess: inProcess)
            let findings = runner.run(try ConformanceRunner.rules(only: only)) { finding in
                if !json { write(ConformanceReport.line(finding) + "\n", to: STDOUT_FILENO) }
            }
            let report = ConformanceReport(plugin: configuration.plugin, findings: findings)
            write(json ? report.json + "\n" : "\n" + report.summary + "\n", to: STDOUT_FILENO)
            return report.isConformant ? .valid : .pluginFault
        }
        _exit(status.rawValue)
    }
}
