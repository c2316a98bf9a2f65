import CPluginAPI
import JSON

/// The first samples of a data set with what the workload answers, as text, for people to read.
///
/// It is no benchmark: nothing is timed or logged, and the plugin runs in this process.
public struct GeneratedText: Sendable {
    /// One sample.
    public struct Sample: Sendable {
        /// Its place in the data set.
        public var index: UInt64
        /// The payload, decoded.
        public var prompt: String
        /// The result, decoded.
        public var text: String
        /// Tokens in the result.
        public var tokenCount: UInt64
    }

    /// The samples in order.
    public let samples: [Sample]

    /// Runs the first `count` samples.
    ///
    /// - Throws: `ConfigError` if the workload has no tokens or no tokenizer, and what a run throws.
    public init(_ configuration: RunConfiguration, count: Int, console: RunConsole) throws {
        guard count > 0 else { throw ConfigError("\(count) samples: expected at least 1", key: "--count") }
        let library = try PluginLibrary(named: configuration.plugin)
        let plugin = try openPlugin(named: configuration.plugin, isolated: false, log: console.log)
        let (workload, position) = try plugin.workload(named: configuration.workload)
        let resolved = try WorkloadOptions(declaration: workload.options, workload: workload.id)
            .resolve(configuration.options)
        let instance = try LoadedInstance(
            library: library,
            request: InstanceRequest(
                workload: position,
                model: configuration.modelPath,
                dataset: configuration.datasetPath,
                options: .object(resolved),
                threads: configuration.threads > 0 ? configuration.threads : nil,
                limits: configuration.callLimits
            ),
            log: console.log
        )
        guard instance.abilities.hasTokens, instance.abilities.offers(MLP_TOKENIZER) else {
            throw ConfigError("\(workload.id) has no tokens to show as text")
        }
        try instance.prepare()
        let indices = Array(0..<min(UInt64(count), try instance.datasetSize().performance))
        try instance.load(indices)
        let sink = RecordingSink()
        try instance.start(results: sink)
        let issued = sink.willIssue(indices)
        try issued.withUnsafeBufferPointer { try instance.issue($0) }
        try instance.flush()
        guard sink.waitForAll(within: configuration.watchdogSec ?? 3600) else {
            throw PluginFault(
                .hang,
                library: library.path,
                call: "issue",
                reason: "\(sink.outstandingCount) of \(indices.count) samples did not complete"
            )
        }
        samples = try issued.map { sample in
            let record = sink.record(of: sample.id)
            if let status = record?.status, status != mlp_status(MLP_OK) {
                throw PluginFault(
                    .failed,
                    library: library.path,
                    call: "complete",
                    status: status,
                    reason: "sample \(sample.index) completed with \(statusName(status))"
                )
            }
            let payload = instance.payload(sample.index)?.payload ?? mlp_bytes(data: nil, size: 0)
            let prompt = Array(UnsafeRawBufferPointer(start: payload.data, count: Int(payload.size)))
            return Sample(
                index: sample.index,
                prompt: try GeneratedText.text(of: prompt, instance),
                text: try GeneratedText.text(of: record?.data ?? [], instance),
                tokenCount: record?.tokenCount ?? 0
            )
        }
        try instance.stop()
        try instance.destroy()
    }

    /// The text of token ids as mlp_plugin.h lays them out: int32, little-endian.
    private static func text(of data: [UInt8], _ instance: LoadedInstance) throws -> String {
        let tokens = stride(from: 0, to: data.count - data.count % 4, by: 4).map { start in
            data[start..<(start + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        return String(decoding: try instance.decode(tokens), as: UTF8.self)
    }
}
