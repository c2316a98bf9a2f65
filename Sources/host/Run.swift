import ArgumentParser
import Core
import Glibc

/// `host --plugin P ...`: one benchmark run.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a benchmark (the default).",
        discussion: """
            Settings are words, `key=value`, `--key value` or `--key=value`; dashes and underscores are equal.  Words \
            override the file that --config-path and --config-name name; options of the workload are \
            `model_config.NAME`, and `host describe --plugin P` lists them.  All keys:

            \(ConfigReference.listing)
            """
    )

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let run = try BenchmarkRun(words: words, console: RunConsole())
            let outcome = try run.execute { outcome in
                write(RunReport(outcome).text, to: STDOUT_FILENO)
                _exit(outcome.status.rawValue)
            }
            write(RunReport(outcome).text, to: STDOUT_FILENO)
            return outcome.status
        }
        // A plugin's threads may still run; leaving without unwinding keeps them from crashing a finished run.
        _exit(status.rawValue)
    }
}
