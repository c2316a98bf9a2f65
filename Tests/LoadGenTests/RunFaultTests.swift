@testable import Core
import CPluginAPI
import FoundationEssentials
import Glibc
import JSON
import Synchronization
import Testing

/// Runs that go wrong: each ends, says why, and leaves complete logs.
@Suite struct RunFaultTests {
    private struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    private final class Outcome: Sendable {
        let result = Mutex<RunResult?>(nil)
    }

    /// Runs `issue` as a system and hands the result and the log texts to `check`.
    private func conduct(
        _ settings: TestSettings,
        _ name: String = #function,
        watchdog: Double? = nil,
        samples: UInt64 = 16,
        flush: @escaping @Sendable () throws -> Void = {},
        issue: @escaping @Sendable (SampleLedger, UnsafeBufferPointer<IssuedSample>) throws -> Void,
        check: (RunResult, StubSystem, _ summary: String, _ detail: String, _ accuracy: String) throws -> Void
    ) throws {
        let ledger = SampleLedger()
        let system = StubSystem(ledger, flush: flush, issue: issue)
        let folder = temporaryFolder(String(name.prefix { $0 != "(" }))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = LoadGenRun.Options()
        options.cancelGrace = 50_000_000
        let run = LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: samples, performance: samples),
            sut: system,
            output: folder,
            ledger: ledger,
            options: options
        )
        var guardian: ProgressWatchdog?
        if let watchdog {
            guardian = ProgressWatchdog(run: run, timeout: watchdog, grace: 0.2) { _ in }
            try guardian?.start()
        }
        let result = try run.run()
        guardian?.stop()
        #expect(run.isFinished && run.progress.stage == .finished)
        try check(
            result,
            system,
            try text("\(folder)/mlperf_log_summary.txt"),
            try text("\(folder)/mlperf_log_detail.txt"),
            try text("\(folder)/mlperf_log_accuracy.json")
        )
    }

    @Test(arguments: Scenario.allCases)
    func aSecondCompletionVoidsTheRun(_ scenario: Scenario) throws {
        try conduct(shortSettings(scenario), "double-\(scenario)") { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id)
            }
            ledger.answer(samples[0].id)
        } check: { result, _, summary, detail, _ in
            #expect(!result.isValid)
            #expect(result.misuse.double > 0)
            #expect(summary.contains("Result is : INVALID"))
            #expect(summary.contains(" * Samples completed a second time: \(result.misuse.double)."))
            #expect(detail.contains("\"key\": \"result_validity\", \"value\": \"INVALID\""))
            #expect(result.errors > 0)
        }
    }

    @Test func aFailedSampleVoidsTheRun() throws {
        try conduct(shortSettings(.offline)) { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id, status: sample.id == samples[3].id ? -7 : 0)
            }
        } check: { result, _, summary, _, _ in
            #expect(result.reasons == ["Samples that the system under test reported as failed: 1."])
            #expect(result.completedSamples == result.issuedSamples)
            #expect(summary.contains("Result is : INVALID"))
        }
    }

    /// One sample never comes back: the watchdog ends the run, and says which.
    @Test(arguments: Scenario.allCases)
    func aLostSampleEndsTheRun(_ scenario: Scenario) throws {
        let lost = Mutex<UInt64>(0)
        try conduct(shortSettings(scenario), "lost-\(scenario)", watchdog: 0.3) { ledger, samples in
            for sample in samples {
                let isLost = lost.withLock { id in
                    if id == 0 && (scenario == .offline || ledger.issuedCount > 20) { id = sample.id }
                    return id == sample.id
                }
                if !isLost { ledger.answer(sample.id) }
            }
        } check: { result, system, summary, detail, accuracy in
            let id = lost.withLock { $0 }
            #expect(!result.isValid)
            #expect(result.outstanding.count == 1)
            #expect(result.outstanding.first.map(\.id) == [id])
            #expect(result.outstanding.first[0].age > 200_000_000)
            #expect(system.cancelled == [id])
            #expect(result.completedSamples == result.issuedSamples - 1)
            #expect(result.reasons.contains { $0.hasPrefix("No progress for 0.3 s: 1 of") })
            #expect(summary.contains("Result is : INVALID"))
            #expect(summary.hasSuffix("See detailed log.\n"))
            #expect(detail.contains("Encountered incomplete samples at the end of a series of queries. count: 1"))
            #expect(detail.contains("Outstanding samples: id \(id) index "))
            #expect(accuracy == "[\n]\n")
        }
    }

    /// A system that hangs within `issue` cannot be woken; the logs are closed all the same, once, with what was done.
    @Test func aSystemThatHangsInIssueLosesNoFinishedResult() throws {
        var settings = shortSettings(.singleStream)
        settings.mode = .accuracyOnly
        let ledger = SampleLedger()
        let releaser = Releaser()
        let system = StubSystem(ledger) { ledger, samples in
            if ledger.issuedCount == 10 {
                while !releaser.isReleased { usleep(1000) }
                return
            }
            ledger.answer(samples[0].id, bytes: [UInt8(samples[0].index), 255])
        }
        let folder = temporaryFolder("stuck")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = LoadGenRun.Options()
        options.cancelGrace = 0
        let run = LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 16, performance: 16),
            sut: system,
            output: folder,
            ledger: ledger,
            options: options
        )
        let outcome = Outcome()
        let guardian = ProgressWatchdog(run: run, timeout: 0.2, grace: 0.1) { result in
            outcome.result.withLock { $0 = result }
            releaser.release()
        }
        try guardian.start()
        let late = try run.run()
        guardian.stop()
        let result = try #require(outcome.result.withLock { $0 }, "the watchdog did not finish the run")
        #expect(result.completedSamples == 9 && result.outstanding.count == 1)
        #expect(result.reasons.contains { $0.contains("does not return from issue") })
        #expect(late.reasons == result.reasons)
        #expect(run.finishFromWatchdog(reason: "again") == nil)
        let accuracy = try text("\(folder)/mlperf_log_accuracy.json")
        #expect(try JSONField(JSON(parsing: accuracy), at: "log").array().count == 9)
        #expect(try text("\(folder)/mlperf_log_summary.txt").hasSuffix("See detailed log.\n"))
        #expect(try text("\(folder)/mlperf_log_detail.txt").hasSuffix("}}\n"))
    }

    private final class Releaser: Sendable {
        private let flag = Atomic<Bool>(false)
        var isReleased: Bool { flag.load(ordering: .acquiring) }
        func release() { flag.store(true, ordering: .releasing) }
    }

    @Test func aHangingFlushEndsTheRun() throws {
        let releaser = Releaser()
        let ledger = SampleLedger()
        let system = StubSystem(ledger) {
            while !releaser.isReleased { usleep(1000) }
        } issue: { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id)
            }
        }
        let folder = temporaryFolder("flush")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = LoadGenRun(
            settings: shortSettings(.offline),
            qsl: NotedLibrary(total: 16, performance: 16),
            sut: system,
            output: folder,
            ledger: ledger
        )
        let guardian = ProgressWatchdog(run: run, timeout: 0.2, grace: 0.1) { _ in releaser.release() }
        try guardian.start()
        let result = try run.run()
        guardian.stop()
        #expect(result.reasons.contains { $0.contains("does not return from flush") })
        #expect(result.outstanding.count == 0)
        #expect(result.summary?.sampleCount == 100)
    }

    @Test func aRefusedQueryEndsTheRunWithItsReason() throws {
        try conduct(shortSettings(.singleStream)) { ledger, samples in
            guard ledger.issuedCount < 5 else { throw Refusal(description: "queue full") }
            ledger.answer(samples[0].id)
        } check: { result, _, summary, _, _ in
            #expect(result.reasons.contains("The system under test did not take a query: queue full"))
            #expect(result.completedSamples == 4 && result.issuedSamples == 5)
            #expect(summary.contains("queue full"))
        }
    }

    @Test func aFailingFlushEndsTheRunWithItsReason() throws {
        try conduct(shortSettings(.offline), flush: { throw Refusal(description: "broken pipe") }) { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id)
            }
        } check: { result, _, _, _, _ in
            #expect(result.reasons.contains("The system under test did not take the flush: broken pipe"))
        }
    }

    /// A run waiting for a far-off query is ended at once.
    @Test func abortWakesASleepingServer() throws {
        var settings = shortSettings(.server, queries: 3)
        settings.serverTargetQps = 0.001
        let ledger = SampleLedger()
        let system = StubSystem(ledger) { ledger, samples in
            ledger.answer(samples[0].id)
        }
        let folder = temporaryFolder("abort")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 4, performance: 4),
            sut: system,
            output: folder,
            ledger: ledger
        )
        let begin = MonotonicClock.now()
        let other = try BackgroundThread {
            while run.progress.completed < 1 { usleep(1000) }
            run.abort(reason: "Somebody pressed the key.")
        }
        let result = try run.run()
        other.join()
        #expect(MonotonicClock.now() - begin < 5_000_000_000)
        #expect(result.reasons.first == "Somebody pressed the key.")
        #expect(result.issuedSamples == 1 && result.completedSamples == 1)
    }

    /// Nothing is outstanding in a long gap of the schedule, so the watchdog waits.
    @Test func aLongGapIsNoHang() throws {
        var settings = shortSettings(.server, queries: 3)
        settings.serverTargetQps = 3
        try conduct(settings, watchdog: 0.05) { ledger, samples in
            ledger.answer(samples[0].id)
        } check: { result, _, _, _, _ in
            #expect(result.issuedSamples == 3)
            #expect(!result.reasons.contains { $0.contains("No progress") })
        }
    }

    /// A plugin instance keeps its ledger from run to run; what went wrong in one run is no fault of the next.
    @Test func aLedgerServesOneRunAfterAnother() throws {
        let ledger = SampleLedger()
        let kept = Mutex<UInt64>(0)
        let system = StubSystem(ledger) { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id)
            }
            kept.withLock { $0 = samples[0].id }
        }
        func conduct(_ prepare: (LoadGenRun) -> Void) throws -> RunResult {
            let folder = temporaryFolder("again")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let run = LoadGenRun(
                settings: shortSettings(.offline),
                qsl: NotedLibrary(total: 4, performance: 4),
                sut: system,
                output: folder,
                ledger: ledger
            )
            prepare(run)
            return try run.run()
        }
        #expect(try conduct { _ in }.isValid)
        #expect(ledger.answer(kept.withLock { $0 }) == mlp_status(MLP_UNKNOWN_SAMPLE), "the run is over")
        let aborted = try conduct { $0.abort(reason: "Not now.") }
        #expect(aborted.reasons.first == "Not now." && aborted.issuedSamples == 0)
        #expect(try conduct { _ in }.isValid)
    }

    @Test func aLibraryThatCannotLoadLeavesClosedLogs() throws {
        final class Broken: QuerySampleLibrary {
            let name = "broken"
            let totalCount: UInt64 = 4
            let performanceCount: UInt64 = 4
            func load(_ indices: [UInt64]) throws { throw Refusal(description: "file is gone") }
            func unload(_ indices: [UInt64]) throws {}
        }
        let folder = temporaryFolder("broken")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = SampleLedger()
        let run = LoadGenRun(
            settings: shortSettings(.offline),
            qsl: Broken(),
            sut: StubSystem(ledger) { _, _ in },
            output: folder,
            ledger: ledger
        )
        #expect(throws: Refusal.self) { try run.run() }
        #expect(try text("\(folder)/mlperf_log_detail.txt").contains("\"value\": \"file is gone\""))
        #expect(try text("\(folder)/mlperf_log_accuracy.json") == "[\n]\n")
        #expect(throws: LoadGenError.self) { try run.run() }
    }

    @Test func anOutputFolderThatCannotBeMadeIsAnError() {
        let ledger = SampleLedger()
        for folder in ["/proc/nowhere/logs", "/dev/null/logs", ""] {
            let run = LoadGenRun(
                settings: shortSettings(.offline),
                qsl: NotedLibrary(total: 4, performance: 4),
                sut: StubSystem(ledger) { _, _ in },
                output: folder,
                ledger: ledger
            )
            #expect(throws: LoadGenError.self) { try run.run() }
        }
    }

    /// A full disk must not pass as a valid result.
    @Test(arguments: ["mlperf_log_detail.txt", "mlperf_log_summary.txt", "mlperf_log_accuracy.json"])
    func aFullDiskVoidsTheRun(_ file: String) throws {
        let folder = temporaryFolder("full-\(file)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(file)", withDestinationPath: "/dev/full")
        let ledger = SampleLedger()
        let system = StubSystem(ledger) { ledger, samples in
            for sample in samples {
                ledger.answer(sample.id)
            }
        }
        let run = LoadGenRun(
            settings: shortSettings(.offline),
            qsl: NotedLibrary(total: 4, performance: 4),
            sut: system,
            output: folder,
            ledger: ledger
        )
        let result = try run.run()
        #expect(result.reasons.count == 1)
        #expect(result.reasons.first?.contains("No space left on device") == true)
    }

    @Test func tooManyOutstandingQueriesEndTheRun() throws {
        var settings = shortSettings(.server, queries: 50)
        settings.serverMaxAsyncQueries = 5
        let held = Mutex<[UInt64]>([])
        let ledger = SampleLedger()
        let system = StubSystem(ledger) {
            for id in held.withLock({ $0 }) { ledger.answer(id) }
        } issue: { _, samples in
            held.withLock { $0 += samples.map(\.id) }
        }
        let folder = temporaryFolder("async")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let result = try LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 4, performance: 4),
            sut: system,
            output: folder,
            ledger: ledger
        ).run()
        #expect(result.issuedSamples == 6)
        #expect(
            result.problems.map(\.text) == [
                "IssueQueryThread 0 Ending early: Too many outstanding queries. issued 6 outstanding 6"
            ]
        )
    }

    /// A slow system gets all queries that are due in one call.
    @Test func dueQueriesAreMergedWhereAsked() throws {
        var settings = shortSettings(.server, queries: 200)
        settings.serverCoalesceQueries = true
        let calls = Mutex<[Int]>([])
        try conduct(settings) { ledger, samples in
            calls.withLock { $0.append(samples.count) }
            usleep(2000)
            for sample in samples {
                ledger.answer(sample.id)
            }
        } check: { result, _, _, _, _ in
            let sizes = calls.withLock { $0 }
            #expect(sizes.reduce(0, +) == 200)
            #expect(sizes.count < 100)
            #expect(result.summary?.measurements.queriesIssued == 200)
            #expect(result.summary?.sampleCount == 200)
        }
    }

    @Test func settingsThatNeverEndAreRefused() throws {
        var fast = shortSettings(.server)
        fast.serverTargetQps = 2e9
        fast.minDurationMs = 600_000
        var still = shortSettings(.server)
        still.serverTargetQps = 0
        var none = shortSettings(.offline, queries: 0)
        none.offlineExpectedQps = 0
        var endless = shortSettings(.offline)
        endless.offlineExpectedQps = .infinity
        endless.minDurationMs = 1
        var zero = shortSettings(.multiStream)
        zero.multiStreamSamplesPerQuery = 0
        var many = shortSettings(.singleStream)
        many.minQueryCount = .max
        var instant = shortSettings(.singleStream)
        instant.singleStreamExpectedLatencyNs = 0
        instant.minDurationMs = 1000
        var percentile = shortSettings(.server)
        percentile.serverTargetLatencyPercentile = 1.5
        var same = shortSettings(.singleStream)
        same.performanceIssueSame = true
        same.performanceIssueSameIndex = 99
        for settings in [fast, still, none, endless, zero, many, instant, percentile, same] {
            let folder = temporaryFolder("endless")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let ledger = SampleLedger()
            let run = LoadGenRun(
                settings: settings,
                qsl: NotedLibrary(total: 4, performance: 4),
                sut: StubSystem(ledger) { _, _ in },
                output: folder,
                ledger: ledger
            )
            #expect(throws: LoadGenError.self) { try run.run() }
        }
    }
}
