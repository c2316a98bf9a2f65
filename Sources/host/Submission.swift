import ArgumentParser
import Core
import Glibc
import JSON
import Submission

/// `host submission`: a tree that MLCommons' submission checker accepts.
struct SubmissionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submission",
        abstract: "Prepares and checks a submission's tree.",
        subcommands: [CheckSubmission.self]
    )
}

/// `host submission check`: what the official checker would reject, before it does.
struct CheckSubmission: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Explains what MLCommons' submission checker would reject in a tree, and what a review would.",
        usage: "host submission check TREE [--round v6.0] [--json]",
        discussion: "Exit status: 0 the official checker would accept the tree, 2 it would reject it."
    )

    @Option(help: "The round whose rules hold.")
    var round = "v6.0"

    @Flag(help: "Prints JSON.")
    var json = false

    @Option(help: "The folder that holds closed/ or open/.")
    var input: String?

    @Argument(help: "The same, without the option's name.")
    var tree: String?

    func run() throws {
        let status = reportingInput {
            guard let folder = input ?? tree, input == nil || tree == nil else {
                throw SubmissionError(what: "host submission check", reason: "needs one tree: name its folder")
            }
            let report = try SubmissionCheck.run(tree: folder, rules: RoundRules.named(round))
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return report.isAccepted ? .valid : .invalid
        }
        _exit(status.rawValue)
    }
}

/// Runs `body`; what keeps a submission from being read or written is wrong input.
private func reportingInput(_ body: () throws -> RunStatus) -> RunStatus {
    reportingErrors {
        do {
            return try body()
        } catch let error as SubmissionError {
            write("error: \(error)\n", to: STDERR_FILENO)
            return .usage
        }
    }
}
