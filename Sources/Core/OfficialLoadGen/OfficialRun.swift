import COfficialLoadGen
import Synchronization

/// One test conducted by the official library: it plans, issues, measures, judges and writes the logs.
///
/// What the host adds is safety. Plugins see ids of the host's ledger, so that no answer of theirs can reach memory of the library
/// that is gone (``OfficialResponses``); plans with which the library crashes or never ends are refused; and a test whose plugin
/// failed ends, although the library would wait for ever.
final class OfficialRun: TestRun, @unchecked Sendable {
    // Unchecked because `conduct` is touched by the thread that runs the test alone.

    let ledger: SampleLedger
    var responses: any ResponseSink { passing }

    let engine: OfficialLoadGen
    let passing: OfficialResponses
    let requested: TestSettings
    let qsl: any QuerySampleLibrary
    let sut: any SystemUnderTest
    let output: String
    let options: LoadGenRun.Options
    let overridesSeeds: Bool

    struct State {
        var isStarted = false
        /// `run()` threw: there is no result to come.
        var hasFailed = false
        var settings: EffectiveSettings?
        var abortReasons: [String] = []
        /// What kept the test from going on, to be thrown by `run()`.
        var failure: (any Error)?
        /// As it was when the test was stopped; afterwards the host itself answers what is outstanding.
        var atStop: (outstanding: OutstandingSamples, misuse: SampleMisuse)?
        var issuedBefore = 0
        var completedBefore = 0
        var result: RunResult?
    }

    let state = Mutex(State())
    let conduct = OfficialConduct()
    let board = ProgressBoard()
    private let isClaimed = Atomic<Bool>(false)

    /// Prepares a test; nothing happens before ``run()``.
    ///
    /// - Parameters:
    ///   - engine: The library.
    ///   - settings: What is asked for.
    ///   - qsl: Where samples come from.
    ///   - sut: What is measured.
    ///   - output: The folder for the logs, made if need be.
    ///   - overridesSeeds: Whether the settings carry other seeds than those compiled into the library, which the result states.
    ///   - options: `round`, `configurationMessages` and `spin` have no meaning here.
    init(
        engine: OfficialLoadGen,
        settings: TestSettings,
        qsl: any QuerySampleLibrary,
        sut: any SystemUnderTest,
        output: String,
        overridesSeeds: Bool = false,
        options: LoadGenRun.Options = LoadGenRun.Options()
    ) {
        self.engine = engine
        var settings = settings
        // Registered issue threads work once in a process and can write past a vector; one thread issues.
        settings.serverNumIssueQueryThreads = 0
        requested = settings
        self.qsl = qsl
        self.sut = sut
        self.output = output
        self.overridesSeeds = overridesSeeds
        self.options = options
        ledger = SampleLedger()
        passing = OfficialResponses(ledger, engine.api)
    }

    var progress: RunProgress {
        var progress = board.snapshot(ledger)
        // When every answer is there the library evaluates and writes, without a word to the host.
        if progress.stage == .draining, progress.completed >= progress.issued { progress.stage = .reporting }
        return progress
    }

    var isFinished: Bool { state.withLock { $0.result != nil || $0.hasFailed } }

    func run() throws -> RunResult {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw LoadGenError.wrongState("an OfficialRun runs once; make another for the next test") }
        let settings = try effectiveSettings()
        try LogFolder.create(output)
        try OfficialLoadGen.acquire()
        state.withLock { state in
            state.settings = settings
            if state.abortReasons.isEmpty { ledger.begin() }
        }
        conduct.begin(settings, totalCount: qsl.totalCount)
        board.announce(
            phases: settings.mode == .findPeakPerformance
                ? 0 : conduct.accuracySets + (settings.mode == .accuracyOnly ? 0 : 1)
        )
        let (status, message) = startTest()
        passing.close()
        OfficialLoadGen.release(spoilt: status != Int32(OLG_OK))
        if status != Int32(OLG_OK), status != Int32(OLG_ABORTED) {
            state.withLock { $0.abortReasons.append("The official LoadGen failed: \(LogText.oneLine(message)).") }
        }
        guard claim() else { return awaitResult() }
        if let failure = state.withLock({ $0.failure }) {
            WithdrawnResult.mark(output, because: ["\(failure)"])
            ledger.retire()
            state.withLock { $0.hasFailed = true }
            board.enter(.finished)
            throw failure
        }
        let result = close()
        giveUpOutstanding()
        ledger.retire()
        state.withLock { $0.result = result }
        board.enter(.finished)
        return result
    }

    func abort(reason: String) {
        state.withLock { $0.abortReasons.append(LogText.oneLine(reason)) }
        stop()
    }

    func finishFromWatchdog(reason: String) -> RunResult? {
        guard state.withLock({ $0.settings }) != nil, claim() else { return nil }
        abort(reason: reason)
        let result = close()
        state.withLock { $0.result = result }
        board.enter(.finished)
        return result
    }

    /// What the library will make of the settings; refuses those with which it crashes or never ends.
    private func effectiveSettings() throws -> EffectiveSettings {
        var settings = requested
        if let path = options.auditConfiguration, let text = SettingsReader.read(path) {
            var reader = SettingsReader()
            _ = reader.apply(text: text, origin: .audit, model: "*", scenario: settings.scenario, to: &settings)
        }
        if settings.test05 {
            settings.mode = .performanceOnly
            settings.qslRngSeed = requested.test05QslRngSeed
            settings.sampleIndexRngSeed = requested.test05SampleIndexRngSeed
            settings.scheduleRngSeed = requested.test05ScheduleRngSeed
        }
        let step = settings.serverFindPeakQpsBoundaryStepSize
        guard settings.mode != .findPeakPerformance || (step > 0 && step.isFinite) else {
            throw LoadGenError.invalidSetting(
                name: "server_find_peak_qps_boundary_step_size",
                value: "\(step)",
                reason: "must be above 0"
            )
        }
        return try EffectiveSettings(settings, performanceCount: qsl.performanceCount, totalCount: qsl.totalCount)
    }

    private func startTest() -> (status: Int32, message: String) {
        var plain = engine.defaults()
        requested.fill(&plain)
        var message = [CChar](repeating: 0, count: 1024)
        let status = LogText.oneLine(sut.name).withCString { sutName in
            LogText.oneLine(qsl.name).withCString { qslName in
                var callbacks = callbacks
                callbacks.sut_name = sutName
                callbacks.qsl_name = qslName
                return engine.api.pointee.start_test(
                    &callbacks,
                    &plain,
                    output,
                    options.auditConfiguration ?? "",
                    &message,
                    UInt64(message.count)
                )
            }
        }
        let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (status, String(decoding: text, as: UTF8.self))
    }

    private func claim() -> Bool {
        isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    /// The watchdog closes the test; it needs no more than a moment.
    private func awaitResult() -> RunResult {
        while true {
            if let result = state.withLock({ $0.result }) {
                ledger.retire()
                return result
            }
            MonotonicClock.sleep(until: MonotonicClock.now() + 1_000_000)
        }
    }
}
