internal import Numerics

/// When each sample of a performance run was due, issued and answered: `samples.safetensors` in the run's folder.
///
/// Samples come in the order in which they were issued, and query `q` holds the samples from `q * samplesPerQuery`.  All
/// times are nanoseconds after the start of the timed part by the clock that LoadGen measures latencies with; -1 stands
/// for what never happened.  A sample's latency is its completion less its query's ``Column/scheduled`` time.
///
/// The file has one tensor for each ``Column``, named by its raw value, and these texts in `__metadata__`: `format` (1),
/// `scenario` and `mode` in LoadGen's words, `samples_per_query`, and whatever else the writer had to say.
public struct SampleTimes: Sendable {
    /// The file's name in the run's folder.
    public static let fileName = "samples.safetensors"

    /// Runs of more samples leave no file unless they are asked for one: 41 bytes each make 172 MB.
    public static let usualLimit = 1 << 22

    /// What the file says of each sample or query; the raw value is the tensor's name.
    public enum Column: String, CaseIterable, Sendable {
        /// For each query: when it was due; latencies count from here.
        case scheduled = "scheduled_ns"
        /// For each query: when it was handed to the system under test.
        case issued = "issued_ns"
        /// For each sample: its place in the sample library.
        case libraryIndex = "library_index"
        /// For each sample: when its first token came, -1 if none was reported.
        case firstToken = "first_token_ns"
        /// For each sample: when its answer was complete, -1 if it never was.
        case completed = "completed_ns"
        /// For each sample: tokens of the answer as the plugin counted them.
        case tokens = "token_count"
        /// For each sample: 1 where the plugin reported failure.
        case failed

        /// Whether there is a value for each query and not for each sample.
        public var isForQueries: Bool { self == .scheduled || self == .issued }

        var type: ElementType {
            switch self {
            case .scheduled, .issued, .firstToken, .completed, .tokens: .i64
            case .libraryIndex: .u64
            case .failed: .u8
            }
        }
    }

    /// What the file says of the whole run.
    public struct Header: Sendable, Equatable {
        /// LoadGen's word for the scenario.
        public var scenario: String
        /// LoadGen's word for the mode.
        public var mode: String
        /// Queries that were issued.
        public var queryCount: Int
        /// Samples in each of them.
        public var samplesPerQuery: Int
        /// Further texts, such as limits and the time of the start.
        public var texts: [String: String]

        /// A header from its parts.
        public init(
            scenario: String,
            mode: String,
            queryCount: Int,
            samplesPerQuery: Int,
            texts: [String: String] = [:]
        ) {
            self.scenario = scenario
            self.mode = mode
            self.queryCount = queryCount
            self.samplesPerQuery = samplesPerQuery
            self.texts = texts
        }
    }

    static let format = "1"

    /// What the file says of the whole run.
    public let header: Header
    /// Samples that were issued.
    public let sampleCount: Int

    let file: SafetensorsFile
}
