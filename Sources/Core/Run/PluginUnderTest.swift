/// An instance as LoadGen sees it: the system under test and the library of its samples.
final class PluginUnderTest: SystemUnderTest, QuerySampleLibrary {
    let name: String
    let totalCount: UInt64
    let performanceCount: UInt64
    /// Samples in the data set, of which `totalCount` are used.
    let librarySampleCount: UInt64
    private let instance: any PluginInstance
    private let failed: @Sendable (PluginFault) -> Void

    /// - Parameters:
    ///   - instance: Ready or running.
    ///   - limit: Uses the first so many samples of the data set; nil for all.
    ///   - failed: Told of every failed `issue` and `flush`, beside LoadGen, which ends the run.
    /// - Throws: `PluginFault`, and `ConfigError` for a limit above the data set's size.
    init(
        _ instance: any PluginInstance,
        limit: Int?,
        failed: @escaping @Sendable (PluginFault) -> Void = { _ in }
    ) throws {
        self.instance = instance
        self.failed = failed
        name = "Podium \(podiumVersion) \(instance.workload.id) \(instance.workload.version)"
        let size = try instance.datasetSize()
        librarySampleCount = size.total
        if let limit, UInt64(clamping: limit) > size.total {
            throw ConfigError(
                "\(limit) samples are wanted and the data set has \(size.total); -1 takes all",
                key: ConfigKey.totalSampleCount.name
            )
        }
        totalCount = min(size.total, limit.map(UInt64.init(clamping:)) ?? .max)
        performanceCount = min(size.performance, totalCount)
    }

    func reserve(samplesPerQuery: Int) throws { try instance.reserve(samplesPerQuery: samplesPerQuery) }
    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws { try telling { try instance.issue(samples) } }
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
    func load(_ indices: [UInt64]) throws { try instance.load(indices) }
    func unload(_ indices: [UInt64]) throws { try instance.unload(indices) }
}

extension SampleLedger: ResponseSink {}
