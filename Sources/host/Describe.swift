import ArgumentParser
import Core
import Glibc

/// `host describe`: what a plugin is, without running it.
struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows a plugin's workloads and options; with --model also its tensors, kernels and extensions.",
        usage: "host describe --plugin libNAME.so [--model DIR] [--dataset FILE] [--json]",
        discussion: "Touches no device and reads no tensor data."
    )

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let description = try PluginDescription(try RunConfiguration(words: words), console: RunConsole())
            write(json ? try description.json() + "\n" : try description.text(), to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
