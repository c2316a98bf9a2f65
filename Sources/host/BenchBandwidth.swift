import ArgumentParser
import Core
import Glibc
import JSON

/// `host bench bandwidth`: copying, reading and writing memory.
struct BenchBandwidth: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bandwidth",
        abstract: "Measures how fast a device copies, reads and writes memory.",
        usage: "host bench bandwidth [--device cpu|hip:0|cuda:0] [--size MIB] [--json]",
        discussion: """
            On a GPU also between host and device through pinned memory; on a processor with 1, 2, 4, ... threads.
            """
    )

    @Option(help: "cpu, hip:N or cuda:N.")
    var device = "cpu"

    @Option(help: "Most threads of a processor; default: one for each CPU that may be used.")
    var threads: Int?

    @Option(help: "Size of each buffer in MiB.")
    var size = 512

    @Option(help: "Repetitions, in milliseconds.")
    var rep = 200.0

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let status = reportingErrors {
            let timing = try DoBench(checkedWarmup: 30, repetitions: rep, counts: false)
            let report = try BandwidthBench(device: device, threads: threads, megabytes: size, timing: timing).run()
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
