import Glibc
import JSON
import RunRecords
import Testing

@testable import Core

/// Where runs go, and what becomes of earlier ones.
@Suite struct ResultsFolderTests {
    private static func run(_ more: String..., in folder: String) throws -> HostProcess.Outcome {
        let conf = folder + "/user.conf"
        try TextFile.write("*.*.min_duration = 0\n*.*.min_query_count = 100\n", to: conf)
        return try HostProcess.run(
            [
                "--plugin", HostProcess.products + "/libNull.so", "--scenario", "singlestream", "--user-conf", conf,
                "system_name=my box/1",
            ] + more,
            folder: folder,
            limit: 60
        )
    }

    @Test func runsAreFiledBySystemBenchmarkAndScenario() throws {
        let folder = try TemporaryFolder.folder()
        let parent = folder + "/results/my-box-1/podium.null/SingleStream"
        for number in 1...2 {
            let outcome = try Self.run(in: folder)
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            let record = try RunRecord(folder: "\(parent)/performance/run_\(number)")
            #expect(record.status == .valid && record.system == "my box/1" && record.audit.isEmpty)
        }
        for _ in 1...3 {
            #expect(try Self.run("test_mode=accuracy", in: folder).status == 0)
        }
        #expect(try RunRecord(folder: parent + "/accuracy").mode == "AccuracyOnly")
        #expect(try RunRecord(folder: parent + "/accuracy.2").status == .valid)
        #expect(access(parent + "/accuracy.3", F_OK) != 0)
        let interactive = try Self.run(
            "--scenario",
            "interactive",
            "harness_config.results_dir=\(folder)/other",
            "harness_config.target_qps=1000",
            in: folder
        )
        #expect([0, 2].contains(interactive.status), "\(interactive.errors)")
        let record = try RunRecord(folder: folder + "/other/my-box-1/podium.null/Interactive/performance/run_1")
        #expect(record.scenario == "Interactive")
    }

    @Test func aGivenFolderHoldsOneRunAlone() throws {
        let folder = try TemporaryFolder.folder()
        let output = folder + "/run"
        #expect(try Self.run("--output", output, in: folder).status == 0)
        try TextFile.write("accuracy: 100%\n", to: output + "/accuracy.txt")
        try TextFile.write("mine", to: output + "/notes.txt")
        let outcome = try Self.run("--output", output, "harness_config.total_sample_count=99999999", in: folder)
        #expect(outcome.status == 64 && outcome.errors.contains("24576"), "\(outcome.errors)")
        for name in ["accuracy.txt", "mlperf_log_summary.txt", "mlperf_log_detail.txt", SampleTimes.fileName] {
            #expect(access("\(output)/\(name)", F_OK) != 0, "\(name) of the earlier run is still there")
        }
        #expect(access(output + "/notes.txt", F_OK) == 0)
        #expect(try RunRecord(folder: output).status == .failed)
    }

    @Test func twoProcessesDoNotShareAFolder() throws {
        let folder = try TemporaryFolder.folder()
        let held = FolderLock(folder)
        #expect(held != nil)
        let outcome = try Self.run("--output", folder, in: folder)
        #expect(outcome.status == 64 && outcome.errors.contains("another process writes"), "\(outcome.errors)")
        withExtendedLifetime(held) {}
    }

    @Test func aRunThatNeverBeganGivesItsNumberBack() throws {
        let folder = try TemporaryFolder.folder()
        #expect(OutputFolder.state(folder) == .free)
        #expect(OutputFolder.state(folder + "/absent") == .free)
        for (status, state) in [
            (RunRecord.Status.failed, OutputFolder.State.free), (.running, .free), (.valid, .result),
            (.invalid, .result), (.pluginFault, .result),
        ] {
            var record = RunRecord()
            record.status = status
            try TextFile.write(record.json.text(), to: "\(folder)/run.json")
            #expect(OutputFolder.state(folder) == state, "\(status)")
        }
        unlink(folder + "/run.json")
        try TextFile.write("x", to: folder + "/mlperf_log_summary.txt")
        #expect(OutputFolder.state(folder) == .result)
    }

    @Test(arguments: ["harness_config.audit_conf_path=TEST06/audit.config", ""])
    func anAuditConfigGovernsTheRun(_ word: String) throws {
        let folder = try TemporaryFolder.folder()
        mkdir(folder + "/TEST06", 0o777)
        try TextFile.write(
            "*.*.mode = 2\n*.*.accuracy_log_sampling_target = 7\n*.*.min_query_count = 133\n*.*.min_duration = 0\n",
            to: folder + (word.isEmpty ? "/audit.config" : "/TEST06/audit.config")
        )
        let outcome = try Self.run(in: folder, word)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let name = word.isEmpty ? "audit" : "TEST06"
        let run = folder + "/results/my-box-1/podium.null/SingleStream/\(name)/performance/run_1"
        #expect(try RunRecord(folder: run).audit == name)
        let detail = SettingsReader.read(run + "/mlperf_log_detail.txt") ?? ""
        #expect(detail.contains("\"key\": \"effective_min_query_count\", \"value\": 133"), "\(detail)")
    }

    private static func run(in folder: String, _ word: String) throws -> HostProcess.Outcome {
        word.isEmpty ? try run(in: folder) : try run(word, in: folder)
    }

    @Test func aMissingAuditConfigIsAnError() throws {
        let folder = try TemporaryFolder.folder()
        let outcome = try Self.run("audit_conf=absent.config", in: folder)
        #expect(outcome.status == 64 && outcome.errors.contains("absent.config"), "\(outcome.errors)")
    }
}
