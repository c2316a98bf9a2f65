/// A scenario as users name it.
///
/// Interactive is Server with the limits of another entry in the conf files.
public enum RequestedScenario: String, Sendable, CaseIterable {
    /// Everything at once.
    case offline = "Offline"
    /// One sample per query, arriving as a Poisson process.
    case server = "Server"
    /// Server under the limits of `<benchmark>-interactive`.
    case interactive = "Interactive"
    /// One sample at a time.
    case singleStream = "SingleStream"
    /// A fixed number of samples at a time.
    case multiStream = "MultiStream"

    /// The scenario of LoadGen.
    public var loadGenScenario: Scenario {
        switch self {
        case .offline: .offline
        case .server, .interactive: .server
        case .singleStream: .singleStream
        case .multiStream: .multiStream
        }
    }

    /// The name by which the conf files are searched.
    ///
    /// - Parameter benchmark: MLPerf's name of the benchmark.
    /// - Returns: The name, with `-interactive` where that is what the limits are listed under.
    public func confName(of benchmark: String) -> String {
        self == .interactive && !benchmark.hasSuffix("-interactive") ? benchmark + "-interactive" : benchmark
    }
}

/// What a process does in a run.
public enum RunRole: String, Sendable, CaseIterable {
    /// Data set, tokenizer, schedule, accuracy; needs neither weights nor device.
    case head
    /// Weights, kernels, inference; needs no data set.
    case worker
    /// Everything in one process.
    case both
}
