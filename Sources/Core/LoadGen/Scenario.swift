/// How a benchmark's queries arrive.
///
/// Interactive is not one of them: it is Server with its own latencies.
public enum Scenario: String, Sendable, CaseIterable {
    /// One sample at a time; the next is issued when the last is done.
    case singleStream = "SingleStream"
    /// A fixed number of samples at a time; the next query is issued when the last is done.
    case multiStream = "MultiStream"
    /// One sample per query, arriving as a Poisson process.
    case server = "Server"
    /// Everything at once.
    case offline = "Offline"
}

/// What a test measures.
public enum TestMode: String, Sendable, CaseIterable {
    /// Accuracy first, then performance, in one test.
    case submissionRun = "SubmissionRun"
    /// Every sample once; the responses are recorded.
    case accuracyOnly = "AccuracyOnly"
    /// The scenario's schedule; latencies are recorded.
    case performanceOnly = "PerformanceOnly"
    /// Searches the highest Server rate that still meets the latency constraint.
    case findPeakPerformance = "FindPeakPerformance"
}
