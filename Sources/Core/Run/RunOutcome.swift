/// How a run ended; the raw value is the process's exit status.
public enum RunStatus: Int32, Sendable {
    /// A valid result.
    case valid = 0
    /// Something that no other status says.
    case failed = 1
    /// The run took place and its result does not count.
    case invalid = 2
    /// The plugin failed or broke the contract.
    case pluginFault = 3
    /// The user's input is wrong: command line, configuration, model, data set, output folder.
    case usage = 64

    /// The status that an error ends a process with.
    public init(error: any Error) {
        self =
            switch error {
            case let fault as PluginFault: fault.kind == .refused ? .usage : .pluginFault
            case let error as ConfigError: error.fault == .plugin ? .pluginFault : .usage
            case is LoadGenError, is WeightsError: .usage
            case let error as QuantizeError: error.status
            default: .failed
            }
    }
}

/// What a run leaves behind.
public struct RunOutcome: Sendable {
    /// How it ended.
    public var status: RunStatus
    /// LoadGen's result; nil if it never began.
    public var result: RunResult?
    /// What the plugin did wrong, in the order in which it was found.
    public var faults: [PluginFault] = []
    /// The host's own cost for each sample, in nanoseconds; nil if it was not measured.
    public var hostNanosecondsPerSample: Double?
    /// What each of several instances was given; empty for one instance.
    public var shares: [InstanceShare] = []
}

/// The part of a run's samples that one of several instances was given.
public struct InstanceShare: Sendable, Equatable {
    /// Which instance, and its devices.
    public var name: String
    /// Samples that it was given.
    public var samples: Int
    /// Those of them that it did not finish.
    public var unfinished: Int
}
