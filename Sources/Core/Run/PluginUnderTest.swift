import Synchronization

/// An instance as LoadGen sees it: the system under test and the library of its samples.
final class PluginUnderTest: SystemUnderTest, QuerySampleLibrary {
    let name: String
    let totalCount: UInt64
    let performanceCount: UInt64
    /// Samples in the data set, of which `totalCount` are used.
    let librarySampleCount: UInt64
    private let instance: any PluginInstance
    private let failed: @Sendable (PluginFault) -> Void
    /// The samples that stand for the data set; nil: its first `totalCount`.
    private let selection: [UInt64]?
    /// Room for a query with the samples' places in the data set; touched by the issuing thread alone.
    nonisolated(unsafe) private var translated = UnsafeMutableBufferPointer<IssuedSample>(start: nil, count: 0)
    private let observes: Bool
    private let observer = Mutex<ModelOutputFile?>(nil)

    /// - Parameters:
    ///   - instance: Ready or running.
    ///   - limit: Uses the first so many samples of the data set; nil for all.
    ///   - selection: The samples to use, by their places in the data set, instead of the first; nil: no selection.
    ///   - observes: Whether ``observe(with:)`` will be called.
    ///   - failed: Told of every failed `issue` and `flush`, beside LoadGen, which ends the run.
    /// - Throws: `PluginFault`, and `ConfigError` for a limit above the data set's size.
    init(
        _ instance: any PluginInstance,
        limit: Int?,
        selection: [UInt64]? = nil,
        observes: Bool = false,
        failed: @escaping @Sendable (PluginFault) -> Void = { _ in }
    ) throws {
        self.instance = instance
        self.failed = failed
        self.selection = selection
        self.observes = observes
        name = "Podium \(podiumVersion) \(instance.workload.id) \(instance.workload.version)"
        let size = try instance.datasetSize()
        librarySampleCount = size.total
        if let limit, UInt64(clamping: limit) > size.total {
            throw ConfigError(
                "\(limit) samples are wanted and the data set has \(size.total); -1 takes all",
                key: ConfigKey.totalSampleCount.name
            )
        }
        totalCount = selection.map { UInt64($0.count) } ?? min(size.total, limit.map(UInt64.init(clamping:)) ?? .max)
        performanceCount = min(size.performance, totalCount)
    }

    deinit { translated.deallocate() }

    /// Notes from here on which samples are issued.
    func observe(with file: ModelOutputFile) { observer.withLock { $0 = file } }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {
        if selection != nil, samplesPerQuery > translated.count {
            translated.deallocate()
            translated = .allocate(capacity: samplesPerQuery)
            translated.initialize(repeating: IssuedSample(id: 0, index: 0))
        }
        try instance.reserve(samplesPerQuery: samplesPerQuery, sampleCount: sampleCount)
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        let samples = translate(samples)
        if observes { observer.withLock { $0 }?.willIssue(samples) }
        try telling { try instance.issue(samples) }
    }

    @inline(__always)
    private func translate(_ samples: UnsafeBufferPointer<IssuedSample>) -> UnsafeBufferPointer<IssuedSample> {
        guard let selection else { return samples }
        if samples.count > translated.count {
            translated.deallocate()
            translated = .allocate(capacity: samples.count)
            translated.initialize(repeating: IssuedSample(id: 0, index: 0))
        }
        for (place, sample) in samples.enumerated() {
            translated[place] = IssuedSample(id: sample.id, index: selection[Int(sample.index)])
        }
        return UnsafeBufferPointer(rebasing: UnsafeBufferPointer(translated)[..<samples.count])
    }

    private func places(_ indices: [UInt64]) -> [UInt64] {
        guard let selection else { return indices }
        return indices.map { selection[Int($0)] }
    }

    func flush() throws { try telling { try instance.flush() } }

    @inline(__always)
    private func telling(_ call: () throws -> Void) throws {
        do {
            try call()
        } catch let fault as PluginFault {
            failed(fault)
            throw fault
        }
    }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) { instance.cancel(ids) }
    func load(_ indices: [UInt64]) throws { try instance.load(places(indices)) }
    func unload(_ indices: [UInt64]) throws { try instance.unload(places(indices)) }
}

extension SampleLedger: ResponseSink {}
