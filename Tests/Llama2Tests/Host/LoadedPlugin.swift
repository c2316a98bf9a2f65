import CPluginAPI
import JSON
import Numerics

/// The plugin as a host sees it: tables only, with weights bound from the checkpoint's files.
final class LoadedPlugin {
    struct Failure: Error, CustomStringConvertible {
        var call: String
        var status: mlp_status
        var reason: String
        var description: String { "\(call): \(status): \(reason)" }
    }

    let host: TestHost
    let plugin: UnsafePointer<mlp_plugin>
    private var checkpoint: Checkpoint?
    /// Bytes of the tensors that the plugin uses as they stand in the files.
    private(set) var mappedBytes: UInt64 = 0
    /// Bytes of its placements.
    private(set) var placedBytes: UInt64 = 0
    private var copies: [UnsafeMutableRawPointer] = []
    private var payloads: [UnsafeMutableBufferPointer<Int32>] = []
    private var issued: mlp_sample_id = 0

    /// Every option of the workload with its default.
    static let defaults: [(String, JSON)] = [
        ("max_new_tokens", 24), ("min_new_tokens", 0), ("stop_at_eos", false), ("max_batch", 8), ("prefill_chunk", 64),
        ("page_size", 16), ("kv_cache_tokens", 4096), ("accuracy_target", "99.9"), ("reference_rouge1", 44.4312),
        ("reference_rouge2", 22.0352), ("reference_rougel", 28.6162), ("reference_tokens_per_sample", 294.45),
        ("accuracy_samples", 0), ("activations", "exact"), ("kv_cache", "auto"),
        ("steps_in_flight", "auto"),
    ]

    init(
        host: TestHost,
        role: String = "both",
        model: String?,
        dataset: String? = nil,
        devices: Int = 1,
        options: [(String, JSON)] = []
    ) throws {
        self.host = host
        var all = JSONObject(Self.defaults)
        for (key, value) in options { all.updateValue(value, forKey: key) }
        var config: JSONObject = ["role": .string(role), "devices": .integer(Int64(devices)), "options": .object(all)]
        if let model { config.updateValue(.string(model), forKey: "model") }
        if let dataset { config.updateValue(.string(dataset), forKey: "dataset") }
        let workload = mlp_library_v1()!.pointee.workloads[0]!
        var created: UnsafePointer<mlp_plugin>?
        let status = workload.pointee.create(workload, host.table, JSON.object(config).text(), &created)
        guard status == mlp_status(MLP_OK) else { throw Failure(call: "create", status: status, reason: host.reason) }
        plugin = created!
        if let model, role != "head" { try bindWeights(model) }
    }

    deinit {
        plugin.pointee.destroy(plugin)
        for copy in copies { copy.deallocate() }
        for payload in payloads { payload.deallocate() }
    }

    func extensionTable<Table>(_ id: String, _ type: Table.Type) -> UnsafePointer<Table> {
        plugin.pointee.extension(plugin, id)!.assumingMemoryBound(to: type)
    }

    func check(_ status: mlp_status, _ call: String) throws {
        guard status == mlp_status(MLP_OK) else { throw Failure(call: call, status: status, reason: host.reason) }
    }

    private func bindWeights(_ folder: String) throws {
        let checkpoint = try Checkpoint(folder: folder)
        self.checkpoint = checkpoint
        let weights = extensionTable(MLP_WEIGHTS, mlp_weights.self)
        var bound: [mlp_bound] = []
        var views: [TensorView] = []
        for index in 0..<Int(weights.pointee.tensor_count) {
            let declared = weights.pointee.tensors[index]
            let tensor = try checkpoint.tensor(named: String(cString: declared.name))
            views.append(tensor)
            guard declared.flags & UInt32(MLP_TENSOR_SOURCE) == 0 else {
                bound.append(mlp_bound(data: nil, size: 0))
                continue
            }
            let copy = allocate(tensor.bytes.count)
            copy.copyMemory(from: tensor.bytes.baseAddress!, byteCount: tensor.bytes.count)
            bound.append(mlp_bound(data: copy, size: UInt64(tensor.bytes.count)))
            mappedBytes += UInt64(tensor.bytes.count)
        }
        for index in 0..<Int(weights.pointee.placement_count) {
            let placement = weights.pointee.placements[index]
            let sources = (0..<Int(placement.source_count)).map { number in
                let bytes = views[Int(placement.sources[number])].bytes
                return mlp_bytes(data: bytes.baseAddress, size: UInt64(bytes.count))
            }
            let memory = allocate(Int(placement.size))
            try check(weights.pointee.place(plugin, UInt32(index), 0, 1, sources, memory), "place")
            bound.append(mlp_bound(data: memory, size: placement.size))
            placedBytes += placement.size
        }
        try check(weights.pointee.bind(plugin, 0, bound, UInt32(bound.count)), "bind")
    }

    /// Memory that lives as long as the plugin; all ones are a NaN in every float type.
    private func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, size), alignment: 256)
        memory.initializeMemory(as: UInt8.self, repeating: 0xff, count: size)
        copies.append(memory)
        return memory
    }

    func prepare() throws { try check(plugin.pointee.prepare(plugin), "prepare") }
    func start() throws { try check(plugin.pointee.start(plugin), "start") }
    func stop() throws { try check(plugin.pointee.stop(plugin), "stop") }

    var inference: UnsafePointer<mlp_inference> { extensionTable(MLP_INFERENCE, mlp_inference.self) }

    /// Issues prompts in one call; the ids that follow from 1 are their samples.
    @discardableResult
    func issue(_ prompts: [[Int32]]) throws -> [mlp_sample_id] {
        var queries: [mlp_query] = []
        for prompt in prompts {
            let payload = UnsafeMutableBufferPointer<Int32>.allocate(capacity: max(1, prompt.count))
            _ = payload.initialize(from: prompt)
            payloads.append(payload)
            issued += 1
            queries.append(
                mlp_query(
                    id: issued,
                    index: issued - 1,
                    payload: mlp_bytes(data: payload.baseAddress, size: UInt64(4 * prompt.count)),
                    token_count: UInt64(prompt.count),
                    reserved: 0
                )
            )
        }
        try check(inference.pointee.issue(plugin, queries, UInt64(queries.count)), "issue")
        return queries.map(\.id)
    }

    func cancel(_ ids: [mlp_sample_id]) throws {
        try check(inference.pointee.cancel(plugin, ids, UInt64(ids.count)), "cancel")
    }
}

/// Prepares and starts a plugin, generates, stops and tells what came of each prompt.
func generate(
    _ prompts: [[Int32]],
    model: String,
    host: TestHost = TestHost(),
    options: [(String, JSON)] = []
) throws -> [TestHost.Outcome] {
    let plugin = try LoadedPlugin(host: host, role: "worker", model: model, options: options)
    try plugin.prepare()
    try plugin.start()
    let ids = try plugin.issue(prompts)
    guard host.wait(completions: prompts.count) else {
        throw LoadedPlugin.Failure(call: "issue", status: 0, reason: "only \(host.completionCount) samples completed")
    }
    try plugin.stop()
    return ids.map { host.outcome($0) }
}
