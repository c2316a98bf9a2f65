import Synchronization

/// Ends a test that makes no progress: no query issued, no first token, no completion for a given time.
///
/// It looks at progress and not at total time, so a long test is safe as long as anything moves. Time in which nothing is
/// outstanding, such as a long gap of the Server schedule, does not count, nor does loading.
public final class ProgressWatchdog: Sendable {
    private let run: any TestRun
    private let timeout: Int64
    private let grace: Int64
    private let stuck: @Sendable (RunResult) -> Void
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<BackgroundThread?>(nil)

    /// - Parameters:
    ///   - run: The test to watch.
    ///   - timeout: Seconds without progress after which the test is ended.
    ///   - grace: Seconds that the test's own thread has to come back before its logs are closed from here.
    ///   - stuck: Called on the watchdog's thread when the test's own thread did not come back; it may report and exit.
    public init(
        run: any TestRun,
        timeout: Double,
        grace: Double = 2,
        stuck: @escaping @Sendable (RunResult) -> Void
    ) {
        self.run = run
        self.timeout = Int64(min(max(timeout, 0.001), 1e9) * 1e9)
        self.grace = Int64(min(max(grace, 0), 1e9) * 1e9)
        self.stuck = stuck
    }

    /// Begins to watch.
    ///
    /// - Throws: `LoadGenError` where no thread can be had.
    public func start() throws {
        let started = try BackgroundThread { [self] in watch() }
        thread.withLock { $0 = started }
    }

    /// Stops watching; call it when the test has ended.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        let taken = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let taken, !taken.isCurrent {
            taken.join()
        }
    }

    private func watch() {
        let interval = min(timeout / 8, 100_000_000)
        var last = run.progress
        var moved = MonotonicClock.now()
        while !isStopped.load(ordering: .acquiring) {
            MonotonicClock.sleep(until: MonotonicClock.now() + max(interval, 1_000_000))
            let now = MonotonicClock.now()
            let seen = run.progress
            if seen.stage == .finished { return }
            if Self.isMoving(from: last, to: seen) {
                last = seen
                moved = now
            }
            guard now - moved >= timeout else { continue }
            end(seen)
            return
        }
    }

    private static func isMoving(from last: RunProgress, to seen: RunProgress) -> Bool {
        switch seen.stage {
        case .preparing, .reporting, .finished: return true
        case .issuing where seen.issued == seen.completed: return true
        case .issuing, .flushing, .draining: break
        }
        return seen.stage != last.stage || seen.phase != last.phase || seen.issued != last.issued
            || seen.completed != last.completed || seen.firstTokens != last.firstTokens
    }

    private func end(_ seen: RunProgress) {
        let seconds = DefaultNumberFormat.text(Double(timeout) / 1e9)
        let reason =
            "No progress for \(seconds) s: \(seen.issued - seen.completed) of \(seen.issued) issued samples are "
            + "outstanding while \(Self.words(seen.stage))."
        run.abort(reason: reason)
        let deadline = MonotonicClock.now() + grace
        while MonotonicClock.now() < deadline {
            if run.isFinished { return }
            MonotonicClock.sleep(until: MonotonicClock.now() + 5_000_000)
        }
        let stuckReason =
            "The system under test does not return from \(Self.call(seen.stage)); the host ended the test."
        if let result = run.finishFromWatchdog(reason: stuckReason) {
            stuck(result)
        }
    }

    private static func words(_ stage: RunStage) -> String {
        switch stage {
        case .issuing: "issuing queries"
        case .flushing: "flushing"
        default: "waiting for the last answers"
        }
    }

    private static func call(_ stage: RunStage) -> String {
        stage == .flushing ? "flush" : "issue"
    }
}
