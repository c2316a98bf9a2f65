public import CPluginAPI

/// `mlp.dataset/1`: the benchmark's samples, on the node that runs LoadGen.
public protocol DatasetProviding: Workload {
    /// How many samples there are, and how many fit in memory at once.
    func datasetSize() throws -> (total: UInt64, performance: UInt64)
    /// Brings samples into memory.
    func load(_ indices: UnsafeBufferPointer<UInt64>) throws
    /// Lets them go.
    func unload(_ indices: UnsafeBufferPointer<UInt64>) throws
    /// The bytes of a loaded sample, valid until unload, and their length in tokens (0 if that makes no sense).
    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64)
}

/// `mlp.inference/1`: the system under test.
public protocol InferenceProviding: Workload {
    /// What the results promise.
    static var claims: InferenceClaims { get }
    /// Untimed, with synthetic data.
    func warmUp() throws
    /// Takes queries over and returns at once.
    func issue(_ queries: UnsafeBufferPointer<mlp_query>) throws
    /// Nothing more is coming for now: hold nothing back to fill a batch.
    func flush() throws
    /// The samples named complete soon, with `MLP_CANCELLED` or with the result they had.
    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) throws
}

extension InferenceProviding {
    /// Nothing to warm up.
    public func warmUp() throws {}
    /// Nothing held back.
    public func flush() throws {}
}

/// The promises of `mlp_inference.claims`.
public struct InferenceClaims: OptionSet, Sendable {
    /// The bits of `mlp_inference.claims`.
    public let rawValue: UInt32

    /// Claims from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Results are tokens: first tokens are reported and token counts filled in.
    public static let tokens = InferenceClaims(rawValue: UInt32(MLP_TOKENS))
    /// The same payload gives the same bytes in every run on this machine.
    public static let deterministic = InferenceClaims(rawValue: UInt32(MLP_DETERMINISTIC))
    /// The same bytes whatever else is in flight.
    public static let batchInvariant = InferenceClaims(rawValue: UInt32(MLP_BATCH_INVARIANT))
}

/// `mlp.tokenizer/1`: text in, tokens out, and back.
public protocol TokenizerProviding: Workload {
    /// Token ids are below this; 0 if this instance's role has no tokenizer.
    var vocabularySize: UInt32 { get }
    /// The tokens of a text, without special tokens added.
    func encode(_ text: UnsafeRawBufferPointer) throws -> [UInt32]
    /// The text of tokens, as UTF-8.
    func decode(_ tokens: UnsafeBufferPointer<UInt32>) throws -> [UInt8]
}

/// `mlp.accuracy/1`: scoring of an accuracy log.
public protocol AccuracyProviding: Workload {
    /// Starts a new score.
    func beginAccuracy() throws
    /// Takes entries of the log, in order.
    func addResponses(_ responses: UnsafeBufferPointer<mlp_response>) throws
    /// Ends the score.
    func finishAccuracy() throws -> AccuracyReport
}

/// The result of scoring an accuracy log.
public struct AccuracyReport: Sendable {
    /// Whether every target is met.
    public var passed: Bool
    /// What the submission checker reads: the body of accuracy.txt.
    public var text: String
    /// JSON: `[{"name":..., "value":..., "minimum":..., "maximum":...}, ...]`.
    public var metrics: String

    /// A report from its parts.
    public init(passed: Bool, text: String, metrics: String) {
        self.passed = passed
        self.text = text
        self.metrics = metrics
    }
}

/// `mlp.weights/1`: the tensors that the host finds, checks and puts on the devices.
public protocol WeightsProviding: Workload {
    /// Tensors as they stand in the checkpoint's headers; final after `init`.
    var tensors: [TensorDeclaration] { get }
    /// What is made of tensors in another layout; final after `init`.
    var placements: [PlacementDeclaration] { get }
    /// Fills `destination` for one device of the group from whole source tensors.  Any thread.
    func place(
        _ placement: Int,
        shard: Int,
        of shardCount: Int,
        sources: UnsafeBufferPointer<mlp_bytes>,
        into destination: UnsafeMutableRawPointer
    ) throws
    /// Takes the device addresses of tensors and placements, in the order declared; they live as long as the instance.
    func bind(
        device: UInt32,
        tensors: UnsafeBufferPointer<mlp_bound>,
        placements: UnsafeBufferPointer<mlp_bound>
    ) throws
}

extension WeightsProviding {
    /// No placements.
    public var placements: [PlacementDeclaration] { [] }
    /// No placements to fill.
    public func place(
        _ placement: Int,
        shard: Int,
        of shardCount: Int,
        sources: UnsafeBufferPointer<mlp_bytes>,
        into destination: UnsafeMutableRawPointer
    ) throws {
        throw PluginError(.invalidArgument, "place: there is no placement \(placement)")
    }
}

/// One `mlp_tensor`.
public struct TensorDeclaration: Sendable {
    /// As in the checkpoint.
    public var name: String
    /// Subfolder of the model folder, or nil.
    public var folder: String?
    /// Stored elements along each axis.
    public var shape: [UInt64]
    /// `MLP_F32`, `MLP_BF16`, ...
    public var dtype: Int32
    /// `MLP_TENSOR_...` bits.
    public var flags: UInt32
    /// Index of the tensor that scales this one, or `MLP_NO_SCALES`.
    public var scales: Int32
    /// Elements of the last axis that share a scale; 0: the whole tensor does.
    public var block: UInt32
    /// The axis split across the group, or `MLP_REPLICATED`.
    public var shardAxis: Int32

    /// A tensor from its parts; most are neither scaled nor sharded.
    public init(
        name: String,
        folder: String? = nil,
        shape: [UInt64],
        dtype: Int32,
        flags: UInt32 = 0,
        scales: Int32 = Int32(MLP_NO_SCALES),
        block: UInt32 = 0,
        shardAxis: Int32 = Int32(MLP_REPLICATED)
    ) {
        self.name = name
        self.folder = folder
        self.shape = shape
        self.dtype = dtype
        self.flags = flags
        self.scales = scales
        self.block = block
        self.shardAxis = shardAxis
    }
}

/// One `mlp_placement`.
public struct PlacementDeclaration: Sendable {
    /// For messages and the cache.
    public var name: String
    /// Indices of the tensors it is made of.
    public var sources: [UInt32]
    /// Bytes on each device of the group.
    public var size: UInt64

    /// A placement from its parts.
    public init(name: String, sources: [UInt32], size: UInt64) {
        self.name = name
        self.sources = sources
        self.size = size
    }
}

/// `mlp.kernels/1`: the kernels that `launch` takes by index.
public protocol KernelsProviding: Workload {
    /// The kernels; memory that lives as long as the library.
    var kernels: UnsafeBufferPointer<mlp_kernel> { get }
    /// The families that the kernels belong to; memory that lives as long as the library.
    var kernelFamilies: UnsafeBufferPointer<mlp_kernel_family> { get }
    /// A worked example of a kernel, valid until the next call, or nil after the last.
    func kernelExample(kernel: UInt32, number: UInt32, target: DeviceTarget) throws -> KernelExample?
    /// A launch of real size, to be timed; valid until the next call, or nil after the last.
    func kernelBenchmark(kernel: UInt32, number: UInt32, target: DeviceTarget) throws -> KernelBenchmark?
}

extension KernelsProviding {
    /// No examples.
    public func kernelExample(kernel: UInt32, number: UInt32, target: DeviceTarget) throws -> KernelExample? { nil }

    /// No benchmarks.
    public func kernelBenchmark(
        kernel: UInt32,
        number: UInt32,
        target: DeviceTarget
    ) throws -> KernelBenchmark? { nil }
}

/// One `mlp_kernel_example` of `benchmark`.
public struct KernelBenchmark {
    /// Grid and arguments; buffers with `MLP_ARG_RANDOM` are filled by the host.
    public var launch: KernelExample
    /// What it is a case of; memory that the workload keeps until its next benchmark.
    public var title: UnsafePointer<CChar>
    /// Bytes that the launch must read and write, each once.
    public var bytes: UInt64
    /// Operations that it must do; a multiply-add counts as two.
    public var operations: UInt64

    /// A benchmark from its parts.
    public init(launch: KernelExample, title: UnsafePointer<CChar>, bytes: UInt64, operations: UInt64) {
        self.launch = launch
        self.title = title
        self.bytes = bytes
        self.operations = operations
    }
}

/// One `mlp_kernel_example`.
public struct KernelExample {
    /// The grid for the target asked for.
    public var grid: mlp_grid
    /// One for each argument of the signature; memory that the workload keeps until its next example.
    public var arguments: UnsafeBufferPointer<mlp_kernel_arg>

    /// An example from its parts.
    public init(grid: mlp_grid, arguments: UnsafeBufferPointer<mlp_kernel_arg>) {
        self.grid = grid
        self.arguments = arguments
    }
}
