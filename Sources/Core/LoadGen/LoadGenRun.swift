import Synchronization

/// One test: plans queries, issues them, measures, judges and writes the three logs.
///
/// `run()` issues on the calling thread. Everything else may be called from any thread at any time.
public final class LoadGenRun: Sendable {
    /// What a test takes beside its settings.
    public struct Options: Sendable {
        /// The round whose seeds were used, stated in the detail log.
        public var round: MLPerfRound?
        /// What reading the configuration files had to say.
        public var configurationMessages: [LogMessage] = []
        /// A compliance test's `audit.config`, which overrides the settings if it exists.
        public var auditConfiguration: String?
        /// Whether a test that ends by an upper limit ends without an error.
        public var isLenient = false
        /// Whether `mlperf_log_trace.json` is written.
        public var hasTrace = false
        /// How long before a Server query's time sleeping gives way to spinning, in nanoseconds.
        public var spin: Int64 = 30_000
        /// How long cancelled samples may take to come back, in nanoseconds.
        public var cancelGrace: Int64 = 1_000_000_000
        /// Receives the times of all samples when a performance run has been measured, on the thread that ends the run.
        ///
        /// What it is given is valid during the call.  It is not called in the search for the peak rate.
        public var sampleTimes: (@Sendable (IssuedSampleTimes) -> Void)?

        /// No audit, no messages, the round unstated.
        public init() {}
    }

    /// Where the system under test reports.
    public let ledger: SampleLedger

    let requested: TestSettings
    let qsl: any QuerySampleLibrary
    let sut: any SystemUnderTest
    let output: String
    let options: Options

    /// What the finishing thread needs to know of the phase under way.
    struct Phase {
        var settings: EffectiveSettings
        var plan: QueryPlan
        var start: Int64
        var isTimed: Bool
    }

    struct State {
        var isStarted = false
        var logs: RunLogs?
        var settings: EffectiveSettings?
        var phase: Phase?
        var abortReasons: [String] = []
        /// Judged but not yet closed: what is reported if the run gets stuck after it.
        var summary: PerformanceSummary?
        var issuedBefore = 0
        var completedBefore = 0
        var result: RunResult?
    }

    let state = Mutex(State())
    /// Set by the one thread that may write the end of the logs.
    let isClaimed = Atomic<Bool>(false)

    let board = ProgressBoard()

    /// Prepares a test; nothing happens before ``run()``.
    ///
    /// - Parameters:
    ///   - settings: What is asked for.
    ///   - qsl: Where samples come from.
    ///   - sut: What is measured.
    ///   - output: The folder for the logs, made if need be.
    ///   - ledger: Where the system reports; a ledger serves any number of runs, one after the other.
    ///   - options: See ``Options``.
    public init(
        settings: TestSettings,
        qsl: any QuerySampleLibrary,
        sut: any SystemUnderTest,
        output: String,
        ledger: SampleLedger = SampleLedger(),
        options: Options = Options()
    ) {
        requested = settings
        self.qsl = qsl
        self.sut = sut
        self.output = output
        self.ledger = ledger
        self.options = options
    }

    /// A snapshot, taken without locks.
    public var progress: RunProgress { board.snapshot(ledger) }

    /// Whether the logs are closed and the result is known.
    public var isFinished: Bool { state.withLock { $0.result != nil } }

    /// Ends the test early: `run()` wakes up, closes the logs and returns an invalid result.
    ///
    /// It cannot wake a system that is stuck within `issue`; for that there is ``finishFromWatchdog(reason:)``.
    ///
    /// - Parameter reason: Why, as a sentence; it stands in summary and detail log.
    public func abort(reason: String) {
        state.withLock { $0.abortReasons.append(LogText.oneLine(reason)) }
        ledger.stop()
    }
}
