import CPluginAPI

/// One live instance: the workload, its abilities as tables, and the memory that the tables point at.
final class Instance {
    let host: Host
    let workload: any Workload
    let dataset: (any DatasetProviding)?
    let inference: (any InferenceProviding)?
    let tokenizer: (any TokenizerProviding)?
    let accuracy: (any AccuracyProviding)?
    let weights: (any WeightsProviding)?
    let kernels: (any KernelsProviding)?
    let quantization: (any QuantizationProviding)?
    private var tables: [(id: String, table: UnsafeRawPointer)] = []
    private var release: [() -> Void] = []
    var accuracyStrings: [UnsafeMutablePointer<CChar>] = []

    init(host: Host, workload: any Workload) throws {
        self.host = host
        self.workload = workload
        dataset = workload as? any DatasetProviding
        inference = workload as? any InferenceProviding
        tokenizer = workload as? any TokenizerProviding
        accuracy = workload as? any AccuracyProviding
        weights = workload as? any WeightsProviding
        kernels = workload as? any KernelsProviding
        quantization = workload as? any QuantizationProviding
        if dataset != nil { offer(MLP_DATASET, Instance.datasetTable) }
        if let inference { offer(MLP_INFERENCE, Instance.inferenceTable(type(of: inference).claims)) }
        if let tokenizer { offer(MLP_TOKENIZER, Instance.tokenizerTable(tokenizer.vocabularySize)) }
        if accuracy != nil { offer(MLP_ACCURACY, Instance.accuracyTable) }
        if let weights { offer(MLP_WEIGHTS, weightsTable(weights)) }
        if let kernels { offer(MLP_KERNELS, Instance.kernelsTable(kernels)) }
        if let quantization { offer(MLP_QUANTIZE, quantizeTable(quantization)) }
    }

    deinit {
        for string in accuracyStrings { string.deallocate() }
        for action in release.reversed() { action() }
    }

    private func offer<Table>(_ id: String, _ table: Table) {
        tables.append((id, UnsafeRawPointer(keep([table]).baseAddress.unsafelyUnwrapped)))
    }

    /// Copies elements to memory that lives as long as the instance.
    func keep<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, elements.count))
        _ = memory.initialize(from: elements)
        release.append { memory.deallocate() }
        return UnsafeBufferPointer(rebasing: memory[..<elements.count])
    }

    /// Copies a string to memory that lives as long as the instance.
    func keep(_ text: String) -> UnsafePointer<CChar>? {
        keep(Array(text.utf8CString)).baseAddress
    }

    /// The `mlp_plugin` of this instance, which owns it until destroy.
    func publish() -> UnsafePointer<mlp_plugin> {
        let table = UnsafeMutablePointer<mlp_plugin>.allocate(capacity: 1)
        table.initialize(
            to: mlp_plugin(
                struct_size: UInt32(MemoryLayout<mlp_plugin>.size),
                reserved: 0,
                impl: Unmanaged.passRetained(self).toOpaque(),
                extension: { plugin, id in
                    guard let id else { return nil }
                    return Instance.of(plugin)?.table(named: id)
                },
                prepare: { plugin in Instance.call(plugin) { try $0.workload.prepare() } },
                start: { plugin in Instance.call(plugin) { try $0.workload.start() } },
                stop: { plugin in Instance.call(plugin) { try $0.workload.stop() } },
                destroy: { plugin in
                    guard let plugin, let impl = plugin.pointee.impl else { return }
                    Unmanaged<Instance>.fromOpaque(impl).release()
                    UnsafeMutablePointer(mutating: plugin).deallocate()
                }
            )
        )
        return UnsafePointer(table)
    }

    private func table(named id: UnsafePointer<CChar>) -> UnsafeRawPointer? {
        let id = String(cString: id)
        return tables.first { $0.id == id }?.table
    }

    @inline(__always)
    static func of(_ plugin: UnsafePointer<mlp_plugin>?) -> Instance? {
        guard let impl = plugin?.pointee.impl else { return nil }
        return Unmanaged<Instance>.fromOpaque(impl).takeUnretainedValue()
    }

    /// Runs `body` on the instance behind a table; a thrown error becomes a recorded reason and a status.
    @inline(__always)
    static func call(_ plugin: UnsafePointer<mlp_plugin>?, _ body: (Instance) throws -> Void) -> mlp_status {
        guard let instance = of(plugin) else { return .invalidArgument }
        return instance.host.reporting { try body(instance) }
    }
}
