import ArgumentParser
import Core
import Glibc

/// `host generate`: what a model says, to look at.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the first samples of a data set with the text that the model generates.",
        usage: "host generate --plugin libNAME.so [settings] [--count N]",
        discussion: "No benchmark: nothing is timed or logged."
    )

    @Option(help: "How many samples.")
    var count = 4

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let configuration = try RunConfiguration(words: words)
            for sample in try GeneratedText(configuration, count: count, console: RunConsole()).samples {
                write("[\(sample.index)] \(sample.prompt)\n", to: STDOUT_FILENO)
                write("  -> \(sample.text)   (\(sample.tokenCount) tokens)\n\n", to: STDOUT_FILENO)
            }
            return .valid
        }
        _exit(status.rawValue)
    }
}
