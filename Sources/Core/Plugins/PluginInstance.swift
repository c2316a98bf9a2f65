import CPluginAPI

/// One instance of a workload as the host drives it, whether it lives in this process or in a child.
///
/// Calls other than `issue`, `flush` and `cancel` are made from one thread.  Every call throws `PluginFault` when the
/// plugin fails, breaks the contract, does not return in time, or its process ends.
public protocol PluginInstance: AnyObject, Sendable {
    /// File of the library.
    var library: String { get }
    /// What the library says of the workload.
    var workload: WorkloadDescription { get }
    /// What the instance offers.
    var abilities: Abilities { get }

    /// Finds, checks and binds the weights, then prepares; created -> ready.
    func prepare() throws
    /// Results go to `sink` from here on; ready -> running.
    func start(results sink: any ResponseSink) throws
    /// running -> ready.
    func stop() throws
    /// Ends the instance.
    func destroy() throws

    /// How many samples there are, and how many fit in memory at once.
    func datasetSize() throws -> (total: UInt64, performance: UInt64)
    /// Brings samples into memory.
    func load(_ indices: [UInt64]) throws
    /// Lets them go.
    func unload(_ indices: [UInt64]) throws

    /// Untimed work with synthetic data.
    func warmUp() throws
    /// Makes room for queries of up to so many samples and for ids of so many slots, so that `issue` allocates nothing.
    func reserve(samplesPerQuery: Int, sampleCount: Int) throws
    /// Hands loaded samples over.  One thread at a time.
    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws
    /// Nothing more is coming for now.  The thread of `issue`.
    func flush() throws
    /// Asks for samples to be given up.  Any thread.
    func cancel(_ ids: UnsafeBufferPointer<UInt64>)

    /// Starts a new score of an accuracy log.
    func beginAccuracy() throws
    /// Takes entries of the log, in order.
    func addResponses(_ entries: [AccuracyEntry]) throws
    /// Ends the score.
    func finishAccuracy() throws -> AccuracyVerdict
    /// The tokens of a text.
    func encode(_ text: [UInt8]) throws -> [UInt32]
    /// The text of tokens.
    func decode(_ tokens: [UInt32]) throws -> [UInt8]

    /// Called once, on any thread, if the plugin dies by itself while nothing is waiting for it.
    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void)
}

/// What an instance offers, known after creation.
public struct Abilities: Sendable, Equatable {
    /// Ids of the extensions answered with a table.
    public var extensions: [String]
    /// `mlp_inference.claims`.
    public var claims: UInt32
    /// `mlp_tokenizer.vocabulary`; 0 without a tokenizer.
    public var vocabulary: UInt32

    /// Whether results are tokens.
    public var hasTokens: Bool { claims & UInt32(MLP_TOKENS) != 0 }
    /// Whether an extension is offered.
    public func offers(_ id: String) -> Bool { extensions.contains(id) }
}

/// One entry of an accuracy log.
public struct AccuracyEntry: Sendable {
    /// The sample's place in the data set.
    public var index: UInt64
    /// What the sample completed with.
    public var data: [UInt8]
    /// Tokens in the response; 0 if unknown.
    public var tokenCount: UInt64

    /// An entry from its parts.
    public init(index: UInt64, data: [UInt8], tokenCount: UInt64) {
        self.index = index
        self.data = data
        self.tokenCount = tokenCount
    }
}

/// The result of scoring an accuracy log.
public struct AccuracyVerdict: Sendable {
    /// Whether every target is met.
    public var passed: Bool
    /// The body of accuracy.txt.
    public var text: String
    /// The metrics as JSON.
    public var metrics: String
}

/// How long each kind of call may take before it counts as hung, in seconds.
public struct CallLimits: Sendable {
    /// create, start, stop, destroy and small questions.
    public var control: Double = 60
    /// prepare, load, warm_up, scoring: work that grows with the model or the data set.
    public var work: Double = 3600

    /// The default limits.
    public init() {}
}
