@testable import Core
import JSON
import Testing

/// The host's cost is measured through the tables of a plugin that is part of the host.
@Suite struct HostCostTests {
    @Test func itIsAPlausibleNumberAgainAndAgain() throws {
        for _ in 0..<2 {
            let cost = try HostCost.measure(samples: 3000)
            // Between a few instructions and a tenth of a millisecond, with and without optimisation.
            #expect(cost > 10 && cost < 100_000, "\(cost) ns")
        }
    }

    @Test func theEmptyWorkloadKeepsTheContract() throws {
        let library = try PluginLibrary(embedded: EmptyWorkload.library, name: "empty")
        #expect(library.workloads.map(\.id) == ["podium.empty"])
        let instance = try LoadedInstance(
            library: library,
            request: InstanceRequest(workload: 0, options: .object([:])),
            log: { _, _ in }
        )
        try instance.prepare()
        #expect(try instance.datasetSize().total == EmptyWorkload.sampleCount)
        let sink = RecordingSink()
        try instance.start(results: sink)
        try instance.load(Array(0..<200))
        try instance.reserve(samplesPerQuery: 200, sampleCount: 200)
        let issued = sink.willIssue(Array(0..<200))
        try issued.withUnsafeBufferPointer { try instance.issue($0) }
        try instance.flush()
        #expect(sink.outstandingCount == 0)
        try instance.stop()
        try instance.destroy()
    }
}
