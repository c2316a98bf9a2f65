import Glibc
import Testing

@testable import Core

/// What the command line says, whole, beside the files in Snapshots.
///
/// PODIUM_UPDATE_SNAPSHOTS=1 rewrites them: then read the difference.
@Suite struct TextTests {
    @Test func help() throws { try compare("help.txt", try HostProcess.run(["--help"]).output) }

    @Test func describeText() throws {
        try compare("describe_echo.txt", try HostProcess.run(["describe", "--plugin", "libEcho.so"]).output)
    }

    @Test func describeJSON() throws {
        try compare("describe_echo.json", try HostProcess.run(["describe", "--plugin", "libEcho.so", "--json"]).output)
    }

    /// The report of a plugin that answers nothing, with what is outstanding.
    @Test func hanging() throws {
        let folder = try TemporaryFolder.folder()
        try TextFile.write(
            "*.Offline.min_duration = 0\n*.Offline.min_query_count = 20\n*.Offline.target_qps = 32\n",
            to: folder + "/conf"
        )
        let outcome = try HostProcess.run([
            "--plugin", "libMischief.so", "--isolate", "model_config.sin=never_completes", "--scenario", "offline",
            "--user-conf", folder + "/conf", "--output", folder, "harness_config.watchdog_sec=1",
        ])
        #expect(outcome.status == 2)
        // Ages and times are the machine's.
        try compare(
            "report_hanging.txt",
            outcome.output.replacing(folder, with: "FOLDER").replacing(/issued [0-9.]+ s ago/, with: "issued N s ago")
                .replacing(/[0-9.]+ ns per sample/, with: "N ns per sample")
        )
    }

    private func compare(_ name: String, _ text: String) throws {
        let path = HostProcess.root + "/Tests/HostTests/Snapshots/" + name
        let text = text.replacing(HostProcess.products, with: "PRODUCTS")
            .replacing(/\/[^ "]*\.build\/[^ "]*\/release/, with: "PRODUCTS")
        if getenv("PODIUM_UPDATE_SNAPSHOTS") != nil { return try TextFile.write(text, to: path) }
        let wanted = String(decoding: try TextFile.read(path), as: UTF8.self)
        #expect(text == wanted, "\(name): PODIUM_UPDATE_SNAPSHOTS=1 rewrites it")
    }
}
