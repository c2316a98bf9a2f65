import CPluginAPI
import Synchronization

/// Several instances of a workload behind the interface of one: a head, which has the data set, and a worker for each group
/// of devices, among which the samples are shared.
///
/// A fault names the instance that it came from.
final class InstancePool: HeadInstance, @unchecked Sendable {
    // Unchecked because of the issuing thread's memory.

    /// The most instances that one process drives.
    static let mostInstances = 256
    /// Samples of a large query that are shared out at once: some for each instance, so that the last begins to compute
    /// microseconds after the first.
    private let most: Int

    let workload: WorkloadDescription
    let abilities: Abilities
    /// Who gets what.
    let shares: SampleShares
    private let path: String
    private let head: any HeadInstance
    private let workers: [any WorkerInstance]
    private let names: [String]
    private(set) var payloads: PayloadTable?
    /// Results that an instance gave for samples of another.
    private let foreign = Atomic<Int>(0)
    /// The worker whose `issue` or `flush` is under way; -1: none.
    private let called = Atomic<Int>(-1)
    private let dealt: UnsafeMutableBufferPointer<IssuedSample>
    private let dealtCounts: UnsafeMutableBufferPointer<Int>

    /// Creates the instances.
    ///
    /// - Parameters:
    ///   - plugin: The library.
    ///   - request: What each is created from; its devices and threads are shared out.
    ///   - count: How many workers.
    ///   - policy: How samples are shared among them.
    /// - Throws: `PluginFault` for the first that fails.
    init(_ plugin: any OpenPlugin, _ request: InstanceRequest, count: Int, policy: SharingPolicy) throws {
        path = plugin.path
        let requests = request.shared(among: count)
        names = requests.map { $0.name ?? "" }
        var headRequest = request
        headRequest.role = "head"
        let made = try Self.inParallel([headRequest] + requests) { request in
            do {
                return try plugin.makeInstance(request)
            } catch {
                throw Self.naming(request.name, error)
            }
        }
        guard let head = made.first as? any HeadInstance else { throw Self.unusable(plugin.path) }
        workers = try made.dropFirst().map { instance in
            guard let worker = instance as? any WorkerInstance else { throw Self.unusable(plugin.path) }
            return worker
        }
        self.head = head
        workload = head.workload
        let computing = workers.first?.abilities
        abilities = Abilities(
            extensions: head.abilities.extensions
                + (computing?.extensions.filter { !head.abilities.extensions.contains($0) } ?? []),
            claims: computing?.claims ?? 0,
            vocabulary: head.abilities.vocabulary
        )
        most = min(256 * count, 8192)
        shares = SampleShares(instances: count, policy: policy)
        dealt = .allocate(capacity: count * most)
        dealt.initialize(repeating: IssuedSample(id: 0, index: 0))
        dealtCounts = .allocate(capacity: count)
        dealtCounts.initialize(repeating: 0)
    }

    deinit {
        dealt.deallocate()
        dealtCounts.deallocate()
    }

    /// The library, and the instance where a call of one is under way.
    var library: String {
        let instance = called.load(ordering: .relaxed)
        return instance < 0 ? path : "\(path) (\(names[instance]))"
    }

    /// What each instance was given so far.
    var sharing: [InstanceShare] {
        names.enumerated().map { instance, name in
            InstanceShare(
                name: name,
                samples: shares.givenSamples(instance),
                unfinished: shares.outstandingSamples(instance)
            )
        }
    }

    private static func unusable(_ path: String) -> PluginFault {
        PluginFault(.failed, library: path, call: "create", reason: "instances of this kind cannot share samples")
    }

    // MARK: Several at once

    private static func naming(_ name: String?, _ error: any Error) -> any Error {
        guard let name, var fault = error as? PluginFault else { return error }
        fault.library += " (\(name))"
        return fault
    }

    /// Calls `body` for every element on a thread of its own.
    ///
    /// - Throws: What the first to fail throws, without waiting for the others: loading may take them minutes more.
    private static func inParallel<Element: Sendable, Value: Sendable>(
        _ elements: [Element],
        _ body: @escaping @Sendable (Element) throws -> Value
    ) throws -> [Value] {
        let results = ParallelResults<Value>(elements.count)
        for (place, element) in elements.enumerated() {
            startThread(name: "instance-\(place)") {
                let result = Result { try body(element) }
                results.values.withLock { state in
                    switch result {
                    case .success(let value): state.values[place] = value
                    case .failure(let error): state.failure = state.failure ?? error
                    }
                }
                results.arrived.signal()
            }
        }
        for _ in elements {
            results.arrived.wait()
            if let failure = results.values.withLock({ $0.failure }) { throw failure }
        }
        return results.values.withLock { $0.values.compactMap { $0 } }
    }

    private func onWorkers(_ call: @escaping @Sendable (any WorkerInstance, Int) throws -> Void) throws {
        let (workers, names) = (workers, names)
        _ = try Self.inParallel(Array(workers.indices)) { instance in
            do {
                try call(workers[instance], instance)
            } catch {
                throw Self.naming(names[instance], error)
            }
        }
    }

    // MARK: Life cycle

    func prepare() throws {
        let (head, workers, names) = (head, workers, names)
        _ = try Self.inParallel(Array(-1..<workers.count)) { instance in
            guard instance >= 0 else { return try head.prepare() }
            do {
                try workers[instance].prepare()
            } catch {
                throw Self.naming(names[instance], error)
            }
        }
    }

    func start(results sink: any ResponseSink) throws {
        let (shares, pool) = (shares, self)
        try onWorkers { worker, instance in
            try worker.start(results: SharedSink(sink, shares, instance) { [weak pool] in pool?.noteForeign($0) })
        }
    }

    private func noteForeign(_ count: Int) { foreign.wrappingAdd(count, ordering: .relaxed) }

    func stop() throws {
        try onWorkers { worker, _ in try worker.stop() }
        let count = foreign.load(ordering: .relaxed)
        guard count == 0 else {
            throw PluginFault(
                .contract,
                library: path,
                call: "complete",
                reason: "instances gave \(count) results for samples that other instances were handed"
            )
        }
    }

    func destroy() throws {
        try onWorkers { worker, _ in try worker.destroy() }
        payloads = nil
        try head.destroy()
    }

    // MARK: The head's

    func datasetSize() throws -> (total: UInt64, performance: UInt64) { try head.datasetSize() }

    func load(_ indices: [UInt64]) throws {
        try head.load(indices)
        payloads = head.payloads
    }

    func unload(_ indices: [UInt64]) throws { try head.unload(indices) }
    func beginAccuracy() throws { try head.beginAccuracy() }
    func addResponses(_ entries: [AccuracyEntry]) throws { try head.addResponses(entries) }
    func finishAccuracy() throws -> AccuracyVerdict { try head.finishAccuracy() }
    func encode(_ text: [UInt8]) throws -> [UInt32] { try head.encode(text) }
    func decode(_ tokens: [UInt32]) throws -> [UInt8] { try head.decode(tokens) }

    // MARK: The workers'

    func warmUp() throws { try onWorkers { worker, _ in try worker.warmUp() } }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {
        shares.reserve(slots: sampleCount)
        for worker in workers {
            try worker.reserve(samplesPerQuery: min(samplesPerQuery, most), sampleCount: sampleCount)
        }
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        guard let payloads else {
            throw PluginFault(.failed, library: path, call: "issue", reason: "no sample is loaded")
        }
        var start = 0
        while start < samples.count {
            let end = min(start + most, samples.count)
            if end - start == 1 {
                try hand(
                    UnsafeBufferPointer(rebasing: samples[start..<end]),
                    to: give(samples[start], payloads),
                    payloads
                )
            } else {
                try deal(UnsafeBufferPointer(rebasing: samples[start..<end]), payloads)
            }
            start = end
        }
    }

    private func deal(_ samples: UnsafeBufferPointer<IssuedSample>, _ payloads: PayloadTable) throws {
        dealtCounts.update(repeating: 0)
        for sample in samples {
            let instance = try give(sample, payloads)
            dealt[instance * most + dealtCounts[instance]] = sample
            dealtCounts[instance] += 1
        }
        for instance in workers.indices where dealtCounts[instance] > 0 {
            let first = instance * most
            let part = UnsafeBufferPointer(rebasing: dealt[first..<(first + dealtCounts[instance])])
            try hand(part, to: instance, payloads)
        }
    }

    @inline(__always)
    private func give(_ sample: IssuedSample, _ payloads: PayloadTable) throws -> Int {
        let tokens = shares.countsTokens ? payloads[sample.index]?.tokenCount ?? 0 : 0
        guard let instance = shares.give(sample.id, tokens: tokens) else {
            throw PluginFault(.failed, library: path, call: "issue", reason: "no room is reserved for id \(sample.id)")
        }
        return instance
    }

    @inline(__always)
    private func hand(_ samples: UnsafeBufferPointer<IssuedSample>, to instance: Int, _ payloads: PayloadTable) throws {
        called.store(instance, ordering: .relaxed)
        defer { called.store(-1, ordering: .relaxed) }
        do {
            try workers[instance].issue(samples, payloads: payloads)
        } catch {
            throw Self.naming(names[instance], error)
        }
    }

    func flush() throws {
        for instance in workers.indices {
            called.store(instance, ordering: .relaxed)
            defer { called.store(-1, ordering: .relaxed) }
            do {
                try workers[instance].flush()
            } catch {
                throw Self.naming(names[instance], error)
            }
        }
    }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {
        var parts = [[UInt64]](repeating: [], count: workers.count)
        for id in ids {
            if let instance = shares.owner(of: id) { parts[instance].append(id) }
        }
        let workers = workers
        // Each on a thread of its own: one that is stuck must not keep the others from hearing of it.
        _ = try? Self.inParallel(parts.indices.filter { !parts[$0].isEmpty }.map { ($0, parts[$0]) }) { instance, ids in
            ids.withUnsafeBufferPointer { workers[instance].cancel($0) }
        }
    }

    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void) {
        head.onFault(handler)
        for (worker, name) in zip(workers, names) {
            worker.onFault { fault in
                var fault = fault
                fault.library += " (\(name))"
                handler(fault)
            }
        }
    }
}

/// What calls on several threads have brought so far.
private final class ParallelResults<Value: Sendable>: Sendable {
    let arrived = Semaphore()
    let values: Mutex<(values: [Value?], failure: (any Error)?)>

    init(_ count: Int) { values = Mutex(([Value?](repeating: nil, count: count), nil)) }
}

/// Where one worker's results go: to the run, and off the worker's account.
private final class SharedSink: ResponseSink {
    private let target: any ResponseSink
    private let shares: SampleShares
    private let instance: Int
    private let foreign: @Sendable (Int) -> Void

    init(
        _ target: any ResponseSink,
        _ shares: SampleShares,
        _ instance: Int,
        foreign: @escaping @Sendable (Int) -> Void
    ) {
        self.target = target
        self.shares = shares
        self.instance = instance
        self.foreign = foreign
    }

    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        target.firstToken(results, count)
    }

    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        // The run first: it reads the clock.
        let status = target.complete(results, count)
        guard let results, count <= UInt64(UInt32.max) else { return status }
        var strangers = 0
        for place in 0..<Int(count) where shares.finish(results[place].id, by: instance) == .foreign { strangers += 1 }
        if strangers > 0 { foreign(strangers) }
        return status
    }
}
