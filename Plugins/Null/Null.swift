public import CPluginAPI
import PluginAPI

/// A workload that does nothing: every sample completes inside `issue`, so what a run takes is the host's own cost.
final class Null: Workload, DatasetProviding, InferenceProviding {
    static let declaration = WorkloadDeclaration(
        id: "podium.null",
        title: "Completes every sample at once: measures the host",
        version: "1.0",
        options: [
            .integer("samples", default: 24_576, minimum: 1, maximum: 100_000_000, help: "samples in the data set"),
            .integer(
                "tokens",
                default: 0,
                minimum: 0,
                maximum: 1_000_000,
                help: "tokens reported for each sample; 0: no tokens, no first token"
            ),
        ]
    )
    static let claims: InferenceClaims = [.tokens, .deterministic, .batchInvariant]

    private let samples: Samples
    private let count: UInt64
    private let tokens: UInt64
    /// Filled again for every batch: issue is never called twice at once.
    private let results = UnsafeMutableBufferPointer<mlp_result>.allocate(capacity: 64)

    init(host: Host, configuration: Configuration) throws {
        samples = try host.samples()
        count = UInt64(try configuration.integer("samples"))
        tokens = UInt64(try configuration.integer("tokens"))
        results.initialize(repeating: mlp_result())
    }

    deinit { results.deallocate() }

    func datasetSize() -> (total: UInt64, performance: UInt64) { (count, count) }

    func load(_ indices: UnsafeBufferPointer<UInt64>) throws {
        if let bad = indices.first(where: { $0 >= count }) {
            throw PluginError(.invalidArgument, "load: there is no sample \(bad), only \(count)")
        }
    }

    func unload(_ indices: UnsafeBufferPointer<UInt64>) {}

    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64) {
        guard index < count else { throw PluginError(.invalidArgument, "payload: there is no sample \(index)") }
        return (mlp_bytes(data: nil, size: 0), 0)
    }

    func issue(_ queries: UnsafeBufferPointer<mlp_query>) {
        var start = 0
        while start < queries.count {
            let batch = min(results.count, queries.count - start)
            for offset in 0..<batch {
                results[offset].id = queries[start + offset].id
                results[offset].token_count = tokens
            }
            let filled = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(results)[..<batch])
            if tokens > 0 { samples.firstToken(filled) }
            samples.complete(filled)
            start += batch
        }
    }

    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) {
        // Nothing is ever outstanding after issue has returned.
    }
}

nonisolated(unsafe) private let library = makeLibrary(Null.self)

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The entry that the host looks up.
@c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
