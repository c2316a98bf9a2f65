import ArgumentParser
import Core
import Glibc
import JSON
import ReportPage

/// `host report`: one page on one run or many.
struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a page on runs: verdict, limits, latencies, throughput, and runs side by side.",
        usage: "host report DIR... [--output FILE.html] [--title T] [--json]",
        discussion: """
            DIR is the folder of a run or holds runs at any depth; logs of the official LoadGen will do.  The page is one \
            file that loads nothing.  Charts need samples.safetensors, which a performance run leaves.  Exit status: 0 the \
            page is written, 64 there is no run.
            """
    )

    @Argument(help: ArgumentHelp("Folders of runs.", valueName: "DIR"))
    var folders: [String]

    @Option(help: ArgumentHelp("The page; report.html in the first DIR if not given.", valueName: "FILE.html"))
    var output: String?

    @Option(help: "The page's title.")
    var title: String?

    @Flag(help: "Prints the numbers as JSON and writes no page unless --output names one.")
    var json = false

    func run() throws {
        let status = reportingErrors {
            let page: ReportPage
            do {
                page = try ReportPage(folders: folders, title: title, madeBy: "host \(podiumVersion)")
            } catch let error {
                throw ConfigError("\(error)")
            }
            if json { write(page.json.text(pretty: true) + "\n", to: STDOUT_FILENO) }
            if let path = output ?? (json ? nil : folders.first.map { "\($0)/report.html" }) {
                try page.write(to: path)
                if !json { write("\(path): \(page.runCount) run\(page.runCount == 1 ? "" : "s")\n", to: STDOUT_FILENO) }
            }
            return .valid
        }
        _exit(status.rawValue)
    }
}
