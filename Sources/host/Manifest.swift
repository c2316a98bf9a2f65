import ArgumentParser
import Core
import Glibc
import JSON

/// `host manifest`: the hashes by which a run recognises its model and its data set.
struct Manifest: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes the sizes and hashes of a model's and a data set's files.",
        usage: "host manifest [--model DIR] [--dataset FILE] > manifest.json",
        discussion: "A run with harness_config.resource_manifest=manifest.json compares its files with it."
    )

    @Option(help: "Folder of the model.")
    var model: String?

    @Option(help: "File or folder of the data set.")
    var dataset: String?

    func run() throws {
        let status = reportingErrors {
            let console = RunConsole()
            let listing = try ResourceListing(model: model, dataset: dataset) { console.note("reading \($0)") }
            write(listing.json.text(pretty: true) + "\n", to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
