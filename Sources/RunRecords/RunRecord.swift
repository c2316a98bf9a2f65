public import JSON

/// What a run was and how it ended, as `run.json` in its folder says it.
///
/// The logs of LoadGen say what was measured; this file says what produced them, so that a run can be found again,
/// resumed, judged for a submission and reported.  It is written when a run begins, with ``Status/running``, and again
/// when it has ended; a record that still says `running` belongs to a run that was cut off.
public struct RunRecord: Sendable, Equatable {
    /// How a run ended.
    public enum Status: String, Sendable, CaseIterable {
        /// The run has begun; nothing says that it ended.
        case running
        /// A result that counts.
        case valid
        /// A result that does not count.
        case invalid
        /// The plugin failed.
        case pluginFault = "plugin_fault"
        /// Anything else kept it from a result.
        case failed
    }

    /// One of several instances of the plugin, and its part of the samples.
    public struct Instance: Sendable, Equatable {
        /// Which it is, and its devices.
        public var name: String
        /// Samples that it was given.
        public var samples: Int
        /// Those of them that it did not finish.
        public var unfinished: Int

        /// An instance from its parts.
        public init(name: String, samples: Int, unfinished: Int) {
            self.name = name
            self.samples = samples
            self.unfinished = unfinished
        }
    }

    /// The file's name in the run's folder.
    public static let fileName = "run.json"

    /// How it ended.
    public var status = Status.running
    /// Version of the host.
    public var host = ""
    /// The words of the command line, without the program.
    public var words: [String] = []
    /// Start and end, UTC, ISO 8601; the end is empty while the run goes on.
    public var started = ""
    /// The end.
    public var ended = ""

    /// The library, as the user named it.
    public var plugin = ""
    /// Id of the workload.
    public var workload = ""
    /// What the plugin says of its version.
    public var workloadVersion = ""
    /// MLPerf's name of the benchmark, as in mlperf.conf (`llama2-70b`); empty if there is none.
    public var benchmark = ""
    /// The scenario as users name it: `Offline`, `Server`, `Interactive`, `SingleStream`, `MultiStream`.
    public var scenario = ""
    /// LoadGen's mode: `PerformanceOnly`, `AccuracyOnly`, `SubmissionRun`.
    public var mode = ""
    /// The compliance test that the run belongs to (`TEST06`); empty if none.
    public var audit = ""
    /// `v6.0` or `v6.1`.
    public var round = ""
    /// Who scheduled and judged: `podium`, or `official` and its version (`official 6.0.17`).
    public var engine = "podium"
    /// Whether the round's seeds were put over those that the engine carries.
    public var overridesSeeds = false

    /// The system's name, under which results are filed.
    public var system = ""
    /// Kind of device.
    public var device = ""
    /// Number of devices.
    public var deviceCount = 1
    /// Devices in the group of each instance.
    public var devicesPerInstance = 1
    /// How several instances shared the samples (`round_robin`, ...); empty for one instance.
    public var sharing = ""
    /// What each of several instances was given; empty for one instance, and until the run has ended.
    public var instances: [Instance] = []
    /// Folder of the checkpoint; empty if none was given.
    public var model = ""
    /// File or folder of the data set; empty if none was given.
    public var dataset = ""
    /// The user.conf; empty if none was given.
    public var userConf = ""
    /// Every option of the workload with the value that held.
    public var options = JSON.object(JSONObject([]))
    /// What LoadGen was asked for, each setting under its official name, with full precision; null until it is known.
    ///
    /// It is what the run asked for in the end: conf files, then the command line. An audit.config comes on top of it.
    public var settings = JSON.null

    /// What the resource check found; nil where no manifest was given.
    public var resources: ResourceCheck?
    /// Whether the host offers the run as part of a submission: it does not where seeds were left out, or a model or data
    /// set is not the one of the manifest.
    public var isForSubmission = true
    /// Why the host does not offer it, a sentence each; empty if it does.
    public var submissionObstacles: [String] = []
    /// Why the result does not count, a sentence each.
    public var reasons: [String] = []
    /// The host's own cost for each sample in nanoseconds, measured through the same tables; 0 if not measured.
    public var hostNanosecondsPerSample = 0.0

    /// A record with nothing filled in.
    public init() {}

    /// "2 instances of 1 device, shortest_queue: 120, 136 samples"; empty for one instance.
    public var sharingSentence: String {
        guard !sharing.isEmpty else { return "" }
        let devices = devicesPerInstance == 1 ? "1 device" : "\(devicesPerInstance) devices"
        let count = deviceCount / max(1, devicesPerInstance)
        let samples = instances.map { "\($0.samples)" }.joined(separator: ", ")
        return "\(count) instances of \(devices), \(sharing)" + (samples.isEmpty ? "" : ": \(samples) samples")
    }

    /// Takes the run out of those that may be submitted.
    ///
    /// - Parameter obstacle: Why, as a sentence.
    public mutating func keepFromSubmission(_ obstacle: String) {
        isForSubmission = false
        if !submissionObstacles.contains(obstacle) { submissionObstacles.append(obstacle) }
    }
}

/// The outcome of comparing model and data set with a manifest of hashes.
public struct ResourceCheck: Sendable, Equatable {
    /// The manifest.
    public var manifest: String
    /// Files whose hash was compared.
    public var checkedFiles: Int
    /// What differs, a sentence each; empty if everything is as the manifest says.
    public var mismatches: [String]

    /// An outcome from its parts.
    public init(manifest: String, checkedFiles: Int, mismatches: [String]) {
        self.manifest = manifest
        self.checkedFiles = checkedFiles
        self.mismatches = mismatches
    }
}
