import CPluginAPI
import JSON
import Synchronization

/// An instance in this process.
final class LoadedInstance: HeadInstance, WorkerInstance, @unchecked Sendable {
    let library: String
    let workload: WorkloadDescription
    let abilities: Abilities
    let tables: ExtensionTables
    let context: HostContext
    let plugin: UnsafePointer<mlp_plugin>
    private let control: ControlThread
    let limits: CallLimits
    private let role: String
    private let modelFolder: String?
    private let log: HostContext.LogHandler
    private var weights: LoadedWeights?
    private(set) var payloads: PayloadTable?
    private var queries = UnsafeMutableBufferPointer<mlp_query>.allocate(capacity: 1024)
    /// A call never returned, or the instance is destroyed: nothing can be called any more.
    private var isLost = false
    private let hostsState: ProcessState

    private enum WeightsStage { case declaring, finding, binding }

    /// Creates an instance.
    ///
    /// - Parameters:
    ///   - library: Where the workload is.
    ///   - position: Which of its workloads.
    ///   - config: The JSON object that `create` gets.
    ///   - role: "head", "worker" or "both".
    ///   - modelFolder: Where the weights are.
    ///   - devices: The instance's group; nil for a head.
    ///   - limits: How long calls may take.
    ///   - configText: Memory to pass in place of the text of `config`, for the conformance suite.
    ///   - afterCreate: Called when `create` has returned.
    ///   - log: Where the plugin's lines go.
    /// - Throws: `PluginFault`.
    init(
        library: PluginLibrary,
        position: Int,
        config: JSON,
        role: String,
        modelFolder: String?,
        devices: DeviceGroup?,
        limits: CallLimits,
        configText: UnsafePointer<CChar>? = nil,
        afterCreate: (() -> Void)? = nil,
        log: @escaping HostContext.LogHandler
    ) throws {
        self.library = library.path
        workload = library.workloads[position]
        self.limits = limits
        self.role = role
        self.modelFolder = modelFolder
        self.log = log
        let hostsState = ProcessState()
        self.hostsState = hostsState
        let context = HostContext(deviceGroup: devices, log: log)
        self.context = context
        // A plugin's threads may use the host's table after destroy; it stays.
        _ = Unmanaged.passRetained(context)
        let control = ControlThread(name: "control")
        self.control = control
        let table = library.tables[position]
        let text = config.text()
        let path = library.path

        let created = control.call(within: limits.control) { () -> Result<UnsafePointer<mlp_plugin>, PluginFault> in
            var plugin: UnsafePointer<mlp_plugin>?
            let status = text.withCString { table.pointee.create(table, context.table, configText ?? $0, &plugin) }
            afterCreate?()
            let reason = context.takeFailures()
            guard status == mlp_status(MLP_OK) else {
                return .failure(LoadedInstance.fault(library: path, call: "create", status: status, reason: reason))
            }
            guard let plugin else {
                return .failure(
                    PluginFault(.contract, library: path, call: "create", reason: "it returned MLP_OK and no instance")
                )
            }
            return .success(plugin)
        }
        guard let created else { throw PluginFault.hang(library: path, call: "create", seconds: limits.control) }
        plugin = try created.get()
        try LoadedInstance.check(hostsState, library: path, call: "create")
        try LoadedInstance.check(plugin, library: path)
        let found = plugin
        let tables = control.call(within: limits.control) { Result { try ExtensionTables(of: found, library: path) } }
        guard let tables else { throw PluginFault.hang(library: path, call: "extension", seconds: limits.control) }
        self.tables = try tables.get()
        abilities = Abilities(
            extensions: self.tables.names,
            claims: self.tables.inference?.pointee.claims ?? 0,
            vocabulary: self.tables.tokenizer?.pointee.vocabulary ?? 0
        )
        if role != "worker", self.tables.dataset == nil {
            throw PluginFault(
                .contract,
                library: path,
                call: "extension",
                reason: "role \(role): \(MLP_DATASET) is not offered"
            )
        }
        if role != "head", self.tables.inference == nil {
            throw PluginFault(
                .contract,
                library: path,
                call: "extension",
                reason: "role \(role): \(MLP_INFERENCE) is not offered"
            )
        }
        if let devices, role != "head", let kernels = self.tables.kernels {
            do {
                try devices.registerKernels(kernels)
                if let origins = devices.kernels?.origins {
                    log(1, origins.sentence)
                    for note in origins.notes { log(2, note) }
                }
            } catch {
                throw PluginFault(.contract, library: path, call: MLP_KERNELS, reason: "\(error)")
            }
        }
    }

    deinit {
        // A plugin that was never destroyed may still read its weights and payloads: they stay.
        if let weights { _ = Unmanaged.passRetained(weights) }
        if let payloads { _ = Unmanaged.passRetained(payloads) }
        queries.deallocate()
    }

    private static func check(_ plugin: UnsafePointer<mlp_plugin>, library: String) throws {
        func broken(_ reason: String) -> PluginFault {
            PluginFault(.contract, library: library, call: "create", reason: reason)
        }
        guard Int(bitPattern: plugin) % MemoryLayout<mlp_plugin>.alignment == 0 else {
            throw broken("the instance's table is not aligned")
        }
        let table = plugin.pointee
        guard Int(table.struct_size) >= FirstRelease.plugin else {
            throw broken("mlp_plugin.struct_size is \(table.struct_size), below \(FirstRelease.plugin)")
        }
        let required = [
            ("extension", table.extension != nil), ("prepare", table.prepare != nil), ("start", table.start != nil),
            ("stop", table.stop != nil), ("destroy", table.destroy != nil),
        ]
        for (name, present) in required where !present { throw broken("the required function \(name) is NULL") }
    }

    /// What a plugin must leave alone: signal handlers, locale, working folder and standard descriptors are the host's.
    static func check(_ before: ProcessState, library: String, call: String) throws {
        let changes = ProcessState().changes(since: before, including: .hosts)
        guard changes.isEmpty else {
            throw PluginFault(
                .contract,
                library: library,
                call: call,
                reason: changes.joined(separator: "; ") + "; these belong to the host"
            )
        }
    }

    /// What a returned status means: refusals are about what the user gave, the rest is the plugin's.
    private static func fault(library: String, call: String, status: mlp_status, reason: String?) -> PluginFault {
        let refusals = [MLP_INVALID_ARGUMENT, MLP_NOT_FOUND, MLP_IO_ERROR, MLP_UNSUPPORTED, MLP_OUT_OF_MEMORY]
        let isSetUp = [
            "create", "weights", "prepare", "dataset.load", "dataset.size", "quantize.state_size", "quantize.begin",
        ].contains(call)
        let kind: PluginFault.Kind = isSetUp && refusals.contains(Int(status)) ? .refused : .failed
        return PluginFault(
            kind,
            library: library,
            call: call,
            status: status,
            reason: reason ?? "it returned \(statusName(status)) and gave no reason"
        )
    }

    /// Makes a call on the control thread and turns its status into a throw.
    func call(_ name: String, within seconds: Double, _ body: @escaping () -> mlp_status) throws {
        guard !isLost else {
            throw PluginFault(.hang, library: library, call: name, reason: "an earlier call never returned")
        }
        let context = context
        let misuses = context.serviceMisuses.count
        let outcome = control.call(within: seconds) { () -> (mlp_status, String?) in
            _ = context.takeFailures()
            let status = body()
            return (status, context.takeFailures())
        }
        guard let (status, reason) = outcome else {
            isLost = true
            throw PluginFault.hang(library: library, call: name, seconds: seconds)
        }
        guard status == mlp_status(MLP_OK) else {
            var fault = LoadedInstance.fault(library: library, call: name, status: status, reason: reason)
            // What a service refused was the plugin's idea, not the user's.
            if fault.kind == .refused, context.serviceMisuses.count > misuses { fault.kind = .failed }
            throw fault
        }
    }

    // MARK: Life cycle

    func prepare() throws {
        if role != "head", let table = tables.weights {
            try bindWeights(table)
        }
        let plugin = plugin
        try call("prepare", within: limits.work) { plugin.pointee.prepare(plugin) }
        try LoadedInstance.check(hostsState, library: library, call: "prepare")
    }

    private func bindWeights(_ table: UnsafePointer<mlp_weights>) throws {
        guard let devices = context.deviceGroup else {
            throw PluginFault(.failed, library: library, call: "weights", reason: "there is no device to hold them")
        }
        let outcome = Outcome<LoadedWeights>()
        let stage = Outcome<WeightsStage>()
        let (plugin, context, modelFolder, library) = (plugin, context, modelFolder, library)
        do {
            try call("weights", within: limits.work) {
                do throws(WeightsError) {
                    stage.value = .declaring
                    let declared = try WeightDeclarations(table, plugin: library)
                    stage.value = .finding
                    let files = try WeightFiles(declared, modelFolder: modelFolder)
                    stage.value = .binding
                    outcome.value = try LoadedWeights(files, group: devices, plugin: plugin, table: table)
                    return mlp_status(MLP_OK)
                } catch {
                    return context.note(error.status, error.message)
                }
            }
        } catch var fault as PluginFault where fault.kind == .refused {
            // Only the files are the user's.
            if stage.value == .declaring { fault.kind = .contract }
            if stage.value == .binding, [MLP_INVALID_ARGUMENT, MLP_NOT_FOUND].contains(Int(fault.status)) {
                fault.kind = .failed
            }
            throw fault
        }
        weights = outcome.value
        guard let report = weights?.report else { return }
        log(0, report.sentence)
        for note in report.notes { log(2, note) }
    }

    func start(results sink: any ResponseSink) throws {
        context.beginResults(to: sink)
        let plugin = plugin
        try call("start", within: limits.control) { plugin.pointee.start(plugin) }
    }

    func stop() throws {
        let plugin = plugin
        let context = context
        try call("stop", within: limits.control) {
            let status = plugin.pointee.stop(plugin)
            context.endResults()
            return status
        }
        try LoadedInstance.check(hostsState, library: library, call: "running")
    }

    func destroy() throws {
        let plugin = plugin
        try call("destroy", within: limits.control) {
            plugin.pointee.destroy(plugin)
            return mlp_status(MLP_OK)
        }
        isLost = true
        control.close()
        weights = nil
        payloads = nil
        context.close()
        if context.lateResultCount > 0 {
            throw PluginFault(
                .contract,
                library: library,
                call: "complete",
                reason: "\(context.lateResultCount) results came while the instance was not running"
            )
        }
    }

    // MARK: Data set

    func required<Table>(_ table: UnsafePointer<Table>?, _ id: String) throws -> UnsafePointer<Table> {
        guard let table else {
            throw PluginFault(
                .contract,
                library: library,
                call: "extension",
                reason: "\(id) is not offered by this workload"
            )
        }
        return table
    }

    func datasetSize() throws -> (total: UInt64, performance: UInt64) {
        let table = try required(tables.dataset, MLP_DATASET)
        let plugin = plugin
        let outcome = Outcome<(total: UInt64, performance: UInt64)>()
        try call("dataset.size", within: limits.work) {
            var size: (total: UInt64, performance: UInt64) = (0, 0)
            let status = table.pointee.size(plugin, &size.total, &size.performance)
            outcome.value = size
            return status
        }
        let size = outcome.value ?? (0, 0)
        guard size.total > 0 else {
            throw PluginFault(.refused, library: library, call: "dataset.size", reason: "the data set is empty")
        }
        guard size.performance > 0, size.performance <= size.total, size.total < 1 << 40 else {
            throw PluginFault(
                .contract,
                library: library,
                call: "dataset.size",
                reason: "\(size.performance) of \(size.total) samples fit in memory: expected 1 to the total"
            )
        }
        if payloads == nil { payloads = try PayloadTable(count: Int(size.total)) }
        return (size.total, size.performance)
    }

    func load(_ indices: [UInt64]) throws {
        let table = try required(tables.dataset, MLP_DATASET)
        let (plugin, context) = (plugin, context)
        if payloads == nil { _ = try datasetSize() }
        guard let payloads else { return }
        try call("dataset.load", within: limits.work) {
            let status = indices.withUnsafeBufferPointer {
                table.pointee.load(plugin, $0.baseAddress, UInt64($0.count))
            }
            guard status == mlp_status(MLP_OK) else { return status }
            for index in indices {
                var bytes = mlp_bytes(data: nil, size: 0)
                var tokenCount: UInt64 = 0
                let status = table.pointee.payload(plugin, index, &bytes, &tokenCount)
                guard status == mlp_status(MLP_OK) else { return status }
                guard bytes.isReadable else {
                    return context.note(
                        mlp_status(MLP_INTERNAL),
                        "payload of sample \(index): \(bytes.size) bytes at \(bytes.data == nil ? "NULL" : "an address")"
                    )
                }
                payloads.set(index, bytes, tokenCount: tokenCount)
            }
            return status
        }
    }

    func unload(_ indices: [UInt64]) throws {
        let table = try required(tables.dataset, MLP_DATASET)
        let plugin = plugin
        for index in indices { payloads?.remove(index) }
        try call("dataset.unload", within: limits.work) {
            indices.withUnsafeBufferPointer { table.pointee.unload(plugin, $0.baseAddress, UInt64($0.count)) }
        }
    }

    /// The payload of a loaded sample.
    func payload(_ index: UInt64) -> PayloadTable.Entry? { payloads?[index] }

    // MARK: Inference

    func warmUp() throws {
        let table = try required(tables.inference, MLP_INFERENCE)
        let plugin = plugin
        try call("warm_up", within: limits.work) { table.pointee.warm_up(plugin) }
    }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws { makeRoom(samplesPerQuery) }

    private func makeRoom(_ samplesPerQuery: Int) {
        guard samplesPerQuery > queries.count else { return }
        queries.deallocate()
        queries = .allocate(capacity: samplesPerQuery)
        // Offline's one query is large: its pages are touched here and not under the clock.
        queries.initialize(repeating: mlp_query())
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        guard let payloads else {
            throw PluginFault(.failed, library: library, call: "issue", reason: "no sample is loaded")
        }
        try issue(samples, payloads: payloads)
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>, payloads: PayloadTable) throws {
        if samples.count > queries.count { makeRoom(samples.count) }
        for (position, sample) in samples.enumerated() {
            guard let entry = payloads[sample.index] else {
                throw PluginFault(
                    .failed,
                    library: library,
                    call: "issue",
                    reason: "sample \(sample.index) is not loaded"
                )
            }
            queries[position] = mlp_query(
                id: sample.id,
                index: sample.index,
                payload: entry.payload,
                token_count: entry.tokenCount,
                reserved: 0
            )
        }
        try issue(queries: UnsafeBufferPointer(rebasing: queries[..<samples.count]))
    }

    /// Issues queries as they are; their payloads stay valid until they are complete.
    func issue(queries: UnsafeBufferPointer<mlp_query>) throws {
        let table = try required(tables.inference, MLP_INFERENCE)
        try check(table.pointee.issue(plugin, queries.baseAddress, UInt64(queries.count)), "issue")
    }

    func flush() throws {
        let table = try required(tables.inference, MLP_INFERENCE)
        try check(table.pointee.flush(plugin), "flush")
    }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {
        guard let table = tables.inference else { return }
        // On a thread of its own: a plugin that is stuck often holds the lock that cancel wants.
        let call = CancelCall(table: table, plugin: plugin, ids: Array(ids))
        startThread(name: "cancel") { call.make() }
        call.finished.wait(until: monotonicNanoseconds() &+ UInt64(limits.control * 1e9))
    }

    @inline(__always)
    private func check(_ status: mlp_status, _ call: String) throws {
        guard status != mlp_status(MLP_OK) else { return }
        throw LoadedInstance.fault(library: library, call: call, status: status, reason: context.takeFailures())
    }

    // MARK: Scoring and text

    func beginAccuracy() throws {
        let table = try required(tables.accuracy, MLP_ACCURACY)
        let plugin = plugin
        try call("accuracy.begin", within: limits.work) { table.pointee.begin(plugin) }
    }

    func addResponses(_ entries: [AccuracyEntry]) throws {
        let table = try required(tables.accuracy, MLP_ACCURACY)
        let plugin = plugin
        let content = entries.flatMap(\.data)
        try call("accuracy.add", within: limits.work) {
            content.withUnsafeBytes { content in
                var offset = 0
                let responses = entries.map { entry in
                    defer { offset += entry.data.count }
                    return mlp_response(
                        index: entry.index,
                        data: mlp_bytes(data: content.baseAddress.map { $0 + offset }, size: UInt64(entry.data.count)),
                        token_count: entry.tokenCount,
                        reserved: 0
                    )
                }
                return responses.withUnsafeBufferPointer {
                    table.pointee.add(plugin, $0.baseAddress, UInt64($0.count))
                }
            }
        }
    }

    func finishAccuracy() throws -> AccuracyVerdict {
        let table = try required(tables.accuracy, MLP_ACCURACY)
        let plugin = plugin
        let outcome = Outcome<AccuracyVerdict>()
        try call("accuracy.finish", within: limits.work) {
            var report = mlp_accuracy_report()
            report.struct_size = UInt32(MemoryLayout<mlp_accuracy_report>.size)
            let status = table.pointee.finish(plugin, &report)
            if status == mlp_status(MLP_OK) {
                outcome.value = AccuracyVerdict(
                    passed: report.passed == 1,
                    text: report.text.map { String(cString: $0) } ?? "",
                    metrics: report.metrics.map { String(cString: $0) } ?? "[]"
                )
            }
            return status
        }
        return outcome.value ?? AccuracyVerdict(passed: false, text: "", metrics: "[]")
    }

    func encode(_ text: [UInt8]) throws -> [UInt32] {
        let table = try required(tables.tokenizer, MLP_TOKENIZER)
        let plugin = plugin
        return try fill("tokenizer.encode") { (buffer: UnsafeMutableBufferPointer<UInt32>, count) in
            text.withUnsafeBytes {
                table.pointee.encode(
                    plugin,
                    mlp_bytes(data: $0.baseAddress, size: UInt64($0.count)),
                    buffer.baseAddress,
                    UInt64(buffer.count),
                    count
                )
            }
        }
    }

    func decode(_ tokens: [UInt32]) throws -> [UInt8] {
        let table = try required(tables.tokenizer, MLP_TOKENIZER)
        let plugin = plugin
        return try fill("tokenizer.decode") { (buffer: UnsafeMutableBufferPointer<UInt8>, count) in
            tokens.withUnsafeBufferPointer { tokens in
                buffer.withMemoryRebound(to: CChar.self) {
                    table.pointee.decode(
                        plugin,
                        tokens.baseAddress,
                        UInt64(tokens.count),
                        $0.baseAddress,
                        UInt64($0.count),
                        count
                    )
                }
            }
        }
    }

    /// Asks for the size with capacity 0, then for the content.
    private func fill<Element: BinaryInteger & Sendable>(
        _ name: String,
        _ body: @escaping (UnsafeMutableBufferPointer<Element>, UnsafeMutablePointer<UInt64>) -> mlp_status
    ) throws -> [Element] {
        let outcome = Outcome<[Element]>()
        let library = library
        let wrong = Mutex<PluginFault?>(nil)
        try call(name, within: limits.control) {
            var wanted: UInt64 = 0
            let status = body(UnsafeMutableBufferPointer(start: nil, count: 0), &wanted)
            guard status == mlp_status(MLP_OK), wanted > 0 else { return status }
            guard wanted < 1 << 32 else {
                wrong.withLock {
                    $0 = PluginFault(.contract, library: library, call: name, reason: "it reports a count of \(wanted)")
                }
                return status
            }
            var elements = [Element](repeating: 0, count: Int(wanted))
            var written: UInt64 = 0
            let second = elements.withUnsafeMutableBufferPointer { body($0, &written) }
            if second == mlp_status(MLP_OK), written != wanted {
                wrong.withLock {
                    $0 = PluginFault(
                        .contract,
                        library: library,
                        call: name,
                        reason: "it reported a count of \(wanted) and then of \(written)"
                    )
                }
            }
            outcome.value = elements
            return second
        }
        if let fault = wrong.withLock({ $0 }) { throw fault }
        return outcome.value ?? []
    }

    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void) {
        // A plugin that dies in this process takes it along: there is nobody left to call.
    }
}

extension PluginFault {
    static func hang(library: String, call: String, seconds: Double) -> PluginFault {
        PluginFault(
            .hang,
            library: library,
            call: call,
            reason: "it did not return within \(seconds) s"
        )
    }
}
