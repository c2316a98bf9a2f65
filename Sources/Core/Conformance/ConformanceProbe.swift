import CPluginAPI
import Glibc
import JSON

/// What a rule's test works with: the plugin as the user configured it, in this process, and one role.
final class ConformanceProbe: @unchecked Sendable {
    /// The plugin's name as given.
    let plugin: String
    /// The role under test.
    let role: String
    let configuration: ConformanceConfiguration
    private var opened: PluginLibrary?

    init(configuration: ConformanceConfiguration, role: String) {
        plugin = configuration.plugin
        self.configuration = configuration
        self.role = role
    }

    /// Stops the test: it cannot be made.
    struct Skip: Error { var reason: String }

    /// The library, loaded once.
    func library() throws -> PluginLibrary {
        if let opened { return opened }
        let library = try PluginLibrary(named: plugin)
        opened = library
        return library
    }

    /// Position and description of the workload under test.
    func workload() throws -> (position: Int, description: WorkloadDescription) {
        let library = try library()
        guard let id = configuration.workload else { return (0, library.workloads[0]) }
        guard let position = library.workloads.firstIndex(where: { $0.id == id }) else {
            throw Skip(reason: "the library has no workload \(id)")
        }
        return (position, library.workloads[position])
    }

    /// The request for an instance in a role.
    func request(role: String? = nil, threads: Int = 2) throws -> InstanceRequest {
        let (position, description) = try workload()
        let options = try WorkloadOptions(declaration: description.options, workload: description.id)
        let resolved = try options.resolve(configuration.options)
        let role = role ?? self.role
        var request = InstanceRequest(
            workload: position,
            role: role,
            model: configuration.model,
            dataset: role == "worker" ? nil : configuration.dataset,
            options: .object(resolved),
            threads: threads
        )
        request.limits = configuration.limits
        return request
    }

    /// A new instance, in state created.
    func instance(role: String? = nil, threads: Int = 2) throws -> LoadedInstance {
        do {
            let request = try request(role: role, threads: threads)
            return try LoadedInstance(library: try library(), request: request) { _, _ in }
        } catch let fault as PluginFault where fault.kind == .refused && !configuration.hasFiles {
            throw Skip(reason: "needs a model or a data set: \(fault.reason)")
        }
    }

    /// A new instance, in state ready.
    func readyInstance(role: String? = nil, threads: Int = 2) throws -> LoadedInstance {
        let instance = try instance(role: role, threads: threads)
        do {
            try instance.prepare()
        } catch let fault as PluginFault where fault.kind == .refused && !configuration.hasFiles {
            throw Skip(reason: "needs a model or a data set: \(fault.reason)")
        }
        return instance
    }

    /// A running instance with loaded samples.
    ///
    /// In the role of a worker the payloads come from a head instance of the same plugin, as they would over a network.
    func session(samples wanted: Int, threads: Int = 2) throws -> ConformanceSession {
        let sink = RecordingSink()
        let worker = try readyInstance(threads: threads)
        let head: LoadedInstance
        if role == "worker" {
            head = try readyInstance(role: "head")
        } else {
            head = worker
        }
        let size = try head.datasetSize()
        let count = min(UInt64(wanted), size.performance)
        let indices = Array(0..<count)
        try head.load(indices)
        try worker.start(results: sink)
        return ConformanceSession(
            worker: worker,
            head: head,
            sink: sink,
            indices: indices,
            patience: 60 * configuration.patience
        )
    }

    /// Skips the test unless the instance offers an extension.
    func need(_ present: Bool, _ id: String) throws {
        if !present { throw Skip(reason: "the workload does not offer \(id)") }
    }
}

/// A running instance with loaded samples, and the results it gave.
final class ConformanceSession {
    let worker: LoadedInstance
    let head: LoadedInstance
    let sink: RecordingSink
    let indices: [UInt64]
    private let patience: Double

    /// A session of instances that run already; `patience`: seconds that samples may take after flush.
    init(worker: LoadedInstance, head: LoadedInstance, sink: RecordingSink, indices: [UInt64], patience: Double) {
        self.worker = worker
        self.head = head
        self.sink = sink
        self.indices = indices
        self.patience = patience
    }

    /// Issues samples as one query and returns their ids.
    @discardableResult
    func issue(_ indices: [UInt64]) throws -> [UInt64] {
        let samples = sink.willIssue(indices)
        guard let payloads = head.payloads else { return [] }
        try samples.withUnsafeBufferPointer { try worker.issue($0, payloads: payloads) }
        return samples.map(\.id)
    }

    /// Issues samples as one query that lies in memory of the caller's.
    func issue(_ indices: [UInt64], queries: UnsafeMutablePointer<mlp_query>) throws {
        guard let table = worker.tables.inference else { return }
        for (position, sample) in sink.willIssue(indices).enumerated() {
            guard let entry = head.payload(sample.index) else { continue }
            queries[position] = mlp_query(
                id: sample.id,
                index: sample.index,
                payload: entry.payload,
                token_count: entry.tokenCount,
                reserved: 0
            )
        }
        let status = table.pointee.issue(worker.plugin, queries, UInt64(indices.count))
        try demand(status == mlp_status(MLP_OK), "issue returned \(statusName(status))")
    }

    /// Flushes and waits for every sample.
    func finish() throws {
        try worker.flush()
        try demand(
            sink.waitForAll(within: patience),
            "\(sink.outstandingCount) samples have not completed \(patience) s after flush"
        )
    }

    /// Stops and destroys, and reports every breach seen.
    func close() throws {
        try worker.stop()
        try head.unload(indices)
        try worker.destroy()
        if head !== worker { try head.destroy() }
        try demand(sink.breaches.isEmpty, sink.breaches.prefix(3).joined(separator: "; "))
    }
}

/// What the user configured for a conformance run.
public struct ConformanceConfiguration: Sendable {
    /// Path or bare name of the library.
    public var plugin: String
    /// The workload, where the library has several.
    public var workload: String?
    /// Folder of a model to test with.
    public var model: String?
    /// Data set to test with.
    public var dataset: String?
    /// Settings under `model_config`.
    public var options: [ConfigSetting]
    /// Where the kernels' examples are launched.
    public var device: DeviceSelection

    /// How long calls may take.
    public var limits: CallLimits
    /// What the rules' own time limits are multiplied with: less than 1 where calls are to be short.
    public var patience: Double

    /// The words that say the same to a child process.
    public var words: [String]

    var hasFiles: Bool { model != nil || dataset != nil }

    /// Takes what matters for conformance from a run's configuration.
    public init(_ run: RunConfiguration, words: [String]) {
        plugin = run.plugin
        workload = run.workload
        model = run.modelPath
        dataset = run.datasetPath
        options = run.options
        device = run.device
        limits = CallLimits()
        limits.control = run.callTimeoutSec ?? 10
        limits.work = run.prepareTimeoutSec ?? 120
        patience = min(1, limits.control / 10)
        self.words = words
    }
}
