import ArgumentParser
import Compliance
import Core
import Experiments
import Glibc
import JSON

/// `host audit`: one compliance test, run and verified.
struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a compliance test of MLPerf and verifies it.",
        usage: "host audit --test TEST04|TEST06|TEST07|TEST09 --plugin libNAME.so [settings of the normal run]",
        discussion: """
            The test is run in a process of its own with the settings of the normal run and the test's audit.config, and \
            verified as MLCommons' scripts do; the verdict files lie where the submission checker looks for them.  TEST04 \
            compares with the normal performance run, which is made first if it is not there.  Exit status: 0 passed, 2 \
            failed, 3 the plugin failed, 64 wrong input.
            """
    )

    @Option(help: "The test: TEST04, TEST06, TEST07 or TEST09.")
    var test: String

    @Option(help: "Folder of the normal performance run. Default: beside the test's folder.")
    var reference: String?

    @Option(help: "The test's folder. Default: results/<system>/<benchmark>/<Scenario>/TESTnn.")
    var output: String?

    @Option(help: "An audit.config in place of MLCommons' own.")
    var auditConfig: String?

    @Option(help: "The end-of-sequence token, for TEST06.")
    var eos: Int64 = 2

    @Option(help: "The type of logged tokens, for TEST06: int16, int32, int64 or float32.")
    var dtype: String = TokenType.int32.rawValue

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            var request = try AuditRequest(test: test, dtype: dtype, words: words)
            request.reference = reference
            request.output = output
            request.auditConfiguration = auditConfig
            request.endToken = eos
            let outcome = try AuditRun(request, console: RunConsole()).execute()
            let report = AuditReport(request.test, outcome)
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return outcome.status
        }
        _exit(status.rawValue)
    }
}
