import ArgumentParser
import Core
import Glibc
import JSON

/// `host kernels`: the kernels of a plugin and their sources.
struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract:
            "Lists the kernels that a plugin declares and where there is code for them; writes out their sources.",
        usage: "host kernels --plugin libNAME.so [--model DIR] [--extract DIR] [--json]",
        discussion: """
            --extract writes FAMILY.hip for each family, as the plugin declares it, and kernels.json.  Scripts/kernels.sh \
            --plugin libNAME.so compiles these sources and puts the code objects where a run looks for them: into \
            libNAME.kernels beside the plugin.
            """
    )

    @Option(help: "Folder for the sources.")
    var extract: String?

    @Flag(help: "Prints JSON.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let description = try KernelDescription(try RunConfiguration(words: words), console: RunConsole())
            if let extract { try description.extract(to: extract) }
            write(json ? description.json.text(pretty: true) + "\n" : description.text, to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
