/// What a leg came to.
public struct LegResult: Sendable, Equatable {
    /// The verdict.
    public enum Verdict: String, Sendable {
        /// Done, and it counts.
        case ok = "OK"
        /// The run does not count.
        case invalid = "INVALID"
        /// The score or the test is failed.
        case failed = "FAIL"
        /// The plugin, the input or the host itself failed.
        case error = "ERROR"
        /// A person ended it.
        case interrupted = "INTERRUPTED"
        /// It was not begun.
        case notRun = "NOT RUN"
    }

    /// A number that the leg is about.
    public struct Metric: Sendable, Equatable {
        /// Its name, as in `tokens/s`.
        public var name: String
        /// The number.
        public var value: Double
    }

    /// The leg.
    public var leg: Leg
    /// The verdict.
    public var verdict: Verdict
    /// What was measured; empty if nothing was.
    public var metrics: [Metric] = []
    /// Why it is not OK; empty if it is.
    public var reason = ""
    /// Whether an earlier invocation had done it.
    public var wasThere = false
    /// Exit status of the command that decided; nil if none was started.
    public var exitStatus: Int32?
}
