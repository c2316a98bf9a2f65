import ArgumentParser
import Core

/// The command line.
///
/// Each subcommand is a file of its own, with no logic beyond reading and printing.
@main
struct Host: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Runs MLPerf workloads that are plugins.",
        usage: """
            host --plugin libNAME.so [--config-path DIR --config-name NAME] [key=value ...]
            host <subcommand> ...
            """,
        discussion: """
            Exit status: 0 valid result, 2 invalid result, 3 the plugin failed, 64 wrong input, 1 anything else.
            """,
        version: podiumVersion,
        subcommands: [
            Run.self, Plan.self, Accuracy.self, Generate.self, Describe.self, Conform.self, Report.self, Audit.self,
            Scenarios.self, SubmissionCommand.self, Manifest.self, Quantize.self, Devices.self, KernelsCommand.self,
            Bench.self, RunPluginProcess.self, RunConformanceRule.self, RunCompilerProcess.self,
        ],
        defaultSubcommand: Run.self
    )
}
