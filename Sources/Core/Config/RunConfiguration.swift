/// What the user asked for: the configuration file and the command line, read, checked and typed.
///
/// Relative paths are as written; they are relative to the working directory, as in AMD's harness.
public struct RunConfiguration: Sendable, Equatable {
    /// The plugin: path of its library, or a bare name.
    public var plugin: String
    /// Id of the workload in the library; nil: its only one.
    public var workload: String?
    /// MLPerf's name of the benchmark; nil: what the workload says.
    public var benchmark: String?
    /// How queries arrive; nil when it was not said, which a run cannot do without.
    public var scenario: RequestedScenario?
    /// What is measured.
    public var mode = TestMode.performanceOnly
    /// The round whose seeds are used.
    public var round = MLPerfRound.v60
    /// Who schedules and judges.
    public var loadgen = LoadGenEngine.podium
    /// Whether the round's seeds go over those that are compiled into the official LoadGen.
    public var overrideSeeds = false
    /// What this process does.
    public var role = RunRole.both

    /// Whether the plugin runs in a child process.
    public var isolate = false
    /// Which devices.
    public var device = DeviceSelection.cpu
    /// Threads of the pool of a CPU device; 0: one per core.
    public var threads = 0
    /// Number of devices.
    public var deviceCount = 1
    /// Devices in the group that one instance drives; divides `deviceCount`.
    public var devicesPerInstance = 1
    /// How several instances share the samples.
    public var sharing = SharingPolicy.shortestQueue
    /// Whether workers on other nodes were asked for (`--backend zmq`).
    public var usesCluster = false
    /// Port of the head for workers; the next one belongs to it as well.
    public var port: Int?
    /// Name of this worker's node.
    public var nodeId: String?
    /// Address of the head, as host:port, for a worker.
    public var headnodeAddress: String?

    /// Folder of the checkpoint.
    public var modelPath: String?
    /// File or folder of the data set, the one for accuracy runs where there is another.
    public var datasetPath: String?
    /// Folder for the log files.
    public var outputLogDir: String?
    /// Where runs go that name no output folder.
    public var resultsDir = "results"
    /// Name of the system; nil: the machine's.
    public var systemName: String?
    /// A compliance test's audit.config; nil: that of the working directory, where there is one.
    public var auditConfPath: String?
    /// The compliance test that the run belongs to; nil: what the audit.config's path says.
    public var auditTest: String?
    /// Manifest with which model and data set are compared; nil: they are not.
    public var resourceManifest: String?
    /// Whether a difference from the manifest ends the run.
    public var abortsOnResourceMismatch = false
    /// File that keeps hashes; nil: the usual one.
    public var resourceCache: String?
    /// MLPerf's user.conf.
    public var userConfPath: String?
    /// An mlperf.conf in place of the built-in one.
    public var mlperfConfPath: String?

    /// Expected rate, over that of the conf files; nil: theirs holds.
    ///
    /// Never 0.
    public var targetQps: Double?
    /// Least and greatest duration in seconds, over those of the conf files.
    public var durationSec: Double?
    /// The first so many samples of the data set are used and issued; nil: all.
    ///
    /// Never 0.
    public var totalSampleCount: Int?
    /// Least number of queries, over that of the conf files.
    public var minQueryCount: Int?
    /// Greatest number of queries, over that of the conf files; 0: no limit.
    public var maxQueryCount: Int?

    /// Whether to warm up before the clock starts.
    public var enableWarmup = true
    /// Seconds without progress after which the run is ended; nil: never.
    public var watchdogSec: Double? = 600
    /// Seconds that a call of the plugin that should be short may take; nil: the default.
    public var callTimeoutSec: Double?
    /// Seconds that a call that loads, warms up or scores may take; nil: the default.
    public var prepareTimeoutSec: Double?
    /// Whether the seeds stay 0 instead of the round's.
    public var seedless = false
    /// Whether conf files are read by what they seem to say, and an end by an upper limit is no error.
    public var isLenient = false
    /// Whether LoadGen's trace file is written.
    public var enableLogTrace = false
    /// Folder of an earlier run whose queries are issued again.
    public var replay: String?

    /// Whether every result is written to a file.
    public var dumpsModelOutput = false
    /// That file; nil: in the run's folder.
    public var modelOutputPath: String?
    /// Whether the latency of every sample is written to a file.
    public var recordsSampleLatencies = false
    /// That file; nil: in the run's folder.
    public var latencyOutputPath: String?
    /// Whether the number of finished samples is printed.
    public var printsFinished = false
    /// Samples of a smaller data set to draw; nil: the whole is used.
    public var datasetSamplingSize: Int?
    /// Bins of lengths of that draw.
    public var datasetSamplingBins = 10
    /// Seed of that draw.
    public var datasetSamplingSeed = 42

    /// What was written under `model_config`, by name in order; `WorkloadOptions.resolve` checks it.
    public var options: [ConfigSetting] = []
    /// What the user should be told: settings that were read but have no effect.
    public var notices: [String] = []
    /// The configuration file that was read, if any.
    public var configFile: String?

    /// The defaults, for a plugin.
    ///
    /// - Parameter plugin: Path of its library, or a bare name.
    public init(plugin: String) {
        self.plugin = plugin
    }

    /// The scenario.
    ///
    /// - Throws: `ConfigError` when none was given.
    public var requiredScenario: RequestedScenario {
        get throws(ConfigError) {
            guard let scenario else {
                let names = RequestedScenario.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigError("no scenario is given: --scenario NAME, one of \(names)")
            }
            return scenario
        }
    }

    /// How long calls of the plugin may take in a run.
    public var callLimits: CallLimits {
        var limits = CallLimits()
        limits.control = callTimeoutSec ?? limits.control
        limits.work = prepareTimeoutSec ?? limits.work
        return limits
    }

    /// The number of plugin instances.
    public var instanceCount: Int { deviceCount / devicesPerInstance }
}
