import Glibc
import Testing

@testable import Core

/// `loadgen=official` as a user runs it: a plugin that does what it should, and plugins with which the bare library would crash
/// or wait for ever.
///
/// What needs the library is not run where it is not built (`make official-loadgen`).
@Suite struct OfficialLoadGenTests {
    private static let conf = """
        *.SingleStream.min_duration = 0
        *.SingleStream.min_query_count = 100
        *.Offline.min_duration = 0
        *.Offline.min_query_count = 1
        *.Offline.target_qps = 32
        *.Server.min_duration = 0
        *.Server.min_query_count = 500
        *.Server.target_qps = 1000
        *.Server.target_latency = 1000
        *.MultiStream.min_duration = 0
        *.MultiStream.min_query_count = 700

        """

    private static let library: (path: String?, reason: String) = {
        do {
            let built = HostProcess.root + "/.build/official/" + OfficialLoadGen.libraryName
            return (
                try OfficialLoadGen(path: getenv(OfficialLoadGen.environmentVariable) == nil ? built : nil).path, ""
            )
        } catch {
            return (nil, "\(error)")
        }
    }()

    /// Runs the host with the library; nil where there is none.
    private func run(
        _ name: String,
        _ words: [String],
        output: String,
        conf: String? = Self.conf
    ) throws -> HostProcess.Outcome? {
        guard let library = Self.library.path else {
            print("golden official/\(name): not run (\(Self.library.reason))")
            return nil
        }
        var words = words + ["loadgen=official", "--output", output]
        if let conf {
            let path = try TemporaryFolder.folder() + "/user.conf"
            try TextFile.write(conf, to: path)
            words += ["--user-conf", path]
        }
        return try HostProcess.run(
            words,
            environment: [OfficialLoadGen.environmentVariable: library],
            limit: 60
        )
    }

    @Test(arguments: ["SingleStream", "MultiStream", "Server", "Offline"], ["performance", "accuracy", "submission"])
    func aRunIsJudgedByTheLibrary(_ scenario: String, _ mode: String) throws {
        let output = try TemporaryFolder.folder()
        let words = [
            "--plugin", "libNull.so", "model_config.samples=128", "scenario=\(scenario)", "test_mode=\(mode)",
        ]
        guard let outcome = try run("runs", words, output: output) else { return }
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("loadgen                     official \(OfficialLoadGen.version)"))
        let summary = SettingsReader.read(output + "/mlperf_log_summary.txt") ?? ""
        #expect(summary.contains("Result is : VALID") == (mode != "accuracy"), "\(summary)")
        let detail = SettingsReader.read(output + "/mlperf_log_detail.txt") ?? ""
        let seed = "\"effective_qsl_rng_seed\", \"value\": \(MLPerfRound.v61.qslRngSeed)"
        #expect(detail.contains(seed), "the round is not the one that is compiled in")
        let record = SettingsReader.read(output + "/run.json") ?? ""
        #expect(record.contains("official \(OfficialLoadGen.version)") && record.contains("v6.1"), "\(record)")
        if mode != "performance" {
            #expect((SettingsReader.read(output + "/mlperf_log_accuracy.json") ?? "").hasSuffix("}\n]\n"))
        }
    }

    /// The library takes an id for an address; what a plugin makes of ids must not reach it.
    @Test func aMischievousPluginCrashesNothing() throws {
        let expectations: [(sin: String, scenario: String, status: Int32, says: String)] = [
            ("double_completion", "SingleStream", 3, "Samples completed a second time"),
            ("forged_id", "Server", 3, "Answers with an id that was never issued"),
            ("zero_id", "Offline", 3, "Answers with an id that was never issued"),
            ("stale_id", "SingleStream", 3, "Samples completed a second time"),
            ("same_id_in_batch", "Server", 3, "Samples completed a second time"),
            ("first_token_twice", "SingleStream", 3, "second first token"),
            ("first_token_late", "Server", 3, "First tokens after completion"),
            ("null_data", "SingleStream", 3, "Answers without results or data"),
            ("null_results", "Offline", 3, "Answers without results or data"),
            ("failed_samples", "Server", 3, "reported as failed"),
            ("many_threads", "Server", 0, "VALID"),
            ("issue_fails", "Server", 3, "the device is on fire"),
            ("never_completes", "SingleStream", 2, "No progress for 1 s"),
            ("all_but_one", "Server", 2, "1 samples were issued and never completed"),
            ("ignores_cancel", "Offline", 2, "No progress for 1 s"),
            ("issue_hang", "Server", 3, "does not return from issue"),
            ("late_completion", "Offline", 3, "came while the instance was not running"),
            ("load_fails", "Server", 64, "the samples are out"),
        ]
        guard Self.library.path != nil else {
            print("golden official/mischief: not run (\(Self.library.reason))")
            return
        }
        let folder = try TemporaryFolder.folder()
        let outcomes = inParallel(expectations) { expected in
            try run(
                expected.sin,
                [
                    "--plugin", "libMischief.so", "model_config.sin=\(expected.sin)", "scenario=\(expected.scenario)",
                    "harness_config.watchdog_sec=1", "harness_config.call_timeout_sec=1",
                ],
                output: "\(folder)/\(expected.sin)"
            )
        }
        for (expected, outcome) in zip(expectations, outcomes) {
            guard let outcome = try outcome.get() else { continue }
            let all = outcome.output + outcome.errors
            #expect(outcome.status == expected.status, "\(expected.sin): status \(outcome.status): \(all)")
            #expect(all.contains(expected.says), "\(expected.sin): not \"\(expected.says)\" in: \(all)")
            guard expected.status != 0 else { continue }
            let detail = SettingsReader.read("\(folder)/\(expected.sin)/mlperf_log_detail.txt") ?? ""
            #expect(detail.contains("\"is_error\": true"), "\(expected.sin): no checker would refuse this")
            guard expected.status != 64 else { continue }
            let summary = SettingsReader.read("\(folder)/\(expected.sin)/mlperf_log_summary.txt") ?? ""
            #expect(summary.contains("This result does not count"), "\(expected.sin): \(summary)")
        }
    }

    @Test func aPluginThatDiesEndsTheRun() throws {
        for scenario in ["SingleStream", "Server"] {
            let words = [
                "--plugin", "libMischief.so", "--isolate", "model_config.sin=issue_crash", "scenario=\(scenario)",
            ]
            guard let outcome = try run("issue_crash", words, output: try TemporaryFolder.folder()) else { return }
            #expect(outcome.status == 3, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.output.contains("its process ended with signal 11"), "\(outcome.output)\(outcome.errors)")
        }
    }

    @Test func aMissingLibraryIsNamedWithWhatToDo() throws {
        let outcome = try HostProcess.run(
            ["--plugin", "libNull.so", "scenario=Offline", "loadgen=official", "--output", TemporaryFolder.folder()],
            environment: [OfficialLoadGen.environmentVariable: "/nowhere/libofficial_loadgen.so"]
        )
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("/nowhere/libofficial_loadgen.so"), "\(outcome.errors)")
        #expect(outcome.errors.contains("make official-loadgen"), "\(outcome.errors)")
    }

    @Test func anotherLibraryIsRefused() throws {
        let outcome = try HostProcess.run(
            ["--plugin", "libNull.so", "scenario=Offline", "loadgen=official", "--output", TemporaryFolder.folder()],
            environment: [OfficialLoadGen.environmentVariable: HostProcess.products + "/libNull.so"]
        )
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("does not export official_loadgen_v1"), "\(outcome.errors)")
    }

    @Test func anotherRoundNeedsAWordAndIsStated() throws {
        let words = ["--plugin", "libNull.so", "scenario=Offline", "loadgen=official"]
        let refused = try HostProcess.run(words + ["round=v6.0", "--output", TemporaryFolder.folder()])
        #expect(refused.status == 64 && refused.errors.contains("override_seeds"), "\(refused.errors)")
        let pointless = try HostProcess.run(["--plugin", "libNull.so", "scenario=Offline", "--override-seeds"])
        #expect(pointless.status == 64 && pointless.errors.contains("loadgen=official"), "\(pointless.errors)")
        let conf = try HostProcess.run(words + ["mlperf_conf=/dev/null"])
        #expect(conf.status == 64 && conf.errors.contains("from within itself"), "\(conf.errors)")

        let lenient = try HostProcess.run(words + ["lenient=true"])
        #expect(lenient.status == 64 && lenient.errors.contains("no lenient reading"), "\(lenient.errors)")

        let output = try TemporaryFolder.folder()
        guard
            let outcome = try run(
                "override-seeds",
                ["--plugin", "libNull.so", "scenario=Offline", "round=v6.0", "--override-seeds"],
                output: output
            )
        else { return }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("of v6.0, in place of those compiled into the library"), "\(outcome.output)")
        #expect(outcome.errors.contains("seeds of v6.0 replace"), "\(outcome.errors)")
        let detail = SettingsReader.read(output + "/mlperf_log_detail.txt") ?? ""
        for seed in [MLPerfRound.v60.qslRngSeed, MLPerfRound.v60.sampleIndexRngSeed, MLPerfRound.v60.scheduleRngSeed] {
            #expect(detail.contains("\"value\": \(seed)"))
        }
        #expect((SettingsReader.read(output + "/run.json") ?? "").contains("\"overrides_seeds\": true"))

        // The replay of that run carries its seeds, and needs the same word.
        for (word, status) in [("override_seeds=false", Int32(64)), ("override_seeds=true", 0)] {
            let again = try run(
                "replay",
                ["--plugin", "libNull.so", "--replay", output, word],
                output: try TemporaryFolder.folder(),
                conf: nil
            )
            #expect(again?.errors.contains("is to have other seeds") == (status != 0))
            #expect(again?.status == status, "\(word): \(again?.output ?? "")\(again?.errors ?? "")")
        }
    }
}
