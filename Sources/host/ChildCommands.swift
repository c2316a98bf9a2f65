import ArgumentParser
import Core
import Glibc

/// The child's side of `--isolate`; started by the host itself.
struct RunPluginProcess: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plugin-process", shouldDisplay: false)

    @Option(help: "Names the library, for process lists.")
    var library: String

    func run() throws { PluginProcess.run() }
}

/// One rule of `host conform`; started by the host itself.
struct RunConformanceRule: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "conformance-rule", shouldDisplay: false)

    @Argument(help: "The rule.")
    var rule: String

    @Argument(help: "The role.")
    var role: String

    @Argument(parsing: .allUnrecognized, help: "Settings.")
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            let configuration = ConformanceConfiguration(try RunConfiguration(words: words), words: words)
            let runner = ConformanceRunner(configuration: configuration, inProcess: true)
            // The plugin must not reach the pipe under its well-known number.
            let pipe = fcntl(ConformanceRunner.verdictDescriptor, F_DUPFD_CLOEXEC, 200)
            if pipe >= 0 { close(ConformanceRunner.verdictDescriptor) }
            for tested in try ConformanceRunner.rules(only: rule) {
                let verdict = runner.test(tested, role: role)
                write(ConformanceRunner.line(for: verdict), to: pipe >= 0 ? pipe : ConformanceRunner.verdictDescriptor)
            }
            return .valid
        }
        _exit(status.rawValue)
    }
}

/// A vendor's compiler at work on one kernel family; started by the host itself.
struct RunCompilerProcess: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "compile-kernels", shouldDisplay: false)

    @Argument(help: "Kind, target, name, source, image, messages.")
    var words: [String]

    func run() throws { _exit(CompilerProcess.run(words) ? 0 : 1) }
}
