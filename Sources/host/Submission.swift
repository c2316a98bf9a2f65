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
        subcommands: [PrepareSubmission.self, CheckSubmission.self]
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

/// `host submission prepare`: from an experiment's results to a submission's tree.
struct PrepareSubmission: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Writes a submission's tree from the results of an experiment.",
        usage: """
            host submission prepare --experiment DIR --output OUT --submitter NAME --division open|closed
                [--system systems/NAME.json] [--round v6.0] [--dry-run]
            """,
        discussion: """
            Nothing is written where a result cannot be submitted: what stands in the way is named.  Exit status: 0 the \
            tree is written (or would be), 2 something stands in the way, 64 wrong input.
            """
    )

    @Option(help: "Folder of the results: SYSTEM/BENCHMARK/SCENARIO.")
    var experiment: String

    @Option(help: "Folder to write; it must not be there.")
    var output: String

    @Option(help: "The submitter's name, which becomes a folder.")
    var submitter: String

    @Option(help: "closed or open.")
    var division: String

    @Option(help: "The round; default: the one of the runs.")
    var round: String?

    @Option(help: "A system description, named after the system; default: what this machine tells.")
    var system: String?

    @Option(help: "Values for measurements.json that hold over what the runs tell, a JSON file.")
    var measurements: String?

    @Option(help: "The text of Documentation/calibration.md.")
    var calibration: String?

    @Option(help: "Where the implementation can be had.")
    var source: String?

    @Option(help: "Accuracy variant: highest, all, or a name.")
    var variant = "highest"

    @Option(help: "For a detected system: datacenter, edge or datacenter,edge.")
    var systemType = "datacenter"

    @Option(help: "For a detected system: available, preview or rdi.")
    var status = "rdi"

    @Flag(help: "Writes results too that cannot be submitted, to look at the tree.")
    var force = false

    @Flag(help: "Prints the tree that would be written.")
    var dryRun = false

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let status = reportingInput {
            let outcome = try SubmissionPreparation.run(try request(), writes: !dryRun)
            write(json ? outcome.json.text(pretty: true) + "\n" : outcome.text, to: STDOUT_FILENO)
            return outcome.isSubmittable ? .valid : .invalid
        }
        _exit(status.rawValue)
    }

    private func request() throws -> SubmissionRequest {
        var request = SubmissionRequest(
            experiment: experiment,
            output: output,
            submitter: submitter,
            division: division
        )
        request.round = round
        request.system = system
        request.measurements = measurements
        request.calibration = calibration
        request.source = source
        request.variant = variant
        request.systemType = try SystemType.named(systemType)
        request.status = status
        request.isForced = force
        return request
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
