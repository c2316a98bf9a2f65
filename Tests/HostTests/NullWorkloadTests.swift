import Glibc
import JSON
import MallocCounter
import Synchronization
import Testing

@testable import Core

/// The null workload, a library like any other, reached through the same tables as every plugin.
@Suite struct NullWorkloadTests {
    private static let counterWorks = malloc_counter_works() == 1

    /// Passes queries on, and notes the issuing thread's allocations after a tenth of them and at the end.
    private final class Counting: SystemUnderTest {
        let name = "counting"
        private let plugin: PluginUnderTest
        private let queries: Int
        private let issued = Atomic<Int>(0)
        private let first = Atomic<Int>(-1)
        private let last = Atomic<Int>(-1)

        init(_ plugin: PluginUnderTest, queries: Int) {
            self.plugin = plugin
            self.queries = queries
        }

        var allocations: Int? {
            let (from, to) = (first.load(ordering: .relaxed), last.load(ordering: .relaxed))
            return from < 0 || to < 0 ? nil : to - from
        }

        func reserve(samplesPerQuery: Int, sampleCount: Int) throws {
            try plugin.reserve(samplesPerQuery: samplesPerQuery, sampleCount: sampleCount)
        }

        func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
            try plugin.issue(samples)
            let count = issued.wrappingAdd(1, ordering: .relaxed).newValue
            if count == queries / 10 { first.store(Int(malloc_counter_thread_allocations()), ordering: .relaxed) }
            if count == queries { last.store(Int(malloc_counter_thread_allocations()), ordering: .relaxed) }
        }

        func flush() throws { try plugin.flush() }
        func cancel(_ ids: UnsafeBufferPointer<UInt64>) { plugin.cancel(ids) }
    }

    @Test(
        .enabled(if: counterWorks, "a sanitizer has replaced malloc"),
        arguments: [Scenario.singleStream, .multiStream, .server],
        [0, 5]
    )
    func issuingAndCompletingThroughTheTablesAllocatesNothing(_ scenario: Scenario, _ tokens: Int) throws {
        let library = try PluginLibrary(named: HostProcess.products + "/libNull.so")
        let options = JSON.object(
            JSONObject([("samples", JSON.integer(256)), ("tokens", JSON.integer(Int64(tokens)))])
        )
        let instance = try LoadedInstance(
            library: library,
            request: InstanceRequest(workload: 0, options: options, threads: 1)
        ) { _, _ in }
        try instance.prepare()
        let plugin = try PluginUnderTest(instance, limit: nil)
        let queries = 2000
        var settings = TestSettings()
        settings.scenario = scenario
        settings.minDurationMs = 0
        settings.minQueryCount = UInt64(queries)
        settings.serverTargetQps = 100_000
        settings.useTokenLatencies = tokens > 0
        let counting = Counting(plugin, queries: queries)
        let folder = try TemporaryFolder.folder()
        let run = LoadGenRun(settings: settings, qsl: plugin, sut: counting, output: folder)
        try instance.start(results: run.ledger)
        let result = try run.run()
        try instance.stop()
        try instance.destroy()
        #expect(result.misuse == SampleMisuse() && result.completedSamples >= queries)
        #expect(counting.allocations == 0)
        for file in result.logFiles { unlink(file) }
        rmdir(folder)
    }
}
