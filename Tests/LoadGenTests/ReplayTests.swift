@testable import Core
import CPluginAPI
import FoundationEssentials
import JSON
import RunRecords
import Testing

/// A log is enough to issue the same queries at the same times again, or it is refused.
@Suite struct ReplayTests {
    private let folder = temporaryFolder("replay")

    @Test func everyRecordedLogGivesThePlanOfItsSettings() throws {
        for record in try Golden.cases("runs.json") ?? [] {
            let name = try record["name"].string()
            let logs = "\(Golden.folder)/logs/\(name)"
            try Golden.run("replay/\(name)") {
                let expected = try GoldenSettings.read(record["settings"])
                guard expected.mode != .findPeakPerformance else {
                    #expect(throws: ConfigError.self) { try ReplayedTest(folder: logs) }
                    return
                }
                let test = try ReplayedTest(folder: logs)
                #expect(!test.isExact)
                let settings = try test.settings(
                    totalCount: try record["args"]["total"].number(),
                    performanceCount: try record["args"]["perf"].number()
                )
                let audit = try record["audit_config"].optional?.string()
                try expectSamePlans(settings, expected.overridden(byAudit: audit).settings, test, name)
            }
        }
    }

    private func expectSamePlans(
        _ settings: TestSettings,
        _ expected: TestSettings,
        _ test: ReplayedTest,
        _ name: String
    ) throws {
        func plans(_ settings: TestSettings) throws -> [QueryPlan] {
            try TestPlan(
                requested: settings,
                totalCount: test.totalCount,
                performanceCount: test.performanceCount
            ).phases
        }
        let (ours, theirs) = (try plans(settings), try plans(expected))
        #expect(ours.count == theirs.count, "\(name)")
        for (plan, other) in zip(ours, theirs) {
            // Whether they are equal, not what they are: a message with all of it would be endless.
            let areEqual = (
                plan.loaded == other.loaded, plan.indices == other.indices,
                plan.scheduledOffsets == other.scheduledOffsets
            )
            #expect(areEqual == (true, true, true), "\(name)")
            #expect(plan.samplesPerQuery == other.samplesPerQuery, "\(name)")
            #expect(plan.firstSampleID == other.firstSampleID && plan.firstQueryID == other.firstQueryID, "\(name)")
        }
    }

    /// Settings whose rates need more than the six digits that a log prints.
    private func awkward(_ scenario: Scenario, _ mode: TestMode) -> TestSettings {
        var settings = shortSettings(scenario, queries: 50)
        settings.mode = mode
        settings.minDurationMs = 20
        settings.serverTargetQps = 10_234.567_891_2
        settings.offlineExpectedQps = 2_345.678_912_3
        settings.singleStreamExpectedLatencyNs = 123_456.789_1
        settings.multiStreamExpectedLatencyNs = 234_567.891_2
        settings.serverTargetLatencyPercentile = 0.989_765_432_1
        settings.qslRngSeed = MLPerfRound.v60.qslRngSeed
        settings.sampleIndexRngSeed = MLPerfRound.v60.sampleIndexRngSeed
        settings.scheduleRngSeed = MLPerfRound.v60.scheduleRngSeed
        return settings
    }

    /// Runs a test that answers at once, and gives the folder of its logs.
    private func run(_ settings: TestSettings, _ name: String) throws -> String {
        let ledger = SampleLedger()
        let output = "\(folder)-\(name)"
        let system = StubSystem(ledger) { ledger, samples in
            for sample in samples { ledger.answer(sample.id, tokens: 3) }
        }
        _ = try LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 40, performance: 16),
            sut: system,
            output: output,
            ledger: ledger
        ).run()
        return output
    }

    private static let modes: [TestMode] = [.performanceOnly, .accuracyOnly, .submissionRun]

    @Test(arguments: Scenario.allCases, modes)
    func ourLogsSayTheSettingsToTheLastBit(_ scenario: Scenario, _ mode: TestMode) throws {
        var settings = awkward(scenario, mode)
        settings.inferTokenLatencies = true
        settings.tokenLatencyScalingFactor = 7
        let output = try run(settings, "exact-\(scenario)-\(mode)")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let test = try ReplayedTest(folder: output)
        #expect(test.isExact)
        let replayed = try test.settings(totalCount: 40, performanceCount: 16)
        try expectSamePlans(replayed, settings, test, "\(scenario) \(mode)")
        // Settings of other scenarios are not logged; all of this one's are.
        let keys = EffectiveSettings(unchecked: settings).requestedEntries().map { $0.value }
        #expect(EffectiveSettings(unchecked: replayed).requestedEntries().map { $0.value } == keys)
        switch scenario {
        case .server:
            #expect(replayed.serverTargetQps == settings.serverTargetQps)
            #expect(replayed.serverTargetLatencyPercentile == settings.serverTargetLatencyPercentile)
        case .offline: #expect(replayed.offlineExpectedQps == settings.offlineExpectedQps)
        case .singleStream:
            #expect(replayed.singleStreamExpectedLatencyNs == settings.singleStreamExpectedLatencyNs)
        case .multiStream: #expect(replayed.multiStreamExpectedLatencyNs == settings.multiStreamExpectedLatencyNs)
        }
        #expect(replayed.inferTokenLatencies && replayed.tokenLatencyScalingFactor == 7)
    }

    /// The same log as the official library would have written it: rounded, and without the exact values.
    @Test(arguments: Scenario.allCases, modes)
    func theRateOfARoundedLogIsFoundAgain(_ scenario: Scenario, _ mode: TestMode) throws {
        let settings = awkward(scenario, mode)
        let output = try run(settings, "rounded-\(scenario)-\(mode)")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let path = "\(output)/mlperf_log_detail.txt"
        let lines = try text(path).split(separator: "\n").filter { !$0.contains("Exact settings") }
        #expect(lines.count > 60)
        let official = lines.joined(separator: "\n").replacing(LoadGenVersion.text, with: "6.0.17 @ d6147c7eb7") + "\n"
        try official.write(toFile: path, atomically: true, encoding: .utf8)
        let test = try ReplayedTest(folder: output)
        #expect(!test.isExact)
        let replayed = try test.settings(totalCount: 40, performanceCount: 16)
        try expectSamePlans(replayed, settings, test, "\(scenario) \(mode)")
        // Another duration is one that no rate near the printed one gives.
        let broken = official.replacing(
            "\"generated_query_count\", \"value\": ",
            with: "\"generated_query_count\", \"value\": 9"
        )
        try broken.write(toFile: path, atomically: true, encoding: .utf8)
        let other = try ReplayedTest(folder: output)
        #expect(throws: ConfigError.self) { try other.settings(totalCount: 40, performanceCount: 16) }
    }

    @Test func aCutOffLogIsRefused() throws {
        let output = try run(awkward(.server, .performanceOnly), "cut")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let path = "\(output)/mlperf_log_detail.txt"
        let whole = try text(path)
        let lines = whole.split(separator: "\n")
        for kept in 0..<lines.count {
            try (lines.prefix(kept).joined(separator: "\n") + "\n").write(
                toFile: path,
                atomically: true,
                encoding: .utf8
            )
            #expect(throws: ConfigError.self, "\(kept) lines") { try ReplayedTest(folder: output) }
        }
        for kept in stride(from: 1, to: whole.utf8.count - 2, by: 997) {
            try String(decoding: whole.utf8.prefix(kept), as: UTF8.self).write(
                toFile: path,
                atomically: true,
                encoding: .utf8
            )
            #expect(throws: ConfigError.self, "\(kept) bytes") { try ReplayedTest(folder: output) }
        }
        try "INFO: started\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: ConfigError.self) { try ReplayedTest(folder: output) }
        let training = String(lines[40]) + "\n"
        try training.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: ConfigError.self) { try ReplayedTest(folder: output) }
    }

    @Test func anotherLibraryIsRefused() throws {
        let output = try run(awkward(.server, .performanceOnly), "library")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let test = try ReplayedTest(folder: output)
        for (total, performance) in [(41, 16), (40, 17), (16, 16)] as [(UInt64, UInt64)] {
            #expect(throws: ConfigError.self) {
                try test.settings(totalCount: total, performanceCount: performance)
            }
        }
    }

    @Test func wordsComeFromTheRecordAndThenFromTheUser() throws {
        let output = "\(folder)-words"
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: output) }
        #expect(throws: ConfigError.self) { try ReplayedTest.words(["--replay", output]) }
        var record = RunRecord()
        record.words = ["run", "--plugin", "libX.so", "scenario=Server", "output=\(output)", "threads=3"]
        try record.json.text().write(toFile: "\(output)/run.json", atomically: true, encoding: .utf8)
        let configuration = try RunConfiguration(words: try ReplayedTest.words(["--replay", output, "threads=5"]))
        #expect(configuration.plugin == "libX.so")
        #expect(configuration.threads == 5)
        #expect(configuration.outputLogDir == "\(output)/replay")
        // The user's own plugin does without the record.
        let own = try ReplayedTest.words(["plugin=libY.so", "replay=\(output)", "output=/tmp/elsewhere"])
        #expect(own == ["plugin=libY.so", "replay=\(output)", "output=/tmp/elsewhere"])
        for word in [
            "scenario=Offline", "harness_config.target_qps=3", "mode=accuracy", "user_conf=x", "round=v6.1",
            "harness_config.min_query_count=3", "output=\(output)/.", "benchmark=gptj", "seedless=true", "lenient=true",
        ] {
            #expect(throws: ConfigError.self, "\(word)") { try ReplayedTest.words(["replay=\(output)", word]) }
        }
        #expect(try ReplayedTest.words(["plugin=a", "threads=2"]) == ["plugin=a", "threads=2"])
    }
}
