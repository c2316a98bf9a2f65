import FoundationEssentials
import Glibc
import JSON
import RunRecords
import Testing

@testable import Core

/// `host plan` and `host --replay` as a user calls them.
@Suite struct ReplayCommandTests {
    private static let null = HostProcess.products + "/libNull.so"

    /// The entries of a log that say what is issued and when.
    private func schedule(_ folder: String) throws -> [String] {
        let log = try DetailLogContents(folder: folder)
        return log.entries.filter {
            $0.key.hasPrefix("generated_") || $0.key.hasPrefix("effective_") || $0.key == "loaded_qsl_set"
        }.map { "\($0.key) \($0.value.text())" }
    }

    @Test func aRunIsRepeatedFromItsFolder() throws {
        let folder = try TemporaryFolder.folder()
        let run = folder + "/run"
        let conf = folder + "/user.conf"
        try TextFile.write("*.Server.target_qps = 1234.5678912\n*.*.min_duration = 200\n", to: conf)
        let first = try HostProcess.run([
            "--plugin", Self.null, "--scenario", "server", "--user-conf", conf, "--output", run,
            "model_config.samples=300",
        ])
        #expect([0, 2].contains(first.status), "\(first.errors)")
        #expect(first.output.contains("ns per sample"))
        #expect(try RunRecord(folder: run).hostNanosecondsPerSample > 0)

        let again = try HostProcess.run(["--replay", run])
        #expect([0, 2].contains(again.status), "\(again.errors)")
        let expected = try schedule(run)
        #expect(expected.count > 20)
        #expect(try schedule(run + "/replay") == expected)
        #expect(try RunRecord(folder: run + "/replay").isForSubmission == RunRecord(folder: run).isForSubmission)

        // The log alone, with the plugin named again; another plugin has other samples.
        let log = folder + "/log"
        try #require(mkdir(log, 0o755) == 0)
        try TextFile.write(try text(run + "/mlperf_log_detail.txt"), to: log + "/mlperf_log_detail.txt")
        let alone = try HostProcess.run([
            "--replay", log, "--plugin", Self.null, "model_config.samples=300", "--output", folder + "/alone",
        ])
        #expect([0, 2].contains(alone.status), "\(alone.errors)")
        #expect(try schedule(folder + "/alone") == expected)
        #expect(try !RunRecord(folder: folder + "/alone").isForSubmission)
        let plans = try [run, log].map { try HostProcess.run(["plan", "--replay", $0, "--json"]) }
        #expect(plans[0].status == 0 && plans[0].output == plans[1].output && plans[0].output.count > 1000)

        for (words, needle) in [
            (["--replay", log], "run.json"),
            (["--replay", log, "--plugin", Self.null, "--output", folder + "/x"], "300 samples"),
            (["--replay", run, "--scenario", "Offline"], "decides what is issued"),
            (["--replay", run, "--output", run], "give another"),
            (["--replay", folder, "--plugin", Self.null], "cannot be opened"),
        ] {
            let refused = try HostProcess.run(words)
            #expect(refused.status == 64 && refused.errors.contains(needle), "\(words): \(refused.errors)")
        }
        let whole = try text(run + "/mlperf_log_detail.txt")
        try TextFile.write(String(whole.prefix(whole.count / 2)), to: log + "/mlperf_log_detail.txt")
        let cut = try HostProcess.run(["--replay", log, "--plugin", Self.null])
        #expect(cut.status == 64 && cut.errors.contains("cut off"), "\(cut.errors)")
    }

    @Test func theBinaryPrintsTheRecordedPlans() throws {
        let root = ProcessInfo.processInfo.environment["PODIUM_GOLDEN"] ?? HostProcess.root + "/Tests/Golden"
        let path = root + "/loadgen-golden/plan.json"
        let cases = try JSONField(try JSON(contentsOfFile: path), at: path).array()
        let small = try cases.filter { try $0["runs"].array().allSatisfy { try $0["index_count"].int() < 2000 } }
        #expect(!small.isEmpty)
        for record in small.prefix(3) {
            let file = try TemporaryFolder.file()
            try TextFile.write(record.value.text(), to: file)
            let outcome = try HostProcess.run(["plan", "--settings", file, "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let printed = JSONField(try JSON(parsing: outcome.output), at: "plan")
            let runs = try zip(printed["runs"].array(), record["runs"].array()).map { ($0, $1) }
            #expect(!runs.isEmpty)
            for (run, expected) in runs {
                for key in ["index_fnv", "sched_ns_fnv", "loaded_fnv"] {
                    #expect(try run[key].string() == expected[key].string(), "\(key)")
                }
            }
            let shown = try HostProcess.run(["plan", "--settings", file])
            #expect(shown.status == 0 && shown.output.contains("phase 1"), "\(shown.errors)")
        }
    }

    @Test func aPluginSaysHowManySamplesThereAre() throws {
        let outcome = try HostProcess.run([
            "plan", "--plugin", Self.null, "--scenario", "Offline", "model_config.samples=77", "--json",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let printed = JSONField(try JSON(parsing: outcome.output), at: "plan")
        #expect(try printed["qsl"]["total"].int() == 77)
        #expect(try printed["runs"][0]["loaded_count"].int() == 77)
    }

    private func text(_ path: String) throws -> String { try #require(SettingsReader.read(path)) }
}
