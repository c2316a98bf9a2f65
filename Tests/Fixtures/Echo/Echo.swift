public import CPluginAPI
import PluginAPI

/// The smallest right plugin: sample `i` is the text "echo i", and its result is that text.
final class Echo: Workload, DatasetProviding, InferenceProviding, AccuracyProviding {
    static let declaration = WorkloadDeclaration(
        id: "podium.echo",
        title: "Gives every sample back as its result",
        version: "1.0",
        options: [
            .integer("samples", default: 64, minimum: 1, maximum: 1_000_000, help: "samples in the data set")
        ]
    )
    static let claims: InferenceClaims = [.deterministic, .batchInvariant]

    private let samples: Samples
    private let count: Int
    private var loaded: [UInt64: UnsafeMutableRawBufferPointer] = [:]
    private var scored = 0
    private var right = 0

    init(host: Host, configuration: Configuration) throws {
        samples = try host.samples()
        count = try configuration.integer("samples")
    }

    deinit {
        for payload in loaded.values { payload.deallocate() }
    }

    private func text(_ index: UInt64) -> String { "echo \(index)" }

    func datasetSize() -> (total: UInt64, performance: UInt64) { (UInt64(count), UInt64(count)) }

    func load(_ indices: UnsafeBufferPointer<UInt64>) throws {
        for index in indices where loaded[index] == nil {
            guard index < UInt64(count) else {
                throw PluginError(.invalidArgument, "load: there is no sample \(index), only \(count)")
            }
            let text = Array(text(index).utf8)
            let payload = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
            payload.copyBytes(from: text)
            loaded[index] = payload
        }
    }

    func unload(_ indices: UnsafeBufferPointer<UInt64>) {
        for index in indices { loaded.removeValue(forKey: index)?.deallocate() }
    }

    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64) {
        guard let payload = loaded[index] else {
            throw PluginError(.invalidState, "payload: sample \(index) is not loaded")
        }
        return (mlp_bytes(data: payload.baseAddress, size: UInt64(payload.count)), 0)
    }

    func issue(_ queries: UnsafeBufferPointer<mlp_query>) {
        for query in queries {
            samples.complete(
                query.id,
                data: UnsafeRawBufferPointer(start: query.payload.data, count: Int(query.payload.size))
            )
        }
    }

    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) {
        // Nothing is ever outstanding after issue has returned.
    }

    func beginAccuracy() {
        scored = 0
        right = 0
    }

    func addResponses(_ responses: UnsafeBufferPointer<mlp_response>) {
        for response in responses {
            scored += 1
            let bytes = UnsafeRawBufferPointer(start: response.data.data, count: Int(response.data.size))
            if bytes.elementsEqual(text(response.index).utf8) { right += 1 }
        }
    }

    func finishAccuracy() -> AccuracyReport {
        let share = scored == 0 ? 0 : 100 * Double(right) / Double(scored)
        return AccuracyReport(
            passed: scored > 0 && right == scored,
            text: "{'exact_match': \(share)}\n",
            metrics: "[{\"name\":\"exact_match\",\"value\":\(share),\"minimum\":100}]"
        )
    }
}

nonisolated(unsafe) private let library = makeLibrary(Echo.self)

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The entry that the host looks up.
@c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
