import CPluginAPI
import JSON
import Kernels
import Numerics
import PluginAPI
import Quantization
import Synchronization
import TextGeneration
import Tokenizers

/// MLPerf's llama2-70b, for any Llama checkpoint: prompts as token ids in, greedily chosen token ids out.
final class Llama2: Workload {
    static let declaration = WorkloadDeclaration(
        id: "mlperf.llama2-70b",
        title: "Text generation with Llama-architecture models",
        version: "6.1",
        benchmark: "llama2-70b",
        options: Llama2Options.declarations
    )

    private let host: Host
    private let dataset: String?
    private let head: Head?
    private let worker: Worker?
    private let examples = KernelExamples()
    private let benchmarks = KernelBenchmarks()
    /// What the quantiser asks for.
    let calibration: Calibration
    /// The score that `beginAccuracy` began; nil before it and after its end.
    var score: AccuracyScore?
    /// What a score must reach.
    let targets: AccuracyTargets

    /// What a head has.
    private final class Head {
        let tokenizer: (any Tokenizer)?
        let vocabulary: Int?
        let context: Int?
        var prompts: PromptStore?
        var loaded: [Bool] = []

        init(tokenizer: (any Tokenizer)?, vocabulary: Int?, context: Int?) {
            self.tokenizer = tokenizer
            self.vocabulary = vocabulary
            self.context = context
        }
    }

    /// What a worker has.
    private final class Worker {
        let configuration: LlamaConfiguration
        let tensors: LlamaTensors
        let options: GenerationOptions
        let activations: ActivationChoice
        let device: DeviceTarget
        /// The scales that stand alone, kept on the host as they are placed.
        let scalars = Mutex<[Float]>([])
        var model: LlamaModel?
        var engine: GenerationEngine?

        init(
            configuration: LlamaConfiguration,
            tensors: LlamaTensors,
            options: GenerationOptions,
            activations: ActivationChoice,
            device: DeviceTarget
        ) {
            self.configuration = configuration
            self.tensors = tensors
            self.options = options
            self.activations = activations
            self.device = device
        }

        /// What is computed with, for the log.
        var description: String {
            "model_config.activations=\(activations.rawValue): \(tensors.summary); key-value cache: "
                + tensors.cache.description
        }
    }

    init(host: Host, configuration: Configuration) throws {
        self.host = host
        dataset = configuration.dataset
        targets = try AccuracyTargets(configuration)
        worker = configuration.role == .head ? nil : try FileErrors.named { try Self.worker(configuration) }
        let config = worker?.configuration
        calibration = Calibration(config.flatMap { $0.quantization == nil ? $0 : nil }, host: host)
        head =
            configuration.role == .worker ? nil : try FileErrors.named { try Self.head(configuration, config) }
    }

    private static func worker(_ configuration: Configuration) throws -> Worker {
        guard let folder = configuration.model else {
            throw PluginError(.invalidArgument, "model: a worker needs the folder of a checkpoint; give --model")
        }
        guard configuration.deviceCount == 1 else {
            throw PluginError(
                .unsupported,
                "devices: a group of \(configuration.deviceCount) devices is not supported; set devices_per_instance to 1"
            )
        }
        let config = try LlamaConfiguration(folder: folder)
        let activations = try Llama2Options.activations(configuration)
        let tensors = try LlamaTensors(
            config,
            checkpoint: QuantizedCheckpoint(folder: folder),
            activations: activations,
            kvCache: Llama2Options.kvCache(configuration),
            backend: podium_backend_of(configuration.device.kind, configuration.device.architecture)
        )
        return Worker(
            configuration: config,
            tensors: tensors,
            options: try Llama2Options.generation(
                configuration,
                endTokens: config.endTokens,
                cacheType: tensors.cache.type
            ),
            activations: activations,
            device: configuration.device
        )
    }

    /// A head makes do without a model where the data set holds token ids.
    private static func head(_ configuration: Configuration, _ config: LlamaConfiguration?) throws -> Head {
        guard let folder = configuration.model else { return Head(tokenizer: nil, vocabulary: nil, context: nil) }
        guard FileSystem.isFolder(folder) else { throw PluginError(.notFound, "\(folder): there is no such folder") }
        let hasTokenizer = ["tokenizer.model", "tokenizer.json"].contains { FileSystem.exists(folder + "/" + $0) }
        let tokenizer = hasTokenizer ? try loadTokenizer(folder: folder) : nil
        let config =
            try config ?? (FileSystem.exists(folder + "/config.json") ? LlamaConfiguration(folder: folder) : nil)
        return Head(
            tokenizer: tokenizer,
            vocabulary: config?.vocabulary ?? tokenizer?.vocabularySize,
            context: config?.context
        )
    }

    func prepare() throws {
        if let head, let dataset {
            let files = PromptFiles(
                path: dataset,
                tokenizer: head.tokenizer,
                vocabulary: head.vocabulary,
                context: head.context
            )
            let prompts = try FileErrors.named { try files.read() }
            head.prompts = prompts
            head.loaded = [Bool](repeating: false, count: prompts.count)
        }
        if let worker {
            guard let model = worker.model else {
                throw PluginError(.invalidState, "prepare: the weights were not bound")
            }
            host.log(.info, worker.description)
            do {
                worker.engine = try GenerationEngine(model: model, options: worker.options, host: host)
            } catch let error as PluginError where error.status == .outOfMemory {
                let room = MemoryAdvice(model: model, options: worker.options)
                throw PluginError(.outOfMemory, "\(error.message); " + room.sentence(on: try host.devices()))
            }
        }
    }

    func start() throws { try worker?.engine?.start() }

    func stop() throws {
        guard let engine = worker?.engine else { return }
        engine.stop()
        host.log(.debug, "text generation: \(engine.statistics)")
    }
}

// MARK: The head's abilities

extension Llama2: DatasetProviding, TokenizerProviding {
    private func prompts() throws -> PromptStore {
        guard let prompts = head?.prompts else {
            throw PluginError(.notFound, "there is no data set; give --dataset")
        }
        return prompts
    }

    private func check(_ index: UInt64, _ prompts: PromptStore) throws -> Int {
        guard index < UInt64(prompts.count) else {
            throw PluginError(.invalidArgument, "there is no sample \(index); the data set has \(prompts.count)")
        }
        return Int(index)
    }

    func datasetSize() throws -> (total: UInt64, performance: UInt64) {
        let count = UInt64(try prompts().count)
        return (count, count)
    }

    func load(_ indices: UnsafeBufferPointer<UInt64>) throws {
        let prompts = try prompts()
        for index in indices { head?.loaded[try check(index, prompts)] = true }
    }

    func unload(_ indices: UnsafeBufferPointer<UInt64>) throws {
        let prompts = try prompts()
        for index in indices { head?.loaded[try check(index, prompts)] = false }
    }

    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64) {
        let prompts = try prompts()
        let sample = try check(index, prompts)
        guard let head, head.loaded[sample] else {
            throw PluginError(.invalidState, "payload: sample \(index) is not loaded")
        }
        let prompt = prompts[sample]
        return (
            mlp_bytes(data: prompt.baseAddress, size: UInt64(prompt.count * MemoryLayout<Int32>.stride)),
            UInt64(prompt.count)
        )
    }

    var vocabularySize: UInt32 { UInt32(clamping: head?.tokenizer?.vocabularySize ?? 0) }

    private func tokenizer() throws -> any Tokenizer {
        guard let tokenizer = head?.tokenizer else {
            throw PluginError(
                .unsupported,
                "there is no tokenizer: this instance is a worker, or the model folder has none"
            )
        }
        return tokenizer
    }

    /// What an accuracy log is scored with.
    func accuracySources() throws -> (references: ReferenceTexts, count: Int, tokenizer: any Tokenizer) {
        let count = try prompts().count
        guard let dataset else { throw PluginError(.notFound, "there is no data set; give --dataset") }
        return (try ReferenceTexts(dataset: dataset, count: count), count, try tokenizer())
    }

    func encode(_ text: UnsafeRawBufferPointer) throws -> [UInt32] {
        let tokenizer = try tokenizer()
        return try FileErrors.named(.invalidArgument) {
            try tokenizer.encode([UInt8](text), addSpecialTokens: false)
        }
    }

    func decode(_ tokens: UnsafeBufferPointer<UInt32>) throws -> [UInt8] {
        let tokenizer = try tokenizer()
        return try FileErrors.named(.invalidArgument) {
            try tokenizer.decode([UInt32](tokens), skipSpecialTokens: true)
        }
    }
}

// MARK: The worker's abilities

extension Llama2: WeightsProviding, KernelsProviding, InferenceProviding {
    static let claims: InferenceClaims = [.tokens, .deterministic, .batchInvariant]

    var tensors: [TensorDeclaration] { worker?.tensors.declarations ?? [] }

    var placements: [PlacementDeclaration] { worker?.tensors.placements ?? [] }

    func place(
        _ placement: Int,
        shard: Int,
        of shardCount: Int,
        sources: UnsafeBufferPointer<mlp_bytes>,
        into destination: UnsafeMutableRawPointer
    ) throws {
        guard let fills = worker?.tensors.fills, fills.indices.contains(placement) else {
            throw PluginError(.invalidArgument, "place: there is no placement \(placement)")
        }
        try FileErrors.named {
            try fills[placement].fill(
                destination,
                from: sources.map { UnsafeRawBufferPointer(start: $0.data, count: Int(clamping: $0.size)) }
            )
        }
        if let worker, worker.tensors.scalars == placement {
            let floats = destination.assumingMemoryBound(to: Float.self)
            worker.scalars.withLock { scalars in
                scalars = (0..<worker.tensors.scalarCount).map { floats[$0] }
            }
        }
    }

    func bind(
        device: UInt32,
        tensors: UnsafeBufferPointer<mlp_bound>,
        placements: UnsafeBufferPointer<mlp_bound>
    ) throws {
        guard let worker else { throw PluginError(.invalidState, "bind: a head has no weights") }
        guard device == 0 else {
            throw PluginError(.invalidArgument, "bind: there is no device \(device) in this group")
        }
        worker.model = try LlamaModel(
            configuration: worker.configuration,
            tensors: worker.tensors,
            bound: tensors,
            placed: placements,
            scalars: worker.scalars.withLock { $0 },
            isMapped: worker.device.kind == MLP_DEVICE_CPU
        )
    }

    var kernels: UnsafeBufferPointer<mlp_kernel> {
        var count: UInt32 = 0
        let table = podium_kernels(&count)
        return UnsafeBufferPointer(start: table, count: Int(count))
    }

    var kernelFamilies: UnsafeBufferPointer<mlp_kernel_family> {
        var count: UInt32 = 0
        let table = podium_families(&count)
        return UnsafeBufferPointer(start: table, count: Int(count))
    }

    func kernelExample(kernel: UInt32, number: UInt32, target: DeviceTarget) throws -> KernelExample? {
        try examples.example(kernel: kernel, number: number, target: target)
    }

    func kernelBenchmark(kernel: UInt32, number: UInt32, target: DeviceTarget) throws -> KernelBenchmark? {
        benchmarks.benchmark(kernel: kernel, number: number, target: target)
    }

    private func engine() throws -> GenerationEngine {
        guard let engine = worker?.engine else {
            throw PluginError(.invalidState, "this instance is a head and computes nothing, or it is not prepared")
        }
        return engine
    }

    func warmUp() throws { try engine().warmUp() }

    func issue(_ queries: UnsafeBufferPointer<mlp_query>) throws { try engine().issue(queries) }

    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) throws { try engine().cancel(ids) }
}
