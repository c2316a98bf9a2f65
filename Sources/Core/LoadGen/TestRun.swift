/// One test under way, whichever engine conducts it: what a run of a benchmark, its watchdog and its progress line need.
///
/// `run()` issues on the calling thread. Everything else may be called from any thread at any time.
public protocol TestRun: AnyObject, Sendable {
    /// Keeps account of the samples.
    var ledger: SampleLedger { get }
    /// Where the system under test reports.
    var responses: any ResponseSink { get }
    /// A snapshot, taken without locks.
    var progress: RunProgress { get }
    /// Whether the logs are closed and the result is known.
    var isFinished: Bool { get }

    /// Runs the test to its end.
    ///
    /// - Returns: Metrics and verdict. The logs are closed by then.
    /// - Throws: `LoadGenError` where settings or output folder do not allow a test, and what the sample library throws.
    func run() throws -> RunResult

    /// Ends the test early; `run()` then returns an invalid result.
    ///
    /// - Parameter reason: Why, as a sentence; it stands in summary and detail log.
    func abort(reason: String)

    /// Closes the logs of a test whose thread does not come back, from another thread.
    ///
    /// - Parameter reason: Why, as a sentence.
    /// - Returns: The result, or nil where the test has not begun or ends by itself.
    func finishFromWatchdog(reason: String) -> RunResult?
}

extension LoadGenRun: TestRun {
    /// The ledger takes answers itself.
    public var responses: any ResponseSink { ledger }
}
