public import CPluginAPI
import Dispatch
import PluginAPI
import VectorKernels

/// Scales vectors to length 1: sample `i` is a row of floats, and its result is that row.
final class Vector: Workload, DatasetProviding, InferenceProviding, KernelsProviding, @unchecked Sendable {
    static let declaration = WorkloadDeclaration(
        id: "com.example.vector",
        title: "Scales vectors to length 1",
        version: "1.0",
        options: [.integer("samples", default: 256, minimum: 1, maximum: 100_000, help: "vectors in the data set")]
    )
    static let claims: InferenceClaims = [.deterministic, .batchInvariant]
    private static let (columns, batch) = (1024, 64)
    private static let rowBytes = columns * MemoryLayout<Float>.size

    private let host: Host
    private let samples: Samples
    private let count: Int
    private var loaded: [UInt64: UnsafeMutablePointer<Float>] = [:]
    private var worker: Worker?
    private var example: VectorExample?
    /// Batches are computed one after the other, never on the thread of issue.
    private let queue = DispatchQueue(label: "com.example.vector")

    init(host: Host, configuration: Configuration) throws {
        self.host = host
        samples = try host.samples()
        count = try configuration.integer("samples")
        if configuration.role.computes {
            worker = Worker(devices: try host.devices(), launcher: try host.launcher())
        }
    }

    deinit {
        for row in loaded.values { row.deallocate() }
        worker?.close()
    }

    // MARK: Life

    func prepare() throws { try worker?.open(bytes: Vector.batch * Vector.rowBytes) }

    /// No completion may come after stop.
    func stop() { queue.sync {} }

    // MARK: mlp.dataset/1

    func datasetSize() -> (total: UInt64, performance: UInt64) { (UInt64(count), UInt64(count)) }

    func load(_ indices: UnsafeBufferPointer<UInt64>) throws {
        for index in indices where loaded[index] == nil {
            guard index < UInt64(count) else {
                throw PluginError(.invalidArgument, "load: there is no sample \(index), only \(count)")
            }
            let row = UnsafeMutablePointer<Float>.allocate(capacity: Vector.columns)
            for column in 0..<Vector.columns { row[column] = Float((Int(index) * 31 + column * 17) % 101 - 50) }
            loaded[index] = row
        }
    }

    func unload(_ indices: UnsafeBufferPointer<UInt64>) {
        for index in indices { loaded.removeValue(forKey: index)?.deallocate() }
    }

    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64) {
        guard let row = loaded[index] else {
            throw PluginError(.invalidState, "payload: sample \(index) is not loaded")
        }
        return (mlp_bytes(data: row, size: UInt64(Vector.rowBytes)), 0)
    }

    // MARK: mlp.inference/1

    /// The schedule is waiting: the queries go to the queue and the call returns.
    func issue(_ queries: UnsafeBufferPointer<mlp_query>) {
        for start in stride(from: 0, to: queries.count, by: Vector.batch) {
            let batch = Batch(queries: Array(queries[start..<min(start + Vector.batch, queries.count)]))
            queue.async { self.compute(batch.queries) }
        }
    }

    /// Whatever was issued completes soon, with the result it has.
    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) {}

    private func compute(_ queries: [mlp_query]) {
        do {
            guard let worker else { throw PluginError(.invalidState, "a head computes nothing") }
            if let wrong = queries.first(where: { $0.payload.size != UInt64(Vector.rowBytes) }) {
                throw PluginError(.invalidArgument, "sample \(wrong.index) has \(wrong.payload.size) bytes")
            }
            let results = try worker.compute(queries, rowBytes: Vector.rowBytes, columns: Int32(Vector.columns))
            _ = results.withUnsafeBufferPointer { samples.complete($0) }
        } catch {
            let status = (error as? PluginError)?.status ?? .internalError
            host.log(.error, "\(error)")
            for query in queries { samples.complete(query.id, status: status) }
        }
    }

    // MARK: mlp.kernels/1

    var kernels: UnsafeBufferPointer<mlp_kernel> {
        UnsafeBufferPointer(start: vector_kernels(), count: Int(VECTOR_KERNELS))
    }
    var kernelFamilies: UnsafeBufferPointer<mlp_kernel_family> {
        UnsafeBufferPointer(start: vector_families(), count: Int(VECTOR_FAMILIES))
    }

    func kernelExample(kernel: UInt32, number: UInt32, target: DeviceTarget) -> KernelExample? {
        guard number < 3 else { return nil }
        let shape = [(rows: 3, columns: 1000), (rows: 1, columns: 1), (rows: 2, columns: 256)][Int(number)]
        let example = VectorExample(rows: shape.rows, columns: shape.columns)
        self.example = example
        return KernelExample(grid: unit_rows_grid(UInt32(shape.rows)), arguments: example.arguments)
    }
}

/// Queries on their way to the queue; their payloads stay where they are until the samples have completed.
private struct Batch: @unchecked Sendable {
    let queries: [mlp_query]
}

nonisolated(unsafe) private let library = makeLibrary(Vector.self)

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The one symbol of the library.
@c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
