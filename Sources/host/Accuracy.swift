import ArgumentParser
import Core
import Glibc

/// `host accuracy`: the score of an accuracy log.
struct Accuracy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scores mlperf_log_accuracy.json through the plugin and writes accuracy.txt beside it.",
        usage: """
            host accuracy --plugin libNAME.so [settings] [--log FILE | --run FOLDER] [--truncate --backup FOLDER] [--json]
            """,
        discussion: """
            Settings are those of the run; neither weights nor a device is needed.  accuracy.txt ends with the SHA-256 of \
            the log.  --truncate then shortens the log as a submission wants it; the full one goes to --backup, since \
            MLCommons may ask for it.  Exit status: 0 every target is met, 2 a target is missed, 64 a log or data set \
            that cannot be scored.
            """
    )

    @Option(help: "The log.")
    var log: String?

    @Option(
        name: .customLong("run"),
        help: "Folder of the run that wrote the log.  Default: harness_config.output_log_dir."
    )
    var folder: String?

    @Flag(help: "Leaves 4 KiB of each end of the log.")
    var truncate = false

    @Option(help: "Folder for the full log.")
    var backup: String?

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func validate() throws {
        if truncate != (backup != nil) { throw ValidationError("--truncate and --backup FOLDER belong together") }
    }

    func run() throws {
        let status = reportingErrors {
            let configuration = try RunConfiguration(words: words)
            let log = try AccuracyScoring.log(log, run: folder, output: configuration.outputLogDir)
            let outcome = try AccuracyScoring(configuration, console: RunConsole())
                .score(log, truncatingInto: backup)
            write(json ? AccuracyTable(outcome).json + "\n" : AccuracyTable(outcome).text, to: STDOUT_FILENO)
            return outcome.passed ? .valid : .invalid
        }
        _exit(status.rawValue)
    }
}
