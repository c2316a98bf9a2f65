import CPluginAPI
import Synchronization

@testable import Core

/// Instances that the test plays itself: they note what they are handed, and finish what the test says.
final class StubInstance: HeadInstance, WorkerInstance, @unchecked Sendable {
    let library = "stub"
    let workload: WorkloadDescription
    let abilities = Abilities(extensions: [], claims: 0, vocabulary: 0)
    let request: InstanceRequest
    private(set) var payloads: PayloadTable?
    private(set) var issued: [[IssuedSample]] = []
    private(set) var cancelled: [UInt64] = []
    private(set) var sink: (any ResponseSink)?
    private(set) var handler: (@Sendable (PluginFault) -> Void)?
    /// What `issue` throws.
    var fault: PluginFault?

    init(_ workload: WorkloadDescription, _ request: InstanceRequest) {
        self.workload = workload
        self.request = request
    }

    func prepare() {}
    func start(results sink: any ResponseSink) { self.sink = sink }
    func stop() {}
    func destroy() {}
    func datasetSize() -> (total: UInt64, performance: UInt64) { (1 << 20, 1 << 20) }

    /// Sample i has i tokens.
    func load(_ indices: [UInt64]) throws {
        let table = try PayloadTable(count: 1 << 20)
        for index in indices { table.set(index, .init(data: nil, size: 0), tokenCount: index) }
        payloads = table
    }

    func unload(_ indices: [UInt64]) {}
    func warmUp() {}
    func reserve(samplesPerQuery: Int, sampleCount: Int) {}
    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) {}

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>, payloads: PayloadTable) throws {
        if let fault { throw fault }
        issued.append(Array(samples))
    }

    func flush() {}
    func cancel(_ ids: UnsafeBufferPointer<UInt64>) { cancelled += ids }
    func beginAccuracy() {}
    func addResponses(_ entries: [AccuracyEntry]) {}
    func finishAccuracy() -> AccuracyVerdict { AccuracyVerdict(passed: true, text: "", metrics: "[]") }
    func encode(_ text: [UInt8]) -> [UInt32] { [] }
    func decode(_ tokens: [UInt32]) -> [UInt8] { [] }
    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void) { self.handler = handler }
}

/// A library of stubs, which keeps them by the name that faults carry.
final class StubLibrary: OpenPlugin {
    let path = "stub"
    let workloads: [WorkloadDescription]
    let abiMinor: UInt32 = 0
    private let made = Mutex<[String: StubInstance]>([:])

    init() throws { workloads = try PluginLibrary(embedded: EmptyWorkload.library, name: "stub").workloads }

    func makeInstance(_ request: InstanceRequest) throws -> any PluginInstance {
        let instance = StubInstance(workloads[0], request)
        made.withLock { $0[request.name ?? "head"] = instance }
        return instance
    }

    subscript(name: String) -> StubInstance? { made.withLock { $0[name] } }
}
