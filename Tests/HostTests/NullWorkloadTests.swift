import Glibc
import JSON
import MallocCounter
import Testing

@testable import Core

/// The null workload, a library like any other, reached through the same tables as every plugin.
@Suite struct NullWorkloadTests {
    private static let counterWorks = malloc_counter_works() == 1

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
        let counting = CountingSystem(plugin, queries: queries)
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
