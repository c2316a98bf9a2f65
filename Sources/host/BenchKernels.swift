import ArgumentParser
import Core
import Glibc
import JSON

/// `host bench kernels`: a plugin's kernels at the shapes that it names.
struct BenchKernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Times a plugin's kernels at the shapes that it names, against the device's copy bandwidth.",
        usage: "host bench kernels --plugin libNAME.so [settings] [--only KERNEL] [--examples] [--json]",
        discussion: """
            Settings are those of a run: the plugin, its model if it needs one, --device. Nothing of the model is loaded.
            """
    )

    @Option(help: "Times one kernel.")
    var only: String?

    @Flag(help: "Times the worked examples, which are small, in place of the benchmarks.")
    var examples = false

    @Option(help: "Repetitions, in milliseconds.")
    var rep = 200.0

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let bench = KernelBench(
                try RunConfiguration(words: words),
                only: only,
                examples: examples,
                timing: try DoBench(checkedWarmup: 30, repetitions: rep, counts: false),
                console: RunConsole()
            )
            let report = try bench.run()
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
